"""Two workers hold stays of the same member at the same moment: nothing is paid twice, nobody waits for ever.

Each worker has a store of its own, as two processes would. A barrier makes sure that both have read before
either writes; each round is then compared with the same pages worked one after the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    adds_up,
    claims,
    covered,
    empty,
    enrolled,
    keep_page,
    live,
    member,
    only,
    page,
    row,
    rows_of,
    truth,
    versions,
)

from gateway.flow.batches.replay import rescan
from gateway.flow.delivery.claims import decide
from gateway.flow.intake import work as ingest
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.money import Money
from gateway.store import people, schema

if TYPE_CHECKING:
    from conftest import MakeOffice

ROUNDS = 20
FEWER = 8
BIG: dict[str, Any] = {"medfee_sumamt": "300000.00", "inscp_scp_amt": "260000.00", "fund_pay_sumamt": "10000.00"}
"""Worth 217,000 yuan by the bands: two of them meet the cap of 250,000 of the period."""

LATER: dict[str, Any] = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}
SEPTEMBER: dict[str, Any] = {"begndate": "2021-09-01", "enddate": "2021-09-10", "setl_time": "2021-09-10 10:00:00"}


@pytest.fixture
def workers(make_office: MakeOffice, database_url: str) -> tuple[Office, Office]:
    """Two offices over one site, each with its own store."""
    one = make_office(database_url, feeds=EAST_AND_WEST)
    other = make_office(database_url, feeds=EAST_AND_WEST)
    assert one.store.engine is not other.store.engine
    return one, other


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run two calls so that both have read before either locks the member."""
    meeting: list[threading.Barrier] = []
    look, lock = ingest.look_ahead, people.lock

    def wait() -> None:
        # On SQLite the second cannot even begin to write before the first is done: then nobody comes.
        for meet in meeting:
            with suppress(threading.BrokenBarrierError):
                meet.wait(0.1)

    def read_batch(*given: Any) -> Any:
        found = look(*given)
        wait()
        return found

    def lock_people(tx: Any, ids: Any) -> dict[int, int]:
        if tx.dialect.name == "postgresql":
            wait()
        return lock(tx, ids)

    def run(*calls: Callable[[], Any]) -> None:
        meeting.append(threading.Barrier(2))
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(call) for call in calls]:
                done.result(timeout=60)
        meeting.clear()

    monkeypatch.setattr(ingest, "look_ahead", read_batch)
    monkeypatch.setattr(people, "lock", lock_people)
    return run


def pages_of(office: Office, east: dict[str, Any], west: dict[str, Any]) -> tuple[int, int]:
    empty(office)
    enrolled(office, 1)
    return keep_page(office, "east", page(east)), keep_page(office, "west", page(west))


def one_after_the_other(office: Office, east: dict[str, Any], west: dict[str, Any]) -> dict[str, Any]:
    for place in pages_of(office, east, west):
        process_page(office, place)
    return truth(office)


def lines(office: Office, rule: str) -> list[dict[str, Any]]:
    return [line for claim in live(office) for line in claim["body"]["lines"] if line["rule"] == rule]


def test_cap_and_first_stay_are_used_once(workers: tuple[Office, Office], at_once: Callable[..., None]) -> None:
    one, other = workers
    east, west = row("A1", 1, **BIG), row("B1", 1, **BIG, **LATER)
    wanted = one_after_the_other(one, east, west)
    for _ in range(ROUNDS):
        first, second = pages_of(one, east, west)
        at_once(lambda first=first: process_page(one, first), lambda second=second: process_page(other, second))
        assert sum(claim["payable"] for claim in live(one)) == 25_000_000
        assert len(lines(one, "daily_allowance")) == 1
        assert len(lines(one, "cap")) == 1
        assert truth(one) == wanted


def test_the_same_stay_from_two_feeds_is_one_claim(
    workers: tuple[Office, Office], at_once: Callable[..., None]
) -> None:
    one, other = workers
    east, west = row("A1", 1), row("B1", 1, mdtrt_id="OTHER")
    wanted = one_after_the_other(one, east, west)
    for _ in range(ROUNDS):
        first, second = pages_of(one, east, west)
        at_once(lambda first=first: process_page(one, first), lambda second=second: process_page(other, second))
        assert only(live(one))["stay"] == "H15099900001/VA1"
        assert adds_up(one) == {"member": 1, "duplicate": 1}
        assert truth(one) == wanted


def test_the_same_visit_from_two_feeds_is_one_claim(
    workers: tuple[Office, Office], at_once: Callable[..., None]
) -> None:
    one, other = workers
    east, west = row("A1", 1, mdtrt_id="V1"), row("B1", 1, mdtrt_id="V1", **LATER)
    wanted = one_after_the_other(one, east, west)
    for _ in range(ROUNDS):
        first, second = pages_of(one, east, west)
        at_once(lambda first=first: process_page(one, first), lambda second=second: process_page(other, second))
        assert len(only(live(one))["body"]["settlements"]) == 2
        assert truth(one) == wanted


