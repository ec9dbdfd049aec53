"""A night in miniature, told by the command line and held against what the sandbox knows to be true.

The truth of every row is known, because the sandbox wrote it; what each member is owed is worked out here a
second time, from that truth and the scheme alone, without pages, roster, matching or database.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from stage import ASSOCIATION, DAY, Gateways, Stage, Troubles, make_night, proven, stage, surroundings, write_settings

from gateway.core.claims.told import claim_schema
from gateway.core.schemes import Insured, assess, needs_person
from gateway.model.money import yuan
from gateway.model.record import SettlementRecord
from gateway.sandbox.inbox_book import InboxBook
from gateway.sandbox.night import Night
from gateway.sandbox.roster import SCHEME, coverage_of, member_no
from gateway.sandbox.truth_errors import KINDS
from gateway.sandbox.truth_traps import TRAPS
from gateway.settings.schemes import load_families

SCHEMES = Path(__file__).parents[2] / "config" / "schemes"
CLAIM_SCHEMA = jsonschema.Draft202012Validator(claim_schema())
SEED = 7
DEMO_KEYS = {
    "records",
    "members_matched",
    "claims_delivered",
    "quarantined",
    "review",
    "lost",
    "doubled",
    "seconds",
}


class Demo:
    """One run of `hubao demo --json` in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "demo-site"
        began = time.monotonic()
        command = [sys.executable, "-P", "-m", "gateway", "demo", "--json", "--seed", str(SEED)]
        self.done = subprocess.run(
            command, cwd=folder, env=surroundings(), capture_output=True, text=True, timeout=120, check=False
        )
        self.seconds = time.monotonic() - began

    def hubao(self, *arguments: str) -> Any:
        """The JSON answer of another command about the site the demo left behind."""
        command = [sys.executable, "-P", "-m", "gateway", "--site", str(self.site), *arguments, "--json"]
        done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return Demo(tmp_path_factory.mktemp("demo"))


