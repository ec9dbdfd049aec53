"""Proof that nothing was lost: rows and money of every feed and day add up, and every loss would be found."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import (
    EAST_AND_WEST,
    FILES,
    Who,
    adds_up,
    content,
    enrolled,
    in_batches,
    keep_page,
    only,
    page,
    row,
    take,
    tallies,
    who,
)
from sqlalchemy import text

from gateway.flow.batches.reconcile import DaySheet, lost, reconcile
from gateway.flow.office import Office
from gateway.model.page import FeedTotals, Fetched

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds={**EAST_AND_WEST, **FILES})
    enrolled(office, 1, 2)
    return office


def pushed(*rows: dict[str, Any], rows_said: int, amount_said: str | None, day: str = "2021-10-07") -> Fetched:
    """A push of the shipped `bayannur` feed, which says of itself what it holds."""
    totals = {"rows": rows_said} | ({"amount": amount_said} if amount_said else {})
    return Fetched(content=msgspec.json.encode({"day": day, "totals": totals, "records": rows}), request=day)


def every_kind(office: Office) -> None:
    """Rows of every class, corrected within a page, across pages and across feeds."""
    doubt, bad = row("A3", Who("另一个人", who(1).id_number)), row("A4", 1, begndate="x")
    take(office, "east", page(row("A1", 1), row("A2", 2), row("A8", 8), row("A8", 8), doubt, bad))
    take(
        office,
        "east",
        page(row("A1", 1, medfee_sumamt="25000.00"), row("A2", 2, refund=True), row("A5", 1, med_type="41")),
    )
    take(office, "west", page(row("B1", 2, mdtrt_id="other"), row("A8", 8)))
    take(office, "east", page(row("A8", 8), row("A9", None, refund=True), row("A5", 9), {"setl_id": None}))


def test_every_class_adds_up_in_rows_and_money(office: Office) -> None:
    every_kind(office)
    assert adds_up(office) == {
        "member": 3,
        "duplicate": 1,
        "stranger": 4,
        "review": 1,
        "quarantined": 2,
        "superseded": 4,
    }
    money = sum(amount for _, amount in tallies(office).values())
    # Thirteen rows of 20,000 yuan, one of 25,000, two refunds; one row says nothing that can be read.
    assert money == 11 * 2_000_000 + 2_500_000 - 2 * 2_000_000
    assert tallies(office)["duplicate"] == (1, 2_000_000)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_it_adds_up_in_pieces_too(office: Office, size: int) -> None:
    every_kind(in_batches(office, size))
    assert sum(adds_up(office).values()) == 15


def test_a_sheet_for_each_feed_and_day(office: Office, clock: Hands) -> None:
    take(office, "west", page(row("B1", 8)))
    take(office, "east", page(row("A1", 8), day=date(2021, 10, 1)))
    clock.move(days=1)
    take(office, "east", page(row("A2", 8)))
    assert [(sheet.feed, sheet.day, sheet.rows) for sheet in reconcile(office)] == [
        ("east", "2021-10-01", 1),
        ("east", "2021-10-09", 1),
        ("west", "2021-10-08", 1),
    ]
    within = reconcile(office, first=date(2021, 10, 2), last=date(2021, 10, 8))
    assert [(sheet.feed, sheet.day) for sheet in within] == [("west", "2021-10-08")]


def test_pages_that_wait_or_cannot_be_read_are_shown(office: Office) -> None:
    keep_page(office, "east", page(row("A1", 1)))
    take(office, "east", Fetched(content=content([])[:-1], request="bad"))
    sheet = only(reconcile(office))
    assert (sheet.unworked, sheet.unreadable, sheet.rows, sheet.differences) == (1, 1, 0, [])


# ── against what the feed says ──


def sheet_of(office: Office, fetched: Fetched) -> DaySheet:
    take(office, "bayannur", fetched)
    sheet: DaySheet = only(reconcile(office))
    return sheet


def test_agreement_with_the_feed_is_silent(office: Office) -> None:
    sheet = sheet_of(office, pushed(row("A1", 1), row("A9", 9), rows_said=2, amount_said="40000.00"))
    assert (sheet.said_rows, sheet.said_amount, sheet.differences) == (2, 4_000_000, [])


@pytest.mark.parametrize(
    ("rows_said", "amount_said", "differences"),
    [(3, "40000.00", 1), (2, "40000.01", 1), (1, "39999.99", 2), (2, None, 0), (3, None, 1)],
)
def test_a_difference_to_the_feed_is_shown(
    office: Office, rows_said: int, amount_said: str | None, differences: int
) -> None:
    fetched = pushed(row("A1", 1), row("A9", 9), rows_said=rows_said, amount_said=amount_said)
    assert len(sheet_of(office, fetched).differences) == differences


def test_a_settlement_that_stands_twice_in_a_page_counts_once(office: Office) -> None:
    fetched = pushed(row("A1", 1), row("A9", 9), row("A1", 1), rows_said=2, amount_said="40000.00")
    assert sheet_of(office, fetched).differences == []


def test_the_pages_of_a_day_are_summed(office: Office) -> None:
    take(office, "bayannur", pushed(row("A1", 1), rows_said=1, amount_said="20000.00"))
    take(office, "bayannur", pushed(row("A2", 9), rows_said=1, amount_said="20000.00"))
    assert only(reconcile(office)).differences == []
    take(office, "bayannur", pushed(row("A3", 9), rows_said=2, amount_said="40000.00"))
    assert len(only(reconcile(office)).differences) == 2


def test_a_day_the_feed_told_of_and_nothing_came_is_shown(office: Office) -> None:
    totals = FeedTotals(day=date(2021, 10, 1), rows=5)
    take(office, "east", page(row("A1", 1), totals=(totals,)))
    differing = [(sheet.day, len(sheet.differences)) for sheet in reconcile(office)]
    assert differing == [("2021-10-01", 1), ("2021-10-08", 0)]


def test_what_a_replaced_file_said_counts_no_longer(office: Office) -> None:
    day = date(2021, 10, 7)

    def file(*rows: dict[str, Any], said: int | None, revision: int) -> Fetched:
        totals = (FeedTotals(day=day, rows=said, amount=said * 2_000_000),) if said is not None else ()
        return page(*rows, request=f"{revision}", source="day.json", day=day, totals=totals)

    take(office, "files", file(row("A1", 1), row("A2", 2), said=2, revision=1))
    assert only(reconcile(office)).differences == []
    take(office, "files", file(row("A1", 1), said=1, revision=2))
    assert only(reconcile(office)).differences == []
    take(office, "files", file(row("A1", 1), row("A2", 2), said=None, revision=3))
    sheet = only(reconcile(office))
    assert (sheet.said_rows, sheet.differences) == (None, [])


# ── a loss is found ──


def tamper(office: Office, statement: str) -> list[str]:
    """What reconcile says after somebody wrote in the database by hand."""
    every_kind(office)
    assert sum(len(sheet.differences) for sheet in reconcile(office)) == 0
    with office.store.write() as tx:
        assert tx.execute(text(statement)).rowcount >= 1
    return [difference for sheet in reconcile(office) for difference in sheet.differences]


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("delete from record where record_id = (select max(record_id) from record)", "会员"),
        ("update record set amount = amount + 1 where record_id = (select max(record_id) from record)", "会员金额"),
        ("delete from review where state = 'open'", "待核"),
        ("delete from quarantine where state = 'open' and key is not null", "隔离"),
        ("update batch set stranger_rows = stranger_rows - 1 where page_seq = 1", "行数"),
        ("delete from batch where page_seq = 1", "行数"),
    ],
)
def test_whatever_goes_missing_is_found(office: Office, statement: str, shown: str) -> None:
    assert any(shown in difference for difference in tamper(office, statement))


def test_rows_in_no_class_are_counted_as_lost(office: Office) -> None:
    assert lost(reconcile(office)) == 0
    tamper(office, "update batch set stranger_rows = stranger_rows - 1 where page_seq = 1")
    assert lost(reconcile(office)) == 1
