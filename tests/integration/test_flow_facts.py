"""A confirmed fact pays what only a fact can pay, whatever came first, and takes it back when it is withdrawn."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from builders import EAST_AND_WEST, claims, empty, live, only, page, payable, row, rows_of, take, versions, who
from facts_side import EVENT, STAY, WHOLE, WOMEN, XINKANG, confirmed, ill, office_with, period, stored, told, woman
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.errors import BadInput, BrokenSeal, WrongUse
from gateway.flow.changes.fact_boxes import facts_of, open_box
from gateway.flow.delivery.claims import decide
from gateway.flow.delivery.explain import explain_claim
from gateway.flow.intake.night import rescan_and_judge
from gateway.flow.office import Office
from gateway.flow.people.facts import list_facts, record_fact, withdraw_fact
from gateway.flow.people.ledgers import member_ledger
from gateway.flow.roster.enrol import enrol
from gateway.model.money import Money
from gateway.store import facts, members, schema
from gateway.store.engine import Tx

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str, clock: Hands) -> Office:
    clock.set(2022, 10, 8, 9)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrol(office, "nm", [woman(1), woman(2)])
    return office


def the_claim(office: Office) -> dict[str, Any]:
    found: dict[str, Any] = only(claims(office))
    return found


# ── what a fact does ──


def test_a_code_waits_for_a_person_until_a_fact_confirms_it(office: Office) -> None:
    take(office, "east", page(ill("A1", 1)))
    waiting = the_claim(office)
    assert (waiting["stay"], waiting["scheme"], waiting["payable"]) == (EVENT, WOMEN, 0)
    assert waiting["body"]["needs_person"]
    assert waiting["flags"] == "diagnosis_to_confirm"
    known = confirmed(office, 1)
    paid = the_claim(office)
    assert (paid["claim_id"], paid["version"], paid["payable"]) == (waiting["claim_id"], 2, WHOLE)
    assert (paid["flags"], paid["body"]["needs_person"]) == ("", False)
    assert [line["rule"] for line in paid["body"]["lines"]] == ["lump_sum"]
    withdraw_fact(office, "nm", known.fact_id)
    again = the_claim(office)
    assert (again["version"], again["payable"], again["flags"]) == (3, 0, "diagnosis_to_confirm")


def test_a_fact_alone_is_a_claim_and_its_withdrawal_takes_it_back(office: Office) -> None:
    known = confirmed(office, 1)
    claim = the_claim(office)
    assert (claim["stay"], claim["payable"], claim["body"]["settlements"]) == (EVENT, WHOLE, [])
    assert claim["body"]["member"]["name"] == who(1).name
    assert "32000.00元" in "".join(claim["body"]["explanation"])
    withdraw_fact(office, "nm", known.fact_id)
    gone = the_claim(office)
    assert (gone["status"], gone["body"]["reason"]) == ("withdrawn", "event_gone")
    assert "撤回" in explain_claim(office, gone["claim_id"]).explanation[0]
    confirmed(office, 1)
    assert (the_claim(office)["version"], the_claim(office)["payable"]) == (3, WHOLE)


def test_the_order_of_fact_and_settlements_does_not_matter(office: Office) -> None:
    pages = [page(ill("A1", 1)), page(row("A2", 1, **STAY, dise_codg="C50.100"))]

    def afresh(*steps: str) -> list[dict[str, Any]]:
        empty(office)
        enrol(office, "nm", [woman(1), woman(2)])
        for step in steps:
            if step == "fact":
                confirmed(office, 1)
            else:
                take(office, "east", pages[int(step)])
        return live(office)

    told_last = afresh("0", "1", "fact")
    assert only(told_last)["payable"] == WHOLE
    assert afresh("fact", "0", "1") == told_last
    assert afresh("0", "fact", "1") == told_last
    assert afresh("1", "fact", "0") == told_last


def test_said_twice_it_is_one_fact(office: Office) -> None:
    first = confirmed(office, 1)
    assert confirmed(office, 1, by="经办乙") == first
    assert (len(rows_of(office, schema.fact)), the_claim(office)["version"]) == (1, 1)


def test_a_fact_outside_the_period_pays_nothing(office: Office) -> None:
    confirmed(office, 1, on=date(2022, 2, 28))
    assert claims(office) == []
    confirmed(office, 2, on=date(2022, 3, 1))
    assert payable(office) == [(EVENT, WHOLE)]


def test_an_amount_the_text_does_not_state_goes_to_a_person(office: Office) -> None:
    confirmed(office, 1, disease="cervical_cancer")
    claim = the_claim(office)
    assert (claim["payable"], claim["flags"], claim["body"]["needs_person"]) == (0, "amount_unknown", True)


def test_the_ledger_and_the_explanation_know_of_it(office: Office) -> None:
    confirmed(office, 1)
    [account] = member_ledger(office, "nm", "M00001").schemes
    assert (account.scheme, account.paid, account.lump_sums) == (WOMEN, "32000.00", ("women_disease",))
    explained = explain_claim(office, the_claim(office)["claim_id"])
    assert "病理诊断报告或诊断证明书" in explained.papers


def test_what_the_association_decided_stays_when_the_fact_goes(office: Office) -> None:
    known = confirmed(office, 1)
    claim = the_claim(office)
    decide(office, claim["claim_id"], version=1, outcome="paid", amount=Money(WHOLE))
    withdraw_fact(office, "nm", known.fact_id)
    after = the_claim(office)
    assert (after["version"], after["payable"], after["status"]) == (1, WHOLE, "proposed")


def test_coverage_that_comes_after_the_fact_is_weighed_without_any_page(office: Office) -> None:
    later = period(WOMEN, "2022-07-01", "2023-06-30")
    enrol(office, "nm", [woman(3, coverage=(later,))])
    confirmed(office, 3)
    assert claims(office) == []
    enrol(office, "nm", [woman(3)])
    rescan_and_judge(office)
    assert payable(office) == [(EVENT, WHOLE)]


def test_death_and_the_end_of_a_period(make_office: MakeOffice, database_url: str, clock: Hands) -> None:
    clock.set(2006, 3, 1, 9)
    office = office_with(make_office, database_url, "sh-post", "sh-critical-340")
    three_years = period("sh-critical-340", "2003-02-11", "2006-02-10")
    enrol(office, "nm", [woman(1, coverage=(period("sh-post", "2005-01-01", "2005-12-31"), three_years))])
    confirmed(office, 1, kind="maturity", on=date(2006, 2, 10), disease=None)
    ended = only(live(office))
    assert (ended["scheme"], ended["payable"]) == ("sh-critical-340", 31_000)
    assert ended["stay"] == "event/premium_return/maturity/2003-02-11"
    confirmed(office, 1, kind="death", on=date(2005, 6, 1), disease=None)
    assert {each["scheme"] for each in live(office)} == {"sh-post", "sh-critical-340"}
    with pytest.raises(BadInput, match="撤回"):
        confirmed(office, 1, kind="death", on=date(2005, 6, 2), disease=None)


# ── who it belongs to ──


def test_it_follows_the_enrolment_when_two_are_one_person(office: Office) -> None:
    """A second member number of the same person shares what was told about the first."""
    enrol(office, "nm", [woman(1, coverage=()), woman(1, member_no="X1", coverage=(XINKANG,))])
    confirmed(office, 1)
    assert payable(office) == [(EVENT, WHOLE)]
    assert record_fact(office, "nm", told(1, by="经办乙")).member_no == "M00001"


def test_it_counts_no_longer_for_another_id_number(office: Office) -> None:
    known = confirmed(office, 1)
    enrol(office, "nm", [woman(1, id_number=who(77).id_number, name="另一人")])
    rescan_and_judge(office)
    assert the_claim(office)["status"] == "withdrawn"
    [shown] = list_facts(office, "nm").facts
    assert (shown.fact_id, shown.counts) == (known.fact_id, False)
    # Whoever knows that it is the same woman says so again.
    assert confirmed(office, 1).fact_id != known.fact_id
    assert payable(office) == [(EVENT, WHOLE)]


def test_opting_out_ends_it(office: Office) -> None:
    confirmed(office, 1)
    enrol(office, "nm", [woman(1, opt_out=True)])
    ended = stored(office)
    assert (ended["sealed"], list_facts(office, "nm").facts) == (None, [])
    assert ended["ended_at"] is not None
    rescan_and_judge(office)
    assert the_claim(office)["status"] == "withdrawn"
    with pytest.raises(BadInput, match="opted_out"):
        confirmed(office, 1)
    enrol(office, "nm", [woman(1)])
    rescan_and_judge(office)
    assert live(office) == []


def test_a_number_is_never_given_twice(office: Office) -> None:
    first = confirmed(office, 1)
    withdraw_fact(office, "nm", first.fact_id)
    with pytest.raises(BadInput, match="unknown_fact"):
        withdraw_fact(office, "nm", first.fact_id)
    assert confirmed(office, 2).fact_id > first.fact_id


# ── what is kept ──


def test_nothing_stands_in_the_clear_and_a_box_opens_only_in_its_place(office: Office) -> None:
    known = confirmed(office, 1)
    kept = stored(office)
    box = bytes(kept.pop("sealed"))
    assert set(kept) == {"fact_id", "association", "member_id", "created_at", "ended_at"}
    for text in ("breast_cancer", "diagnosis", "2022-06-20", "经办甲", who(1).id_number):
        assert text.encode() not in box
    with office.store.read() as tx:
        row_ = facts.by_id(tx, known.fact_id)
    assert row_ is not None
    assert open_box(office, row_).fact.on == date(2022, 6, 20)
    with pytest.raises(BrokenSeal):
        open_box(office, msgspec.structs.replace(row_, fact_id=row_.fact_id + 1))


def test_nobody_asks_for_facts_where_no_scheme_pays_at_them(
    make_office: MakeOffice, database_url: str, office: Office
) -> None:
    with office.store.read() as tx:
        enrolled = [office.open_member(each) for each in members.after(tx, ["nm"], 0, 1)]
    person_id = enrolled[0].person_id
    no_database = cast("Tx", None)
    with pytest.raises(AttributeError):
        facts_of(no_database, office, {person_id: enrolled}, {person_id: "nm"}, [])
    no_facts = office_with(make_office, database_url, "nm-inpatient")
    assert facts_of(no_database, no_facts, {person_id: enrolled}, {person_id: "nm"}, []) == {}


# ── what is refused ──


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"member_no": "X9"}, "unknown_member"),
        ({"disease": None}, "breast_cancer"),
        ({"disease": "gout"}, "breast_cancer"),
        ({"on": date(2022, 10, 9)}, "晚于今天"),
        ({"on": date(1950, 1, 1)}, "出生日期"),
        ({"kind": "death", "disease": None}, "diagnosis"),
        ({"kind": "maturity"}, "diagnosis"),
    ],
)
def test_a_fact_that_cannot_be(office: Office, changes: dict[str, Any], match: str) -> None:
    enrol(office, "nm", [woman(1, birth_date=date(1961, 5, 1))])
    with pytest.raises(BadInput, match=match):
        record_fact(office, "nm", msgspec.structs.replace(told(1), **changes))
    assert rows_of(office, schema.fact) == []


def test_an_association_nobody_knows(office: Office) -> None:
    known = confirmed(office, 1)
    for ask in (
        lambda: record_fact(office, "other", told(1)),
        lambda: list_facts(office, "other"),
        lambda: withdraw_fact(office, "other", known.fact_id),
    ):
        with pytest.raises(WrongUse, match="other"):
            ask()


def test_lists_go_on_where_they_ended(office: Office) -> None:
    enrol(office, "nm", [woman(serial) for serial in range(1, 6)])
    all_ids = [confirmed(office, serial).fact_id for serial in range(1, 6)]
    found = list_facts(office, "nm", limit=2)
    assert ([each.fact_id for each in found.facts], found.more) == (all_ids[:2], True)
    rest = list_facts(office, "nm", after=all_ids[1], limit=3)
    assert ([each.fact_id for each in rest.facts], rest.more) == (all_ids[2:], False)
    [hers] = list_facts(office, "nm", member_no="M00003").facts
    assert (hers.fact_id, hers.by, hers.disease) == (all_ids[2], "经办甲", "breast_cancer")


# ── the commands ──


def hubao(office: Office, *words: object) -> str:
    done = CliRunner().invoke(app, ["--site", str(office.site), "facts", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_diagnosis_is_asked_for_and_warned_of_on_a_command_line(make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrol(office, "nm", [woman(1)])
    words = ["--site", str(office.site), "facts", "add", "M00001", "--association", "nm"]
    words += ["--on", "2022-06-20", "--by", "甲", "--json"]
    both_asked = CliRunner().invoke(app, words, input="diagnosis\nbreast_cancer\n")
    assert both_asked.exit_code == 0, both_asked.output
    kept = msgspec.json.decode(both_asked.stdout.splitlines()[-1])
    assert (kept["kind"], kept["disease"]) == ("diagnosis", "breast_cancer")
    words += ["--kind", "diagnosis"]
    asked = CliRunner().invoke(app, words, input="breast_cancer\n")
    assert asked.exit_code == 0, asked.output
    assert msgspec.json.decode(asked.stdout.splitlines()[-1])["disease"] == "breast_cancer"
    assert "warning" not in asked.output
    named = CliRunner().invoke(app, [*words, "--disease", "breast_cancer"])
    assert named.exit_code == 0
    assert "--disease" in named.output


def test_a_clerk_tells_lists_and_withdraws(make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrol(office, "nm", [woman(1)])
    words = ("--association", "nm")
    diagnosis = ("--kind", "diagnosis", "--on", "2022-06-20", "--disease", "breast_cancer", "--by", "甲")
    said = msgspec.json.decode(hubao(office, "add", "M00001", *words, *diagnosis, "--json").splitlines()[-1])
    assert (said["fact_id"], said["by"], said["on"], said["counts"]) == (1, "甲", "2022-06-20", True)
    assert payable(office) == [(EVENT, WHOLE)]
    assert "M00001" in hubao(office, "list", *words)
    [listed] = msgspec.json.decode(hubao(office, "list", *words, "--json").splitlines()[-1])["facts"]
    assert listed == said
    with pytest.raises(WrongUse, match="death"):
        hubao(office, "add", "M00001", *words, "--kind", "birth", "--on", "2022-06-20")
    assert "已撤回第1号" in hubao(office, "withdraw", 1, *words)
    assert [each[1] for each in versions(office, the_claim(office)["claim_id"])] == ["proposed", "withdrawn"]
    assert "没有" in hubao(office, "list", *words)