def test_a_row_that_goes_is_counted_as_it_stood_when_it_went(
    workers: tuple[Office, Office], at_once: Callable[..., None]
) -> None:
    """One feed replaces a row while the other makes it a repeat: its class must be read under the member's lock."""
    one, other = workers
    for _ in range(ROUNDS):
        empty(one)
        enrolled(one, 1)
        east = keep_page(one, "east", page(row("A1", 1)))
        process_page(one, keep_page(one, "west", page(row("B1", 1))))
        west = keep_page(one, "west", page(row("B1", 1, inscp_scp_amt="16000.00")))
        at_once(lambda east=east: process_page(one, east), lambda west=west: process_page(other, west))
        assert adds_up(one) == {"member": 1, "duplicate": 1, "superseded": 1}


def test_a_refund_meets_a_later_stay(workers: tuple[Office, Office], at_once: Callable[..., None]) -> None:
    one, other = workers
    for _ in range(FEWER):
        empty(one)
        enrolled(one, 1)
        process_page(one, keep_page(one, "east", page(row("A1", 1, **BIG))))
        first = keep_page(one, "east", page(row("A1", 1, refund=True, **BIG)))
        second = keep_page(one, "west", page(row("B1", 1, **BIG, **LATER)))
        at_once(lambda first=first: process_page(one, first), lambda second=second: process_page(other, second))
        claim = only(live(one))
        assert (claim["stay"], claim["payable"]) == ("H15099900001/VB1", 21_700_000 + 9_000)


def test_a_decision_meets_a_new_stay(workers: tuple[Office, Office], at_once: Callable[..., None]) -> None:
    one, other = workers
    for _ in range(FEWER):
        empty(one)
        enrolled(one, 1)
        process_page(one, keep_page(one, "east", page(row("A1", 1, **BIG))))
        claim = only(claims(one))
        place = keep_page(one, "west", page(row("B1", 1, **BIG, **LATER)))
        at_once(
            lambda claim=claim: decide(one, claim["claim_id"], version=1, outcome="approved", amount=Money(20_000_000)),
            lambda place=place: process_page(other, place),
        )
        paid = {each["stay"]: each["payable"] for each in live(one)}
        assert paid == {"H15099900001/VA1": 21_709_000, "H15099900001/VB1": 5_000_000}
        assert len(versions(one, claim["claim_id"])) == 1


def test_a_roster_that_changes_meanwhile_is_seen(workers: tuple[Office, Office], at_once: Callable[..., None]) -> None:
    one, other = workers
    for _ in range(FEWER):
        empty(one)
        enrolled(one, 1)
        place = keep_page(one, "east", page(row("A1", 1), row("A2", 2)))
        gone = [member(1, coverage=(covered("2020-06-01", "2021-05-31"),)), member(2)]
        at_once(lambda gone=gone: enrol(one, "nm", gone), lambda place=place: process_page(other, place))
        rescan(one)
        assert only(live(one))["member_id"] == 2
        assert adds_up(one) == {"member": 2}


def test_decisions_rosters_and_pages_never_wait_for_each_other_for_ever(
    workers: tuple[Office, Office], at_once: Callable[..., None]
) -> None:
    one, other = workers
    for _ in range(FEWER):
        empty(one)
        enrolled(one, 1)
        process_page(one, keep_page(one, "east", page(row("A1", 1))))
        claim = only(claims(one))["claim_id"]
        longer = [member(1, coverage=(covered("2021-06-01", "2022-12-31"),))]
        at_once(
            lambda claim=claim: decide(one, claim, version=1, outcome="paid", amount=Money(200_000)),
            lambda longer=longer: enrol(other, "nm", longer),
        )
        assert len(rows_of(one, schema.claim_decision)) == 1


def test_two_feeds_that_move_each_others_rows_never_wait_for_each_other_for_ever(
    workers: tuple[Office, Office], at_once: Callable[..., None]
) -> None:
    """Each page moves the first of a pair to other days, so that the other feed's row counts again, and the other way
    round."""
    one, other = workers
    second: dict[str, Any] = {"mdtrt_id": "V2", **LATER}
    for _ in range(FEWER):
        empty(one)
        enrolled(one, 1, 2)
        for feed, rows in (
            ("east", [row("A1", 1)]),
            ("west", [row("B1", 1), row("B2", 2, **second)]),
            ("east", [row("A2", 2, **second)]),
        ):
            process_page(one, keep_page(one, feed, page(*rows)))
        assert adds_up(one) == {"member": 2, "duplicate": 2}
        east = keep_page(one, "east", page(row("A1", 1, **SEPTEMBER)))
        west = keep_page(one, "west", page(row("B2", 2, **{**second, **SEPTEMBER})))
        at_once(lambda east=east: process_page(one, east), lambda west=west: process_page(other, west))
        assert adds_up(one) == {"member": 4, "superseded": 2}
        # What the second person has is of one visit, so it is one claim.
        assert sorted(each["member_id"] for each in live(one)) == [1, 1, 2]
