"""Refunds, repeats and corrections that are not what they seem: nothing is paid twice and nothing taken in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    adds_up,
    claims,
    covered,
    keep_page,
    live,
    member,
    only,
    open_items,
    page,
    row,
    take,
    versions,
)

from gateway.core.reviewing import Answer
from gateway.errors import BadInput
from gateway.flow.batches.rereading import reread
from gateway.flow.findings import book
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.reviewing.decide import ReviewAnswer, ReviewResult, decide, undo
from gateway.flow.reviewing.show import list_items, show
from gateway.flow.roster.enrol import enrol
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    cover = (covered("2025-06-01", "2026-05-31"),)
    enrol(office, "nm", [member(1, coverage=cover), member(2, coverage=cover)])
    return office


def bill(number: str = "152200000001", person: int = 1, **changes: Any) -> dict[str, Any]:
    """Nine days in hospital: 20,000.00, of it 15,000.00 within scope, 9,000.00 paid by the funds; 2,890.00 is owed."""
    stay = {
        "mdtrt_id": "M152200000001",
        "fixmedins_code": "H15220000001",
        "begndate": "2026-02-20",
        "enddate": "2026-03-01",
        "setl_time": "2026-03-01 10:00:00",
    }
    return row(number, person, **{**stay, **changes})


def owed(office: Office) -> list[int]:
    """What the claims that stand pay, in fen."""
    return sorted(claim["payable"] for claim in live(office))


def asked(office: Office) -> list[tuple[Any, ...]]:
    """(kind, reasons) of what waits for a person."""
    return [(item[0], item[3]) for item in open_items(office)]


def say(office: Office, answer: Answer, **how: Any) -> ReviewResult:
    """Somebody answers the one question there is."""
    item = only(list_items(office))["item_id"]
    return decide(office, item, ReviewAnswer(answer=answer, by="甲", **how))


# ── refunds with a number of their own ──


@pytest.mark.parametrize("told", [{}, {"mdtrt_id": None}, {"fixmedins_code": None, "mdtrt_id": None}], ids=repr)
def test_a_refund_with_a_number_of_its_own_takes_back_what_it_says(office: Office, told: dict[str, Any]) -> None:
    take(office, "east", page(bill()))
    assert owed(office) == [289000]
    refund = bill("152200000777", refund=True, setl_time="2026-03-02 09:00:00", **told)
    take(office, "east", page(refund))
    claim = only(claims(office))
    assert (claim["status"], claim["payable"], claim["flags"]) == ("withdrawn", 0, "reversed")
    anew = bill(
        "152200000778",
        setl_time="2026-03-03 10:00:00",
        medfee_sumamt="19000.00",
        inscp_scp_amt="14000.00",
        fund_pay_sumamt="8500.00",
    )
    take(office, "east", page(anew))
    assert owed(office) == [259000]
    assert asked(office) == []
    assert adds_up(office) == {"member": 3}


def test_a_refund_that_fits_nothing_is_a_question_about_the_members_claims(office: Office) -> None:
    other = {"mdtrt_id": "M2", "begndate": "2026-01-02", "enddate": "2026-01-05", "setl_time": "2026-01-05 10:00:00"}
    take(office, "east", page(bill(), bill("152200000002", ipt_days=3, **other)))
    before = owed(office)
    assert len(before) == 2
    take(office, "east", page(bill("152200000777", refund=True, mdtrt_id=None, medfee_sumamt="7.00")))
    assert owed(office) == before
    assert {claim["flags"] for claim in live(office)} == {"reversal_unclear"}
    assert asked(office) == [("refund", '["refund_without_original"]')]
    shown = show(office, only(list_items(office))["item_id"])
    assert [each["settlement_no"] for each in shown["bills"]] == ["152200000777", "152200000001", "152200000002"]
    with pytest.raises(BadInput, match="没有这个流水号"):
        say(office, "original", settlement_no="nobody's")
    say(office, "none")
    assert ([claim["flags"] for claim in live(office)], asked(office)) == (["", ""], [])
    # Nothing is asked twice for the same facts.
    take(office, "east", page(bill("152200000777", refund=True, mdtrt_id=None, medfee_sumamt="7.00"), request="again"))
    assert asked(office) == []


def test_a_person_names_the_original_of_a_refund_and_takes_it_back(office: Office) -> None:
    twin = {"mdtrt_id": "M2", "begndate": "2026-03-05", "enddate": "2026-03-14", "setl_time": "2026-03-14 10:00:00"}
    take(office, "east", page(bill(), bill("152200000002", **twin)))
    refund = bill(
        "152200000777", refund=True, setl_time="2026-03-15 09:00:00", mdtrt_id=None, begndate=None, enddate=None
    )
    take(office, "east", page(refund))
    assert len(owed(office)) == 2
    item = only(list_items(office))["item_id"]
    say(office, "original", settlement_no="152200000002")
    assert len(owed(office)) == 1
    undo(office, item, by="乙")
    assert len(owed(office)) == 2
    assert [each["item_id"] for each in list_items(office)] == [item]


# ── billed twice ──


def test_a_stay_billed_twice_is_paid_once_until_a_person_says_otherwise(office: Office) -> None:
    take(office, "east", page(bill(), bill("152200000002", setl_time="2026-03-01 10:00:07")))
    assert owed(office) == [289000]
    assert only(live(office))["flags"] == "billed_twice"
    item = only(list_items(office))["item_id"]
    assert asked(office) == [("repeat", '["billed_twice"]')]
    assert len(show(office, item)["bills"]) == 2
    say(office, "same")
    assert (owed(office), only(live(office))["flags"], asked(office)) == ([289000], "", [])
    assert adds_up(office) == {"member": 1, "duplicate": 1}
    undo(office, item, by="乙")
    assert (owed(office), asked(office)) == ([289000], [("repeat", '["billed_twice"]')])
    say(office, "different")
    # Twice the amounts, but no night counts twice: 6,600.00 and an allowance of nine days.
    assert (owed(office), asked(office)) == ([669000], [])
    assert adds_up(office) == {"member": 2}


def test_a_question_about_a_repeat_ends_by_itself_once_one_of_the_two_is_refunded(office: Office) -> None:
    take(office, "east", page(bill(), bill("152200000002", setl_time="2026-03-01 10:00:07")))
    take(office, "east", page(bill("152200000001", refund=True, setl_time="2026-03-02 10:00:00")))
    assert (owed(office), asked(office)) == ([289000], [])


def test_stays_that_overlap_at_two_facilities_are_paid_and_say_so(office: Office) -> None:
    elsewhere = {"mdtrt_id": "M9", "fixmedins_code": "H15220000002", "medfee_sumamt": "20001.00"}
    take(office, "east", page(bill(), bill("152200000009", **elsewhere)))
    assert len(owed(office)) == 2
    assert {claim["flags"] for claim in live(office)} == {"overlapping_stays"}
    assert asked(office) == [("repeat", '["overlapping_stays"]')]
    say(office, "same")
    assert owed(office) == [289000]


def test_days_of_one_stay_count_once(office: Office) -> None:
    first = bill(begndate="2025-12-20", enddate="2025-12-31", ipt_days=11, setl_time="2025-12-31 10:00:00")
    whole = bill(
        "152200000002", begndate="2025-12-20", enddate="2026-01-10", ipt_days=21, setl_time="2026-01-10 10:00:00"
    )
    take(office, "east", page(first, whole))
    assert owed(office) == [681000]


def test_more_days_than_a_stay_has_are_said(office: Office) -> None:
    take(office, "east", page(bill(ipt_days=300)))
    assert only(live(office))["flags"] == "days_to_confirm"


# ── the same number, another person or another time ──


def test_one_number_at_two_hospitals_takes_nobodys_claim(office: Office) -> None:
    other = bill("152200000001", 2, mdtrt_id="M9", fixmedins_code="H15220000002")
    take(office, "east", page(bill(), other))
    assert owed(office) == [289000]
    assert asked(office) == [("changed", '["another_facility"]')]
    assert adds_up(office) == {"member": 1, "review": 1}
    item = only(list_items(office))["item_id"]
    say(office, "both")
    assert (owed(office), asked(office)) == ([289000, 289000], [])
    assert adds_up(office) == {"member": 2}
    undo(office, item, by="乙")
    assert (owed(office), asked(office)) == ([289000], [("changed", '["another_facility"]')])
    assert [each["item_id"] for each in list_items(office)] == [item]
    say(office, "keep")
    assert (owed(office), asked(office)) == ([289000], [])
    assert adds_up(office) == {"member": 1, "left": 1}


def test_what_was_said_of_a_number_is_no_difference_when_pages_are_read_again(office: Office) -> None:
    other = bill("152200000001", 2, mdtrt_id="M9", fixmedins_code="H15220000002")
    take(office, "east", page(bill(), other))
    said: tuple[Answer, ...] = ("both", "keep")
    for answer in said:
        item = only(list_items(office))["item_id"]
        say(office, answer)
        result = reread(office, "east")
        assert (result.pages, result.left_out, result.differs) == (1, [], False)
        undo(office, item, by="乙")


def test_an_older_state_that_comes_last_changes_nothing(office: Office) -> None:
    newer = bill(
        setl_time="2026-03-01 15:00:00", medfee_sumamt="18000.00", inscp_scp_amt="14500.00", fund_pay_sumamt="9000.00"
    )
    take(office, "east", page(newer))
    assert owed(office) == [259000]
    take(office, "east", page(bill()))
    assert owed(office) == [259000]
    assert asked(office) == [("changed", '["settled_earlier"]')]
    assert adds_up(office) == {"member": 1, "review": 1}
    say(office, "take")
    assert (owed(office), asked(office)) == ([289000], [])
    assert adds_up(office) == {"member": 1, "superseded": 1}


def test_what_cannot_be_read_again_leaves_what_stands(office: Office) -> None:
    take(office, "east", page(bill()))
    take(office, "east", page(bill(begndate="2026-03-01", enddate="2026-02-20")))
    assert owed(office) == [289000]
    assert versions(office, only(claims(office))["claim_id"])[-1][0] == 1
    assert adds_up(office) == {"member": 1, "quarantined": 1}
    noted = [finding for finding in book.show(office) if finding.code == "not_read_again"]
    assert [(finding.name, finding.count, finding.amount) for finding in noted] == [("east", 1, "20000.00")]
    # Read well again, it takes the place of both.
    take(office, "east", page(bill(inscp_scp_amt="14500.00")))
    assert owed(office) == [259000]
    assert adds_up(office) == {"member": 1, "superseded": 2}
    assert "not_read_again" not in [finding.code for finding in book.show(office)]


def test_a_row_that_is_suddenly_nobodys_leaves_what_stands(office: Office) -> None:
    take(office, "east", page(bill()))
    take(office, "east", page(bill("152200000001", 9)))
    assert owed(office) == [289000]
    assert asked(office) == [("changed", '["names_nobody"]')]
    assert adds_up(office) == {"member": 1, "review": 1}
    say(office, "take")
    assert owed(office) == []
    assert adds_up(office) == {"stranger": 1, "superseded": 1}


@pytest.mark.parametrize("code", [{"insutype": "31"}, {"med_type": "77"}], ids=["insurance", "care"])
def test_a_code_nobody_knows_takes_no_claim_away(office: Office, code: dict[str, str]) -> None:
    take(office, "east", page(bill()))
    take(office, "east", page(bill(**code)))
    assert owed(office) == [289000]
    assert versions(office, only(claims(office))["claim_id"])[-1][0] == 1
    assert asked(office) == [("changed", '["unknown_code"]')]
    assert adds_up(office) == {"member": 1, "review": 1}
    say(office, "both")
    assert (owed(office), asked(office)) == ([289000], [])
    assert adds_up(office) == {"member": 1, "left": 1}


def test_a_person_may_say_that_a_code_nobody_knows_stands(office: Office) -> None:
    take(office, "east", page(bill()))
    take(office, "east", page(bill(insutype="31")))
    say(office, "take")
    assert (owed(office), asked(office)) == ([], [])
    assert adds_up(office) == {"left": 1, "superseded": 1}


@pytest.mark.parametrize(
    "later",
    [bill("152200000001", 9), bill(insutype="31"), bill("152200000001", 2), bill(setl_time="2026-02-27 10:00:00")],
    ids=["nobodys", "unknown code", "another person's", "settled earlier"],
)
def test_what_a_row_took_the_place_of_comes_back_when_that_is_taken_back(office: Office, later: dict[str, Any]) -> None:
    take(office, "east", page(bill()))
    take(office, "east", page(later))
    item, question, counted = only(list_items(office))["item_id"], asked(office), adds_up(office)
    claim = only(live(office))["claim_id"]
    say(office, "take")
    assert asked(office) == []
    assert counted != adds_up(office)
    assert undo(office, item, by="乙").state == "open"
    assert (asked(office), adds_up(office)) == (question, counted)
    standing = only(live(office))
    assert (standing["claim_id"], standing["payable"]) == (claim, 289000)
    # It can be answered once more, either way.
    say(office, "take")
    undo(office, item, by="乙")
    say(office, "keep")
    assert (owed(office), asked(office)) == ([289000], [])


def test_a_row_that_came_since_stays_when_an_answer_before_it_is_taken_back(office: Office) -> None:
    take(office, "east", page(bill()))
    take(office, "east", page(bill("152200000001", 9)))
    item = only(list_items(office))["item_id"]
    say(office, "take")
    take(office, "east", page(bill(inscp_scp_amt="14500.00")))
    assert undo(office, item, by="乙").state != "open"
    assert (owed(office), asked(office)) == ([259000], [])


def test_what_was_replaced_and_cannot_be_read_any_more_does_not_come_back(office: Office) -> None:
    [first] = take(office, "east", page(bill()))
    take(office, "east", page(bill("152200000001", 9)))
    item = only(list_items(office))["item_id"]
    say(office, "take")
    with office.store.write() as tx:
        tx.execute(schema.page.update().where(schema.page.c.seq == first).values(state="expired", sealed=None))
    with pytest.raises(BadInput, match="读不出"):
        undo(office, item, by="乙")
    assert (owed(office), asked(office)) == ([], [])


def test_a_better_row_ends_what_was_asked_about_a_code_nobody_knows(office: Office) -> None:
    take(office, "east", page(bill()))
    take(office, "east", page(bill(insutype="31")))
    take(office, "east", page(bill(inscp_scp_amt="14500.00")))
    assert (owed(office), asked(office)) == ([259000], [])
    assert adds_up(office) == {"member": 1, "superseded": 2}


def test_it_does_not_matter_which_page_is_worked_first(office: Office) -> None:
    early = keep_page(office, "east", page(bill()))
    take(office, "east", page(bill("152200000001", 9)))
    process_page(office, early)
    assert owed(office) == [289000]
    assert asked(office) == [("changed", '["names_nobody"]')]
    assert adds_up(office) == {"member": 1, "review": 1}


def test_the_first_of_two_feeds_keeps_its_claim_when_it_is_sent_again(office: Office) -> None:
    take(office, "east", page(bill()))
    take(office, "west", page(bill("W1", mdtrt_id="V9")))
    claim = only(live(office))["claim_id"]
    take(office, "east", page(bill(), request="again"))
    assert only(live(office))["claim_id"] == claim
    assert [version for version, *_ in versions(office, claim)] == [1]
    assert adds_up(office) == {"member": 1, "duplicate": 1, "superseded": 1}
