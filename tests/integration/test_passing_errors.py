"""An error that passes loses nothing: the database fails once, at any statement, and the process goes on.

The measure is an undisturbed run of the same two evenings. Each trial fails at another statement of the first
transaction, the second, the mending, or whatever stands between; the same office then runs again until nothing
waits, and holds the same records, claims, tallies and open questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import (
    EAST_AND_WEST,
    FILES,
    Who,
    adds_up,
    empty,
    enrolled,
    in_batches,
    keep_page,
    page,
    row,
    rows_of,
    truth,
    who,
)
from passing_errors import Failing, watch
from sqlalchemy import text

from gateway.flow.findings.book import show
from gateway.flow.intake.night import Doors, run_night
from gateway.flow.intake.work import process_batch, read_batches
from gateway.flow.office import Office
from gateway.model.claim import Answer, AnswerKind
from gateway.model.page import Fetched
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

ROWS_A_BATCH = 3
SHORT = 7
"""How many statements fail in the short form, spread over all."""

PARTS = 40
"""Into so many tests the long form is cut, so that it can be taken in pieces: every 40th statement, and so on."""


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return in_batches(make_office(database_url, feeds={**FILES, **EAST_AND_WEST}), ROWS_A_BATCH)


# ── the evenings ──

OTHER = Who("试不同", who(3).id_number)
PUSHED = [row("E1", 1), row("E2", 2), row("E9", 99), row("E3", 3, begndate="2021-08-01", enddate="2021-08-08")]
FIRST = [
    [row("F1", 1, fixmedins_code="H2"), row("F2", 2), row("F8", 98)],
    [
        row("F3", OTHER),
        row("F4", 4),
        row("F5", 5),
        row("F6", 6),
        row("F4", None, refund=True, setl_id="F4"),
        row("F7", 7, setl_time="not a time"),
        row("F10", 8, begndate="2021-09-01", enddate="2021-09-09"),
    ],
]
SECOND = [[FIRST[0][0], row("F2", 2, inscp_scp_amt="16000.00")], FIRST[1][:6]]
"""The first file once more, corrected, with a stranger and two rows gone."""


WHAT_IS_SAID = [
    ("claims_taken", "nm/east"),
    ("claims_taken", "nm/files"),
    ("feed_late", "east"),
    ("quarantine_open", "files"),
    ("review_open", "nm"),
]
"""The findings of both evenings: what they took away, the feed that told one page and no more, and what waits."""


def file(contents: Sequence[list[dict[str, Any]]], revision: int) -> list[Fetched]:
    return [
        page(*rows, request=f"day1:{revision}:{part}", source="day1.json", part=part, parts=len(contents))
        for part, rows in enumerate(contents, 1)
    ]


class Folder:
    """A drop folder in memory: hands over what was not released yet."""

    def __init__(self) -> None:
        self.lying: list[Fetched] = []

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        yield from list(self.lying)

    def release(self, fetched: Fetched) -> None:
        self.lying.remove(fetched)


class Inbox:
    """An association that takes every version, and knows which it has."""

    def __init__(self) -> None:
        self.held: dict[str, dict[int, dict[str, Any]]] = {}

    def send(self, body: bytes, *, claim_id: str, version: int, **_: Any) -> Answer:
        self.held.setdefault(claim_id, {})[version] = msgspec.json.decode(body)
        return Answer(kind=AnswerKind.ACCEPTED, code="200")

    def ask(self, claim_id: str, *, version: int, **_: Any) -> Answer:
        has = version in self.held.get(claim_id, {})
        return Answer(kind=AnswerKind.ACCEPTED if has else AnswerKind.ABSENT, code="200" if has else "404")

    def standing(self) -> dict[str, dict[str, Any]]:
        """Claim → what its last version says, without how often it changed."""
        last = {claim: versions[max(versions)] for claim, versions in self.held.items()}
        return {
            claim: {name: value for name, value in body.items() if name not in ("version", "status", "change")}
            for claim, body in last.items()
            if body["status"] != "withdrawn"
        }


class Town:
    """A site between its folder and its association, night after night."""

    def __init__(self, office: Office, clock: Hands, failing: Failing) -> None:
        self.office, self.clock, self.failing = office, clock, failing
        self.folder, self.inbox = Folder(), Inbox()
        self.doors = Doors(
            feed=lambda *_: self.folder,  # type: ignore[arg-type,return-value]
            sender=lambda *_: self.inbox,  # type: ignore[arg-type,return-value]
            jitter=lambda: 0.0,
            new_lease=iter(map(str, range(10**6))).__next__,
        )
        clock.set(2021, 10, 8, 9)
        empty(office)
        enrolled(office, *range(1, 9))

    def evening(self, fetched: Sequence[Fetched]) -> None:
        """One evening: run, and while something failed or waits, run again."""
        self.folder.lying += fetched
        for _ in range(4):
            report = run_night(self.office, self.doors, feeds=["files"])
            self.clock.move(minutes=1)
            if not report.failed and not self.folder.lying:
                break
        assert not report.failed, (report.failed_steps, report.feeds)
        assert not self.folder.lying
        self.clock.move(hours=24)

    def outcome(self) -> dict[str, Any]:
        """After all evenings: what is stored, and what the association has."""
        stored = truth(self.office)
        # PostgreSQL takes no number back: a page whose first transaction failed leaves a hole, and nothing hangs on it.
        order = {
            seq: rank for rank, seq in enumerate(sorted(each["seq"] for each in rows_of(self.office, schema.page)))
        }
        stored["records"] = [{**record, "page_seq": order[record["page_seq"]]} for record in stored["records"]]
        stored["open"] = [(kind, order[seq], index, why) for kind, seq, index, why in stored["open"]]
        stored["waiting"] = [(feed, key, order[seq], index) for feed, key, seq, index in stored["waiting"]]
        return {**stored, "arrived": self.inbox.standing(), "rows": adds_up(self.office)}


def two_evenings(town: Town, at: int = 0, **how: Any) -> int:
    """Both evenings and a quiet night, disturbed at one statement; returns how many statements were passed."""
    keep_page(town.office, "east", page(*PUSHED))
    town.failing.arm(at, **how)
    town.evening(file(FIRST, 1))
    town.evening(file(SECOND, 2))
    town.evening([])
    passed = town.failing.count
    town.failing.arm(0)
    return passed


def mending(town: Town, at: int = 0, **how: Any) -> int:
    """The first file's pages stand as worked, with a gap in each; two evenings later all is as if there was none."""
    pages_ = file(FIRST, 1)
    keep_page(town.office, "east", page(*PUSHED))
    with_gap(town.office, [keep_page(town.office, "files", each) for each in pages_], {3})
    town.failing.arm(at, **how)
    town.evening([])
    town.evening(file(SECOND, 2))
    town.evening([])
    passed = town.failing.count
    town.failing.arm(0)
    return passed