def test_what_the_demo_prints_works_as_typed_and_a_second_one_leaves_the_first_alone(tmp_path: Path) -> None:
    """In a shell, from the folder it was started in, the way it was started."""

    def typed(command: str, answers: str = "") -> str:
        done = subprocess.run(
            command,
            input=answers,
            shell=True,
            cwd=tmp_path,
            env=surroundings(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 1), command + done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    start = shlex.join([sys.executable, "-P", "-m", "gateway", "demo", "--seed", str(SEED)])
    shown = typed(start)
    commands = [line.strip() for line in shown.splitlines() if line.startswith("    ") and "--site" in line]
    assert len(commands) == 7
    assert "facts add" in commands[0]
    assert not any("breast_cancer" in command for command in commands), "no diagnosis stands on a command line"
    assert re.search("diagnosis.*breast_cancer", shown), "what to answer when asked stands below"
    assert typed(commands[0], "diagnosis\nbreast_cancer\n")
    for command in commands[1:]:
        assert typed(command)
    [listing] = [command for command in commands if command.endswith("claims list")]
    facts = listing.removesuffix("claims list") + "facts list --association nm --json"
    before = typed(facts)
    assert len(json.loads(before)["facts"]) == 1
    again = typed(start)
    assert "demo-site-2" in again
    assert typed(facts) == before


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two evenings, command by command, with a larger cast than the demo's machine has to wait for."""
    folder = tmp_path_factory.mktemp("played")
    night = make_night(folder / "prepared" / "leagues", people=240, seed=SEED, guests_too=True)
    site = folder / "prepared" / "site"
    write_settings(site, night)
    with Gateways(folder / "gateways") as gateways:
        arguments = ("roster", "import", str(night.roster), "--association", ASSOCIATION)
        assert gateways.start(["--site", str(site), *arguments], seconds=0).wait().code == 0
        troubles = Troubles(line=("5203:2:error", "5203:5:broken"), inbox=("POST /claims:3:lost",))
        with stage(folder / "trial", site, people=240, seed=SEED, guests_too=True, troubles=troubles) as on:
            for evening in (0, 1):
                on.begin(evening)
                on.run_until_quiet(gateways)
                on.end_evening()
            yield on


def classes(tallies: Iterable[Mapping[str, int]]) -> Counter[str]:
    """How rows ended, in the words of the truth, what was replaced left out."""
    found: Counter[str] = Counter()
    for rows in tallies:
        found.update(rows)
    found["member"] += found.pop("left")
    del found["superseded"]
    return +found


def ends(night: Night, feed: str, book: InboxBook) -> Counter[str]:
    """How a feed's rows must end. Faults in care that no scheme pays are not looked for (DECISIONS 11); of the rows
    whose label leaves them open, as many are members' as there are claims for, and all others are in review."""
    rows, overlooked = Counter(night.truth.rows[feed]), night.truth.overlooked[feed]
    rows["quarantined"] -= overlooked
    rows["member"] += overlooked
    guests = night.truth.guests.items()
    opened = {number for number, guest in guests if (guest.league, guest.end) == (feed, "open")}
    assert rows.pop("open", 0) == len(opened)
    rows["member"] += len(opened & claimed(book))
    rows["review"] += len(opened - claimed(book))
    return +rows


def claimed(book: InboxBook) -> set[str]:
    """The settlements of all claims that stand at the inbox."""
    return {number for theirs in standing(book).values() for settlements, _ in theirs for number in settlements}


def owed(
    night: Night, live: Mapping[str, Iterable[SettlementRecord]]
) -> dict[str, Counter[tuple[tuple[str, ...], str]]]:
    """Member → (settlements, payable) of every claim these stays should make, worked out from the truth alone."""
    family = load_families(SCHEMES)[SCHEME]
    people = {member_no(person): person for person in night.members}
    expected: dict[str, Counter[tuple[tuple[str, ...], str]]] = {}
    for number, records in live.items():
        person = people[number]
        insured = Insured(
            category=person.category,
            sex=person.sex,
            birth_date=person.birth_date,
            coverage=coverage_of(person, day=DAY, seed=SEED),
        )
        due = [each for each in assess(insured, records, family) if each.payable or needs_person(each)]
        if due:
            expected[number] = Counter((tuple(sorted(each.settlements)), yuan(each.payable)) for each in due)
    return expected


def standing(book: InboxBook) -> dict[str, Counter[tuple[tuple[str, ...], str]]]:
    """Member → (settlements, payable) of every claim of the inpatient scheme that stands at the inbox."""
    found: dict[str, Counter[tuple[tuple[str, ...], str]]] = {}
    for held in book.current():
        if held.status != "withdrawn" and held.claim["scheme"] == SCHEME:
            settlements = tuple(sorted(each["settlement_no"] for each in held.claim["settlements"]))
            theirs = found.setdefault(held.claim["member"]["member_no"], Counter())
            theirs[settlements, held.claim["payable"]] += 1
    return found


def check_claims(night: Night, book: InboxBook) -> None:
    """The claims that stand are those of the truth: every sure one; of an open one the right one or none; no other."""
    for held in book.held():
        CLAIM_SCHEMA.validate(held.claim)
    found, perhaps = standing(book), owed(night, night.truth.open)
    assert perhaps.keys() == night.truth.open.keys()
    assert all(found.pop(number, claims) == claims for number, claims in perhaps.items())
    assert found == owed(night, night.truth.live)


@pytest.mark.parametrize("feed", ["wuhai", "hinggan", "bayannur"])
def test_every_row_ends_as_the_truth_says(played: Stage, feed: str) -> None:
    tallies = (sheet.tally.rows for sheet in played.sheets() if sheet.feed == feed)
    assert classes(tallies) == ends(played.night, feed, played.inbox.book)


def test_nothing_is_lost_and_nothing_doubled(played: Stage) -> None:
    proven(played.sheets())
    assert played.inbox.summary()["doubled"] == 0


def test_the_inbox_holds_what_each_member_is_owed(played: Stage) -> None:
    assert len(owed(played.night, played.night.truth.live)) > 80
    check_claims(played.night, played.inbox.book)


def test_no_trap_makes_a_claim(played: Stage) -> None:
    """Nobody a trap was laid for has a claim, and no settlement of a trap stands in one."""
    laid = {number: guest for number, guest in played.night.truth.guests.items() if guest.kind in TRAPS}
    assert len(laid) == 2 * sum(trap.at_night for trap in TRAPS.values())
    assert not claimed(played.inbox.book) & laid.keys()
    assert not standing(played.inbox.book).keys() & {member_no(guest.person) for guest in laid.values()}


def test_every_error_that_proves_who_it_is_becomes_a_claim(played: Stage) -> None:
    sure = {number: guest.kind for number, guest in played.night.truth.guests.items() if guest.end == "member"}
    assert {kind for kind, how in KINDS.items() if how.automatic and how.at_night} <= {*sure.values()}
    assert sure.keys() <= claimed(played.inbox.book)


def test_a_diagnosis_waits_to_be_confirmed(played: Stage) -> None:
    """One woman of 巴彦淖尔 is in 馨康 and learnt that she is ill: a person must look, nothing is paid by itself."""
    [held] = [each for each in played.inbox.book.current() if each.claim.get("scheme") == "nm-women"]
    assert (held.claim["payable"], held.claim["flags"]) == ("0.00", ["diagnosis_to_confirm"])
    assert [each["diagnosis_codes"] for each in held.claim["settlements"]] == [["C50.400"]]


def test_a_claim_names_the_member_and_explains_every_fen(played: Stage) -> None:
    people = {member_no(person): person for person in played.night.members}
    for held in played.inbox.book.current():
        if held.status != "withdrawn":
            claim = held.claim
            person = people[claim["member"]["member_no"]]
            assert (claim["member"]["name"], claim["member"]["id_number"]) == (person.name, person.id_number)
            assert all(line["article"] and line["text"] for line in claim["lines"])
            assert sum(_fen(line["amount"]) for line in claim["lines"]) == _fen(claim["payable"])


def _fen(amount: str) -> int:
    return int(amount.replace(".", ""))


def test_the_demo_answers_in_time_with_nothing_lost_or_doubled(demo: Demo) -> None:
    assert demo.done.returncode == 0, demo.done.stdout + demo.done.stderr
    assert demo.seconds < 60
    figures = json.loads(demo.done.stdout.splitlines()[-1])
    assert set(figures) == DEMO_KEYS
    assert (figures["lost"], figures["doubled"]) == (0, 0)
    assert figures["claims_delivered"] > 50
    assert min(figures["quarantined"], figures["review"]) > 0


def test_the_demo_is_quiet_and_names_nobody(demo: Demo, tmp_path: Path) -> None:
    assert len(demo.done.stdout.splitlines()) == 1
    night = make_night(tmp_path, people=400, seed=SEED, guests_too=True)
    assert not [text for text in night.personal if len(text) > 4 and text in demo.done.stdout + demo.done.stderr]


def test_the_demo_comes_to_the_truth(demo: Demo, tmp_path: Path) -> None:
    night = make_night(tmp_path, people=400, seed=SEED, guests_too=True)
    days = demo.hubao("reconcile")["days"]
    book = InboxBook(demo.site / "inbox")
    for feed in night.truth.rows:
        tallies = (day["tally"]["rows"] for day in days if day["feed"] == feed)
        assert classes(tallies) == ends(night, feed, book), feed
    check_claims(night, book)
    book.close()


def test_the_demo_leaves_a_site_that_can_be_looked_at(demo: Demo) -> None:
    claims = demo.hubao("claims", "list", "--limit", "1000")["claims"]
    figures = json.loads(demo.done.stdout.splitlines()[-1])
    assert len(claims) >= figures["claims_delivered"]
    shown = demo.hubao("claims", "show", claims[0]["claim_id"])
    assert shown["claim_id"] == claims[0]["claim_id"]
    assert len(demo.hubao("quarantine", "list", "--limit", "1000")["quarantine"]) == figures["quarantined"]
    assert len(demo.hubao("review", "list", "--limit", "1000")["review"]) == figures["review"]
