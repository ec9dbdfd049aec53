"""The 医保 side corrects itself: the last received holds, refunds find their original, repeats are not paid twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    Who,
    adds_up,
    body,
    claims,
    enrolled,
    everything,
    keep_page,
    live,
    only,
    open_items,
    page,
    payable,
    records,
    row,
    rows_of,
    take,
    tallies,
    versions,
    who,
)

from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

LATER: dict[str, Any] = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


# ── the last received holds ──


def test_a_correction_replaces_the_row_before_it(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 1, inscp_scp_amt="16000.00")))
    assert only(records(office))["record"]["in_scope_amount"] == "16000.00"
    assert payable(office) == [("H15099900001/VA1", 289000)]
    assert adds_up(office) == {"member": 1, "superseded": 1}


def test_a_replayed_page_keeps_its_place_behind_the_correction(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 1, inscp_scp_amt="16000.00")))
    before = everything(office)
    take(office, "east", page(row("A1", 1)))
    assert everything(office) == before


def test_the_same_rows_in_a_new_delivery_are_received_later(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 1, inscp_scp_amt="16000.00")))
    take(office, "east", page(row("A1", 1), request="second delivery"))
    assert payable(office) == [("H15099900001/VA1", 249000)]
    assert adds_up(office) == {"member": 1, "superseded": 2}


def test_an_older_page_that_is_worked_later_changes_nothing(office: Office) -> None:
    older = keep_page(office, "east", page(row("A1", 1)))
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    process_page(office, older)
    assert payable(office) == [("H15099900001/VA1", 289000)]
    assert adds_up(office) == {"member": 1, "superseded": 1}


def test_of_two_rows_in_one_page_the_last_holds(office: Office) -> None:
    take(office, "east", page(row("A1", 1), row("A1", 2), row("A1", 1, inscp_scp_amt="16000.00"), row("A9", 9)))
    assert payable(office) == [("H15099900001/VA1", 289000)]
    assert adds_up(office) == {"member": 1, "superseded": 2, "stranger": 1}


def test_the_same_number_in_another_feed_is_another_settlement(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    take(office, "west", page(row("A1", 2)))
    assert adds_up(office) == {"member": 2}


def test_a_settlement_corrected_to_a_stranger_and_back(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = only(claims(office))["claim_id"]
    take(office, "east", page(row("A1", 9)))
    # What stands stays: nobody knows why the row should be a stranger's now.
    assert [item[0] for item in open_items(office)] == ["changed"]
    assert adds_up(office) == {"member": 1, "review": 1}
    take(office, "east", page(row("A1", 1), request="again"))
    assert only(live(office))["claim_id"] == claim
    assert versions(office, claim) == [(1, "proposed", "pending")]
    assert open_items(office) == []
    assert adds_up(office) == {"member": 1, "superseded": 2}


def test_a_settlement_corrected_from_one_member_to_another(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 2)))
    assert only(live(office))["body"]["member"]["member_no"] == "M00001"
    assert [item[0] for item in open_items(office)] == ["changed"]
    assert adds_up(office) == {"member": 1, "review": 1}


def test_a_doubt_is_ended_by_a_correction(office: Office) -> None:
    doubtful = row("A1", Who("另一个人", who(1).id_number))
    take(office, "east", page(doubtful))
    assert only(open_items(office))[0] == "match"
    take(office, "east", page(row("A1", 1)))
    assert open_items(office) == []
    assert adds_up(office) == {"member": 1, "superseded": 1}
    take(office, "east", page(doubtful, request="again"))
    assert only(open_items(office))[:3] == ("match", 3, 0)
    # The doubt takes nothing away until a person decides.
    assert len(live(office)) == 1
    assert adds_up(office) == {"member": 1, "review": 1, "superseded": 1}


def test_an_unreadable_row_is_ended_by_a_readable_one(office: Office) -> None:
    take(office, "east", page(row("A1", 1, begndate="x")))
    assert only(open_items(office))[0] == "quarantine"
    take(office, "east", page(row("A1", 1)))
    assert open_items(office) == []
    assert adds_up(office) == {"member": 1, "superseded": 1}


def test_strangers_that_come_again_are_counted_once(office: Office) -> None:
    take(office, "east", page(row("A8", 8), row("A9", 9)))
    take(office, "east", page(row("A9", 9), row("A9", 9, refund=True)), page(row("A9", 9), request="3"))
    assert adds_up(office) == {"stranger": 3, "superseded": 2}
    # Money with its sign: one refund stands against one of the two settlements.
    assert tallies(office)["stranger"] == (3, 2_000_000)


# ── refunds ──


def test_a_refund_withdraws_the_claim(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 1, refund=True)))
    assert only(claims(office))["status"] == "withdrawn"
    assert tallies(office) == {"member": (2, 0)}


def test_a_refund_that_comes_before_its_original(office: Office) -> None:
    take(office, "east", page(row("A1", 1, refund=True)), page(row("A1", 1)))
    assert live(office) == []
    assert adds_up(office) == {"member": 2}


def test_a_refund_of_another_total_is_for_a_person(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 1, refund=True, medfee_sumamt="500.00")))
    claim = only(live(office))
    assert (claim["flags"], claim["body"]["needs_person"]) == ("partial_reversal", True)


def test_a_nameless_refund_finds_its_original(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", None, refund=True)))
    assert live(office) == []
    assert tallies(office) == {"member": (2, 0)}


def test_a_nameless_refund_waits_as_a_digest_for_its_original(office: Office) -> None:
    take(office, "east", page(row("A1", None, refund=True)))
    assert adds_up(office) == {"stranger": 1}
    assert records(office) == []
    waiting = only(rows_of(office, schema.waiting_reversal))
    assert len(bytes(waiting.pop("key"))) == 16
    assert waiting == {"feed": "east", "page_seq": 1, "row": 0}
    take(office, "east", page(row("A1", 1)))
    assert live(office) == []
    assert rows_of(office, schema.waiting_reversal) == []
    assert tallies(office) == {"member": (2, 0)}


@pytest.mark.parametrize("first", ["original", "refund"])
def test_a_nameless_refund_in_the_same_page(office: Office, first: str) -> None:
    rows = [row("A1", 1), row("A1", None, refund=True)]
    take(office, "east", page(*(rows if first == "original" else reversed(rows))))
    assert live(office) == []
    assert rows_of(office, schema.waiting_reversal) == []
    assert tallies(office) == {"member": (2, 0)}


def test_a_nameless_refund_stays_with_its_original_whoever_the_number_is_said_to_be(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", None, refund=True)), page(row("A1", 9)))
    assert {each["member_id"] for each in records(office)} == {1}
    assert live(office) == []
    assert adds_up(office) == {"member": 2, "review": 1}
    take(office, "east", page(row("A1", 2)))
    assert {each["member_id"] for each in records(office)} == {1}
    assert live(office) == []
    assert adds_up(office) == {"member": 2, "review": 1, "superseded": 1}


def test_a_nameless_refund_that_comes_again_is_counted_once(office: Office) -> None:
    refund = row("A1", None, refund=True)
    take(office, "east", page(refund), page(row("A1", 1)), page(refund, request="again"))
    assert adds_up(office) == {"member": 2, "superseded": 1}
    take(office, "east", page(row("A1", 1, refund=True)))
    assert adds_up(office) == {"member": 2, "superseded": 2}
    assert live(office) == []


def test_a_nameless_refund_that_gets_a_name_before_its_original_comes(office: Office) -> None:
    take(office, "east", page(row("A1", None, refund=True)), page(row("A1", 1, refund=True)))
    assert rows_of(office, schema.waiting_reversal) == []
    take(office, "east", page(row("A1", 1)))
    assert adds_up(office) == {"member": 2, "superseded": 1}


def test_a_nameless_refund_that_cannot_be_read_is_for_a_person(office: Office) -> None:
    take(office, "east", page(row("A1", None, refund=True)))
    take(office, "east", page(row("A1", None, refund=True, begndate="x")))
    assert only(open_items(office))[:3] == ("quarantine", 2, 0)
    # The one before it holds no longer, so it waits no longer.
    assert rows_of(office, schema.waiting_reversal) == []
    take(office, "east", page(row("A1", 1)))
    assert adds_up(office) == {"member": 1, "quarantined": 1, "superseded": 1}
    assert len(live(office)) == 1


def test_a_nameless_refund_of_a_stranger_stays_a_stranger(office: Office) -> None:
    take(office, "east", page(row("A9", 9)), page(row("A9", None, refund=True)))
    assert tallies(office) == {"stranger": (2, 0)}


# ── repeats from another feed ──


def test_the_same_stay_from_another_feed_is_counted_and_not_claimed_again(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    take(office, "west", page(row("B7", 1, mdtrt_id="elsewhere")))
    assert payable(office) == [("H15099900001/VA1", 249000)]
    assert tallies(office) == {"member": (1, 2_000_000), "duplicate": (1, 2_000_000)}


def test_when_the_first_says_another_stay_the_second_counts(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    take(office, "west", page(row("B7", 1, mdtrt_id="elsewhere")))
    take(office, "east", page(row("A1", 1, **LATER)))
    assert payable(office) == [("H15099900001/VA1", 240000), ("H15099900001/elsewhere", 249000)]
    assert [each["duplicate"] for each in records(office)] == [False, False]
    assert adds_up(office) == {"member": 2, "superseded": 1}


def test_a_claim_whose_stay_another_feed_told_first_says_so(office: Office) -> None:
    first = keep_page(office, "west", page(row("B7", 1, mdtrt_id="elsewhere")))
    take(office, "east", page(row("A1", 1)))
    before = only(live(office))
    process_page(office, first)
    assert payable(office) == [("H15099900001/elsewhere", 249000)]
    withdrawn = only([claim for claim in claims(office) if claim["claim_id"] == before["claim_id"]])
    assert (withdrawn["status"], withdrawn["flags"]) == ("withdrawn", "told_elsewhere")
    assert body(office, before["claim_id"], 2)["reason"] == "told_elsewhere"
    # Nothing was taken from anybody: the stay is paid as before.
    assert rows_of(office, schema.claim_loss) == []


def test_a_refunded_stay_is_reversed_though_another_feed_told_of_it_too(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    take(office, "west", page(row("B7", 1, mdtrt_id="VA1")))
    take(office, "east", page(row("A1", 1, refund=True)))
    assert [claim["flags"] for claim in claims(office)] == ["reversed"]


def test_a_refund_takes_the_stay_back_though_another_feed_told_of_it_too(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    take(office, "west", page(row("B7", 1, mdtrt_id="elsewhere")))
    take(office, "east", page(row("A1", 1, refund=True)))
    assert live(office) == []
    take(office, "west", page(row("B7", 1, mdtrt_id="elsewhere", refund=True)))
    assert live(office) == []
    assert adds_up(office) == {"member": 2, "duplicate": 2}


@pytest.mark.parametrize(
    "change",
    [{"medfee_sumamt": "20001.00"}, {"fixmedins_code": "H15099900002"}, {"enddate": "2021-07-11"}],
    ids=lambda change: next(iter(change)),
)
def test_what_differs_in_facility_dates_or_total_is_no_repeat(office: Office, change: dict[str, Any]) -> None:
    take(office, "east", page(row("A1", 1)))
    take(office, "west", page(row("B7", 1, **change)))
    assert adds_up(office) == {"member": 2}


def test_of_two_alike_in_one_feed_the_second_waits_for_a_person(office: Office) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 1)))
    assert adds_up(office) == {"member": 2}
    assert payable(office) == [("H15099900001/VA1", 249000)]
    assert open_items(office) == [("repeat", 1, 1, '["billed_twice"]')]