def with_gap(office: Office, seqs: Sequence[int], left_out: set[int]) -> None:
    """Work these pages without the batches that begin at these rows, and mark them as worked all the same."""
    for seq in seqs:
        rows = 0
        for batch in read_batches(office, seq):
            rows = len(batch.page.rows)
            if batch.start not in left_out:
                process_batch(office, batch)
        with office.store.write() as tx:
            tx.execute(
                text("update page set state = 'done', rows = :rows where seq = :seq"), {"rows": rows, "seq": seq}
            )


Scenario = Callable[..., int]


@pytest.fixture
def failing(office: Office) -> Failing:
    return watch(office)


def undisturbed(office: Office, clock: Hands, failing: Failing) -> dict[str, Any]:
    town = Town(office, clock, failing)
    two_evenings(town)
    return town.outcome()


def test_the_undisturbed_run_is_worth_comparing_with(office: Office, clock: Hands, failing: Failing) -> None:
    outcome = undisturbed(office, clock, failing)
    assert len(outcome["arrived"]) > 4
    # The corrected stay at the other hospital overlaps the one that the first feed told, so it is asked about as well.
    assert sorted(kind for kind, *_ in outcome["open"]) == ["match", "quarantine", "repeat"]
    assert set(outcome["rows"]) >= {"member", "stranger", "review", "duplicate", "superseded", "quarantined"}
    assert sorted({(finding.code, finding.name) for finding in show(office)}) == WHAT_IS_SAID


def test_what_was_marked_with_a_gap_is_mended(office: Office, clock: Hands, failing: Failing) -> None:
    wanted = undisturbed(office, clock, failing)
    town = Town(office, clock, failing)
    mending(town)
    assert town.outcome() == wanted


def disturbed_everywhere(
    office: Office,
    clock: Hands,
    failing: Failing,
    scenario: Scenario,
    chosen: Callable[[int], Sequence[int]],
    **how: Any,
) -> None:
    wanted = undisturbed(office, clock, failing)
    for at in chosen(scenario(Town(office, clock, failing))):
        town = Town(office, clock, failing)
        scenario(town, at, **how)
        what = failing.failed or ["never passed"]
        assert town.outcome() == wanted, f"statement {at}: {what}"
        assert not [finding for finding in show(office) if finding.code == "page_failed"], f"statement {at}: {what}"


def spread(statements: int) -> list[int]:
    """A few statements out of all, the same at every run."""
    return sorted({1 + (statements - 1) * part // (SHORT - 1) for part in range(SHORT)})


SCENARIOS = pytest.mark.parametrize("scenario", [two_evenings, mending])
HOWS = pytest.mark.parametrize("how", [{}, {"when": "after"}, {"cut": True}], ids=["before", "after", "cut"])


@SCENARIOS
def test_an_error_at_some_statements_loses_nothing(
    office: Office, clock: Hands, failing: Failing, scenario: Scenario
) -> None:
    disturbed_everywhere(office, clock, failing, scenario, spread, cut=office.store.postgres)


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
@HOWS
@SCENARIOS
def test_an_error_at_every_statement_loses_nothing(
    office: Office, clock: Hands, failing: Failing, scenario: Scenario, how: dict[str, Any], part: int
) -> None:
    if how.get("cut") and not office.store.postgres:
        pytest.skip("a file has no connection to cut")
    disturbed_everywhere(office, clock, failing, scenario, lambda many: range(1 + part, many + 1, PARTS), **how)
