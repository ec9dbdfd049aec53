"""Pages keep the order received, cursors are compared before they move, tallies always add up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.errors import Conflict
from gateway.model.clock import SHANGHAI
from gateway.model.page import FeedTotals, Fetched
from gateway.model.rows import ClassChange, RowClass, Tally
from gateway.store import batches, cursors, feed_totals, pages, runs, schema
from gateway.store.engine import Store, open_store
from gateway.store.values import from_ms, to_ms

NOW = datetime(2021, 10, 8, 9, 30, 15, 123000, tzinfo=SHANGHAI)


def add(tx: Connection, number: int, feed: str = "east", **fields: Any) -> int:
    fetched = Fetched(content=b"bytes", request=str(number), **fields)
    identity = number.to_bytes(16, "big")
    return pages.add(tx, page_id=identity, feed=feed, fetched=fetched, sealed=b"sealed", key_no=3, now=NOW)


def tally(**rows: int) -> Tally:
    made = Tally()
    for name, many in rows.items():
        for _ in range(many):
            made.count(name, 100)
    return made


# ── instants ──


@pytest.mark.parametrize(
    "moment",
    [
        NOW,
        datetime(1970, 1, 1, tzinfo=SHANGHAI),
        datetime(1901, 2, 3, 4, 5, 6, tzinfo=SHANGHAI),
        NOW.replace(year=2999),
    ],
)
def test_an_instant_survives_to_the_millisecond(moment: datetime) -> None:
    assert from_ms(to_ms(moment)) == moment
    assert from_ms(to_ms(moment)).utcoffset() == moment.utcoffset()


def test_what_is_finer_than_a_millisecond_is_cut_off_downwards() -> None:
    assert to_ms(NOW + timedelta(microseconds=999)) == to_ms(NOW)


# ── cursors ──


def test_a_feed_without_pages_has_no_cursor(store: Store) -> None:
    with store.read() as tx:
        assert cursors.of_feed(tx, "east") == (None, 0)


def test_a_cursor_moves_only_for_who_read_it_last(store: Store) -> None:
    with store.write() as tx:
        cursors.move(tx, "east", "one", cursor_version=0, now=NOW)
        assert cursors.of_feed(tx, "east") == ("one", 1)
        cursors.move(tx, "east", None, cursor_version=1, now=NOW)
        assert cursors.of_feed(tx, "east") == (None, 2)
        assert cursors.of_feed(tx, "west") == (None, 0)
    for stale in (0, 1, 3):
        with pytest.raises(Conflict), store.write() as tx:
            cursors.move(tx, "east", "stale", cursor_version=stale, now=NOW)
    with store.read() as tx:
        assert cursors.of_feed(tx, "east") == (None, 2)


@pytest.mark.parametrize("moved", [0, 1])
def test_of_two_who_move_a_cursor_at_once_one_wins(store: Store, database_url: str, moved: int) -> None:
    other = open_store(database_url, site=Path())
    if moved:
        with store.write() as tx:
            cursors.move(tx, "east", "before", cursor_version=0, now=NOW)
    meet = threading.Barrier(2)

    def move(mine: Store) -> str:
        meet.wait(5)
        try:
            with mine.write() as tx:
                cursors.move(tx, "east", "mine", cursor_version=moved, now=NOW)
                return "won"
        except Conflict:
            return "lost"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(move, (store, other))) == ["lost", "won"]
    other.close()


# ── pages ──


def test_pages_have_their_places_in_the_order_stored(store: Store) -> None:
    with store.write() as tx:
        places = [add(tx, number, feed) for number, feed in enumerate(("east", "west", "east"))]
    assert places == sorted(places)
    with store.read() as tx:
        assert [page.seq for page in pages.of_feed(tx, "east")] == [places[0], places[2]]
        assert pages.find(tx, (1).to_bytes(16, "big")) == places[1]
        assert pages.find(tx, bytes(16)[:-1] + b"\x09") is None


def test_a_page_is_loaded_as_it_was_stored(store: Store) -> None:
    day = date(2021, 10, 7)
    with store.write() as tx:
        place = add(tx, 7, day=day, source="文件.csv", part=2, parts=3)
    with store.read() as tx:
        meta, identity, sealed = pages.load(tx, place)
    assert (meta.day, meta.source, meta.part, meta.parts, meta.state) == (day, "文件.csv", 2, 3, "stored")
    assert (meta.received_at, meta.rows, meta.replaced_by) == (NOW, None, None)
    assert (bytes(identity), bytes(sealed or b"")) == ((7).to_bytes(16, "big"), b"sealed")


def test_pages_wait_until_they_are_worked_or_set_aside(store: Store) -> None:
    with store.write() as tx:
        one, two, three = add(tx, 1), add(tx, 2, "west"), add(tx, 3)
        assert pages.waiting(tx, ["east", "west"]) == [one, two, three]
        pages.finish(tx, one, rows=5, day=None)
        pages.set_aside(tx, three, code="not_json")
        assert pages.waiting(tx, ["east", "west"]) == [two]
        assert pages.waiting(tx, ["east"]) == []
        assert pages.load(tx, three)[0].state == "bad"
        pages.reopen(tx, three)
        assert pages.waiting(tx, ["east"]) == [three]


def test_a_worked_page_takes_the_day_it_tells(store: Store) -> None:
    with store.write() as tx:
        told, silent = add(tx, 1, day=date(2021, 1, 1)), add(tx, 2, day=date(2021, 1, 1))
        pages.finish(tx, told, rows=1, day=date(2021, 1, 2))
        pages.finish(tx, silent, rows=1, day=None)
        assert [pages.load(tx, each)[0].day for each in (told, silent)] == [date(2021, 1, 2), date(2021, 1, 1)]


def test_the_pages_of_a_file_are_found_and_replaced(store: Store) -> None:
    with store.write() as tx:
        old = [add(tx, number, source="a.csv", part=number + 1, parts=2) for number in range(2)]
        other, new = add(tx, 2, source="b.csv"), add(tx, 3, source="a.csv")
        add(tx, 4, "west", source="a.csv")
        pages.replace(tx, old, by=new)
        found = pages.of_source(tx, "east", "a.csv")
        assert [(page.seq, page.replaced_by) for page in found] == [(old[0], new), (old[1], new), (new, None)]
        assert pages.load(tx, other)[0].replaced_by is None


# ── batches ──


def test_batches_say_what_is_done(store: Store) -> None:
    with store.write() as tx:
        place, other = add(tx, 1), add(tx, 2)
        assert batches.done(tx, place) == {}
        assert not batches.any_worked(tx, ["east"])
        batches.add(tx, place, 0, 2, tally(member=1, stranger=1), b"list 0")
        batches.add(tx, place, 2, 3, tally(stranger=3), b"list 2")
        assert batches.done(tx, place) == {0: 2, 2: 3}
        assert batches.done(tx, other) == {}
        assert batches.any_worked(tx, ["west", "east"])
        assert not batches.any_worked(tx, ["west"])
        sheets = batches.sheets_of_page(tx, place)
    assert [(sheet.first_row, sheet.rows, bytes(sheet.sealed or b"")) for sheet in sheets] == [
        (0, 2, b"list 0"),
        (2, 3, b"list 2"),
    ]
    assert (sheets[0].tally.rows["member"], sheets[0].tally.amount["stranger"]) == (1, 100)


def test_a_later_page_counts_once_it_is_begun(store: Store) -> None:
    with store.write() as tx:
        one, two, west = add(tx, 1), add(tx, 2), add(tx, 3, "west")
        batches.add(tx, west, 0, 1, tally(stranger=1), b"")
        assert not batches.later_done(tx, "east", one)
        batches.add(tx, two, 0, 1, tally(stranger=1), b"")
        assert batches.later_done(tx, "east", one)
        assert not batches.later_done(tx, "east", two)


def test_the_sheets_of_a_feed_come_in_order_from_a_place_on(store: Store) -> None:
    with store.write() as tx:
        one, two, west = add(tx, 1), add(tx, 2), add(tx, 3, "west")
        for place, first in ((two, 0), (one, 5), (west, 0), (one, 0)):
            batches.add(tx, place, first, 5, tally(left=5), b"")
        found = [(sheet.page_seq, sheet.first_row) for sheet in batches.sheets_of_feed(tx, "east")]
        assert found == [(one, 0), (one, 5), (two, 0)]
        assert [sheet.page_seq for sheet in batches.sheets_of_feed(tx, "east", after=one)] == [two]


def test_rows_that_change_class_move_with_their_money(store: Store) -> None:
    with store.write() as tx:
        place = add(tx, 1)
        batches.add(tx, place, 0, 2, tally(member=2), b"")
        batches.add(tx, place, 2, 2, tally(member=1, stranger=1), b"")
        batches.change_classes(
            tx,
            [
                ClassChange(page_seq=place, row=row, before=before, after=after, amount=amount, counted=amount)
                for row, before, after, amount in (
                    (3, RowClass.NON_MEMBER, RowClass.MEMBER, 100),
                    (0, RowClass.MEMBER, RowClass.SUPERSEDED, 100),
                    (1, RowClass.MEMBER, RowClass.DUPLICATE, -100),
                )
            ],
        )
        first, second = batches.sheets_of_page(tx, place)
    assert {name: many for name, many in first.tally.rows.items() if many} == {"superseded": 1, "duplicate": 1}
    assert (first.tally.amount["member"], first.tally.amount["duplicate"]) == (200, -100)
    assert {name: many for name, many in second.tally.rows.items() if many} == {"member": 2}
    assert sum(first.tally.rows.values()) == sum(second.tally.rows.values()) == 2


def test_a_list_can_be_sealed_anew(store: Store) -> None:
    with store.write() as tx:
        place = add(tx, 1)
        batches.add(tx, place, 0, 1, tally(member=1), b"old")
        batches.add(tx, place, 1, 1, tally(member=1), b"old")
        batches.reseal(tx, place, 1, b"new")
        assert [bytes(sheet.sealed or b"") for sheet in batches.sheets_of_page(tx, place)] == [b"old", b"new"]


# ── what the feed says ──


def said(day: str, rows: int, amount: int | None) -> FeedTotals:
    return FeedTotals(day=date.fromisoformat(day), rows=rows, amount=amount)


def test_the_last_statement_of_a_source_counts_and_sources_are_summed(store: Store) -> None:
    with store.write() as tx:
        one, two = add(tx, 1), add(tx, 2)
        feed_totals.put(tx, "east", "a", said("2021-10-07", 5, 500), page_seq=two)
        feed_totals.put(tx, "east", "a", said("2021-10-07", 9, 900), page_seq=one)
        feed_totals.put(tx, "east", "b", said("2021-10-07", 1, 100), page_seq=one)
        feed_totals.put(tx, "east", "b", said("2021-10-06", 2, None), page_seq=one)
        feed_totals.put(tx, "west", "a", said("2021-10-07", 7, 700), page_seq=one)
        assert feed_totals.of_feed(tx, "east") == {"2021-10-07": (6, 600), "2021-10-06": (2, None)}


# ── runs ──


def test_a_run_is_begun_by_one(store: Store) -> None:
    with store.write() as tx:
        first = runs.begin(tx, "east", scheduled_for=NOW, now=NOW)
        assert first is not None
        assert runs.begin(tx, "east", scheduled_for=NOW, now=NOW) is None
        assert runs.begin(tx, "west", scheduled_for=NOW, now=NOW) is not None
        assert runs.begin(tx, "east", scheduled_for=NOW + timedelta(days=1), now=NOW) is not None


def test_a_run_that_was_cut_off_is_taken_up_again_once_it_is_silent(store: Store) -> None:
    with store.write() as tx:
        run = runs.begin(tx, "east", scheduled_for=NOW, now=NOW)
        assert run is not None
        runs.beat(tx, run, now=NOW + timedelta(minutes=1))
        assert runs.begin(tx, "east", scheduled_for=NOW, now=NOW + timedelta(minutes=3)) is None
        assert runs.begin(tx, "east", scheduled_for=NOW, now=NOW + timedelta(minutes=3, seconds=1)) == run
        runs.let_go(tx, run)
        assert runs.begin(tx, "east", scheduled_for=NOW, now=NOW + timedelta(minutes=4)) == run


@pytest.mark.parametrize(("outcome", "again"), [("failed", True), ("done", False)])
def test_a_run_that_failed_is_tried_again_after_a_while(store: Store, outcome: str, again: bool) -> None:
    with store.write() as tx:
        run = runs.begin(tx, "east", scheduled_for=NOW, now=NOW)
        assert run is not None
        runs.end(tx, run, outcome=outcome, pages=3, message="说明", now=NOW)
        assert runs.begin(tx, "east", scheduled_for=NOW, now=NOW + timedelta(minutes=10)) is None
        later = runs.begin(tx, "east", scheduled_for=NOW, now=NOW + timedelta(minutes=11))
        assert later == (run if again else None)


def test_the_last_runs_are_remembered(store: Store) -> None:
    with store.write() as tx:
        assert runs.latest(tx, "east") is None
        assert runs.latest_scheduled(tx, "east", until=NOW) is None
        for days, outcome in ((0, "done"), (2, "failed"), (1, "done")):
            due = NOW + timedelta(days=days)
            run = runs.begin(tx, "east", scheduled_for=due, now=due)
            assert run is not None
            runs.end(tx, run, outcome=outcome, pages=days, message="", now=due)
        last, good = runs.latest(tx, "east"), runs.latest(tx, "east", outcome="done")
        assert last is not None
        assert good is not None
        assert (last.scheduled_for, last.outcome, last.pages) == (NOW + timedelta(days=2), "failed", 2)
        assert (
            good.scheduled_for
            == NOW + timedelta(days=1)
            == runs.latest_scheduled(tx, "east", until=NOW + timedelta(days=2))
        )
        assert runs.last_page_at(tx, "east") is None
        add(tx, 1)
        assert runs.last_page_at(tx, "east") == NOW


def test_every_class_of_a_tally_has_its_columns() -> None:
    for name in schema.TALLY_CLASSES:
        assert f"{name}_rows" in schema.batch.c
        assert f"{name}_amount" in schema.batch.c
