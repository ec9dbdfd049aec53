"""A page is stored first and worked then; both may be done again, and a crash anywhere changes nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    Who,
    adds_up,
    content,
    empty,
    enrolled,
    everything,
    in_batches,
    keep_page,
    live,
    member,
    only,
    open_items,
    page,
    payable,
    records,
    row,
    rows_of,
    take,
    who,
)

from gateway.errors import BadPage, Conflict
from gateway.flow.intake import work as ingest
from gateway.flow.intake.night import work_waiting
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import page_id, store_page
from gateway.flow.roster.enrol import enrol
from gateway.model.page import MAX_PAGE_BYTES, FeedTotals, Fetched
from gateway.store import cursors, feed_totals, pages, schema

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return make_office(database_url, feeds=EAST_AND_WEST)


class Crash(BaseException):
    """The process is gone: nothing in the gateway may catch this."""


# ── pages ──


def test_a_page_is_known_by_its_feed_its_request_and_its_bytes() -> None:
    one = Fetched(content=b"bytes", request="first")
    same = Fetched(content=b"bytes", request="first", cursor="elsewhere", source="file", part=2, parts=3)
    assert page_id("east", one) == page_id("east", same)
    others = [
        page_id("west", one),
        page_id("east", Fetched(content=b"bytes", request="second")),
        page_id("east", Fetched(content=b"byte", request="firsts")),
        page_id("eas", Fetched(content=b"bytes", request="tfirst")),
        page_id("east", Fetched(content=b"tbytes", request="firs")),
    ]
    assert len({page_id("east", one), *others}) == 6


def test_a_page_that_comes_again_keeps_its_place_and_is_not_stored_twice(office: Office) -> None:
    first = store_page(office, "east", page(row("A1", 1)))
    between = store_page(office, "east", page(row("A2", 1)))
    assert store_page(office, "east", page(row("A1", 1))) == (first[0], False)
    assert between[0] > first[0]
    assert len(rows_of(office, schema.page)) == 2


def test_page_cursor_totals_and_what_belongs_to_them_are_written_at_once(office: Office) -> None:
    totals = FeedTotals(day=date(2021, 7, 10), rows=3, amount=100)
    fetched = page(row("A1", 1), cursor="behind A1", totals=(totals,))
    also: list[str] = []
    store_page(office, "east", fetched, cursor_version=0, also=lambda tx: also.append("written"))
    with office.store.read() as tx:
        assert cursors.of_feed(tx, "east") == ("behind A1", 1)
        assert feed_totals.of_feed(tx, "east") == {"2021-07-10": (3, 100)}
    assert also == ["written"]


def test_a_cursor_that_somebody_else_moved_stores_nothing(office: Office) -> None:
    store_page(office, "east", page(row("A1", 1), cursor="one"), cursor_version=0)
    with pytest.raises(Conflict):
        store_page(office, "east", page(row("A2", 1), cursor="two"), cursor_version=0)
    assert len(rows_of(office, schema.page)) == 1
    with office.store.read() as tx:
        assert cursors.of_feed(tx, "east") == ("one", 1)


def test_what_fails_beside_a_page_takes_the_page_and_the_cursor_with_it(office: Office) -> None:
    def fails(_: object) -> None:
        raise Crash

    with pytest.raises(Crash):
        store_page(office, "east", page(row("A1", 1), cursor="one"), cursor_version=0, also=fails)
    assert rows_of(office, schema.page) == []
    with office.store.read() as tx:
        assert cursors.of_feed(tx, "east") == (None, 0)


def test_a_page_larger_than_sixteen_mebibytes_is_refused_and_nothing_is_stored(office: Office) -> None:
    with pytest.raises(BadPage, match="page_too_large"):
        store_page(office, "east", Fetched(content=bytes(MAX_PAGE_BYTES + 1), request=""))
    assert rows_of(office, schema.page) == []
    place, _ = store_page(office, "east", Fetched(content=bytes(MAX_PAGE_BYTES), request=""))
    assert process_page(office, place) is None


def test_two_workers_who_store_the_same_page_at_the_same_moment_store_it_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet = threading.Barrier(2)
    look = pages.find

    def find(*given: Any) -> int | None:
        found = look(*given)
        with suppress(threading.BrokenBarrierError):
            meet.wait(0.2)
        return found

    monkeypatch.setattr(pages, "find", find)
    fetched = page(row("A1", 1), request="delivery 1")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: store_page(office, "east", fetched), range(2)))
    assert sorted(is_new for _, is_new in done) == [False, True]
    assert done[0][0] == done[1][0]


# ── rows ──


def test_the_chinese_suite_does_the_same(make_office: MakeOffice, database_url: str) -> None:
    office = make_office(database_url, suite="sm4", folder="sm4", feeds=EAST_AND_WEST)
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1), row("A9", 9), row("A1", None, refund=True)))
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00"), row("A2", 1, mdtrt_id="V2")))
    assert adds_up(office) == {"member": 3, "stranger": 1, "superseded": 1}
    assert [stay for stay, _ in payable(office)] == ["H15099900001/V2"]
    assert {bytes(each["sealed"])[1] for each in rows_of(office, schema.record)} == {2}


def test_members_are_recorded_and_claimed_and_strangers_only_counted(office: Office) -> None:
    enrolled(office, 1, 2)
    take(office, "east", page(row("A1", 1), row("A2", 2), row("A3", 3), row("A4", 3)))
    assert adds_up(office) == {"member": 2, "stranger": 2}
    assert payable(office) == [("H15099900001/VA1", 249000), ("H15099900001/VA2", 249000)]


def test_a_stranger_leaves_the_sealed_page_and_its_sealed_list_and_nothing_else(office: Office) -> None:
    enrolled(office, 1)
    before = everything(office)
    one, other = "SETTLEMENT-9", "SETTLEMENT-8"
    take(office, "east", page(row(one, 9), row(one, 9, refund=True), row(other, None, refund=True)))
    after = everything(office)
    changed = {name for name in after if after[name] != before[name]}
    # The refund that names nobody waits as a digest of the number it reverses.
    assert changed == {"page", "batch", "lists", "waiting_reversal"}
    for table in schema.metadata.sorted_tables:
        for each in rows_of(office, table):
            assert_holds_nothing_of(each, who(9), one, other)


def assert_holds_nothing_of(values: dict[str, Any], person: Who, *texts: str) -> None:
    for value in values.values():
        for text in (person.name, person.id_number, *texts):
            if isinstance(value, str):
                assert text not in value
            elif isinstance(value, bytes | memoryview):
                assert text.encode() not in bytes(value)


def test_members_too_leave_nothing_readable(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1, dise_codg="Q99.901")))
    take(office, "east", page(row("A2", Who("另一个人", who(1).id_number), dise_codg="Q99.901")))
    take(office, "east", page(row("A3", 1, dise_codg="Q99.901", enddate="2021-01-01")))
    assert adds_up(office) == {"member": 1, "review": 1, "quarantined": 1}
    for table in schema.metadata.sorted_tables:
        for each in rows_of(office, table):
            assert_holds_nothing_of(each, who(1), "Q99.901", "另一个人")


def test_what_no_scheme_could_pay_is_counted_and_left_in_its_page(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1, med_type="41"), row("A2", 1, insutype="390")))
    assert adds_up(office) == {"left": 2}
    assert records(office) == []
    assert live(office) == []


def test_a_stay_worth_nothing_is_recorded_and_becomes_no_claim(office: Office) -> None:
    enrolled(office, 1)
    outside: dict[str, Any] = {"begndate": "2020-01-01", "enddate": "2020-01-05", "setl_time": "2020-01-05 09:00:00"}
    take(office, "east", page(row("A1", 1, **outside)))
    assert adds_up(office) == {"member": 1}
    assert rows_of(office, schema.claim) == []


def test_a_stay_worth_nothing_that_a_person_must_see_becomes_a_claim(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1, inscp_scp_amt=None)))
    claim = only(live(office))
    assert (claim["payable"], claim["flags"], claim["body"]["needs_person"]) == (0, "incomplete", True)


def test_who_opted_out_is_a_stranger(office: Office) -> None:
    enrol(office, "nm", [member(1, opt_out=True), member(2)])
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    assert adds_up(office) == {"member": 1, "stranger": 1}
    assert {each["member_id"] for each in records(office)} == {2}


def test_a_bad_row_waits_with_all_its_errors_and_stops_nothing(office: Office) -> None:
    enrolled(office, 1)
    bad = row("A2", 1, medfee_sumamt="12,5", inscp_scp_amt="x", begndate="2021-02-30")
    take(office, "east", page(row("A1", 1), bad, {"setl_id": None}, row("A3", 2)))
    assert adds_up(office) == {"member": 1, "stranger": 1, "quarantined": 2}
    kinds = {each[2]: each[3].split(",") for each in open_items(office)}
    assert len(kinds[1]) == 3


def test_a_bad_page_waits_and_blocks_nothing(office: Office) -> None:
    enrolled(office, 1)
    keep_page(office, "east", Fetched(content=b'{"setlinfo": [', request="1"))
    keep_page(office, "east", page(row("A1", 1)))
    assert work_waiting(office, ["east"]) == 2
    assert only(open_items(office))[::2] == ("quarantine", None)
    assert adds_up(office) == {"member": 1}
    # It is not tried again by itself.
    assert work_waiting(office, ["east"]) == 0


def test_a_page_without_settlements_is_done(office: Office) -> None:
    place = only(take(office, "east", page()))
    with office.store.read() as tx:
        assert pages.load(tx, place)[0].state == "done"
    assert adds_up(office) == {}


# ── again, in pieces, and after a crash ──


def a_night(office: Office) -> list[int]:
    """Seven rows of every kind, with a correction and a refund inside the page."""
    enrolled(office, 1, 2)
    rows = [row("A1", 1), row("A2", 2), row("A3", 3), row("A1", 1, inscp_scp_amt="16000.00"), row("A4", 4)]
    rows += [row("A2", 2, refund=True), row("A5", 1, begndate="x"), row("A3", 3), row("A6", 2, med_type="41")]
    rows += [row("A7", Who("别人", who(1).id_number)), row("A8", None, refund=True), row("A8", 2)]
    return [keep_page(office, "east", page(*rows))]


@pytest.mark.parametrize("size", [1, 2, 5, 11, 12, 13])
def test_the_end_is_the_same_whatever_the_size_of_the_batches(office: Office, size: int) -> None:
    a_night(office)
    work_waiting(office, ["east"])
    whole, claimed = everything(office), live(office)
    counted = adds_up(office)
    empty(office)
    smaller = in_batches(office, size)
    a_night(smaller)
    work_waiting(smaller, ["east"])
    assert adds_up(smaller) == counted
    pieces = everything(smaller)
    # Versions may be more where a correction came in a batch of its own; what stands at the end may not differ.
    assert live(smaller) == claimed
    for name in ("records", "quarantine", "review", "waiting_reversal", "page"):
        assert pieces[name] == whole[name], name


def test_working_a_page_again_changes_nothing(office: Office) -> None:
    [place] = a_night(office)
    process_page(office, place)
    before = everything(office)
    assert process_page(office, place) is not None
    assert everything(office) == before


@pytest.mark.parametrize("after_writing", [False, True], ids=["before the commit", "at the last moment"])
@pytest.mark.parametrize("batch", [0, 3, 5, "finish"])
def test_a_crash_anywhere_means_run_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, batch: int | str, after_writing: bool
) -> None:
    small = in_batches(office, 2)
    a_night(small)
    work_waiting(small, ["east"])
    undisturbed = everything(small)
    empty(small)
    with monkeypatch.context() as patch:
        crash_at(patch, batch, after_writing)
        a_night(small)
        with pytest.raises(Crash):
            work_waiting(small, ["east"])
    assert everything(small) != undisturbed
    work_waiting(small, ["east"])
    assert everything(small) == undisturbed


def crash_at(patch: pytest.MonkeyPatch, batch: int | str, after_writing: bool) -> None:
    """Let the process die in the transaction of a batch, or in that which finishes the page."""
    owner, name, due = (pages, "finish", 1) if batch == "finish" else (ingest, "apply_batch", int(batch) + 1)
    inner, calls = getattr(owner, name), [0]

    def crashes(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == due and not after_writing:
            raise Crash
        done = inner(*given, **named)
        if calls[0] == due:
            raise Crash
        return done

    patch.setattr(owner, name, crashes)


def test_a_crash_between_the_two_transactions_loses_nothing(office: Office) -> None:
    enrolled(office, 1)
    store_page(office, "east", page(row("A1", 1)))
    # Here the process died; the next one finds the page waiting.
    assert work_waiting(office, ["east"]) == 1
    assert adds_up(office) == {"member": 1}


def test_batches_of_another_size_after_a_crash_take_no_row_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled(office, 1, 2, 3)
    place = keep_page(office, "east", page(*(row(f"A{n}", n % 5) for n in range(12))))
    with monkeypatch.context() as patch:
        crash_at(patch, 1, False)
        with pytest.raises(Crash):
            process_page(in_batches(office, 5), place)
    process_page(in_batches(office, 3), place)
    assert sum(adds_up(office).values()) == 12


def test_a_roster_that_moves_between_look_up_and_commit_is_read_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled(office, 1)
    looks: list[Any] = []
    look = ingest.look_ahead

    def read_batch(*given: Any) -> Any:
        found = look(*given)
        if not looks:
            enrolled(office, 2)
        looks.append(found.versions)
        return found

    monkeypatch.setattr(ingest, "look_ahead", read_batch)
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    assert len(looks) == 2
    assert adds_up(office) == {"member": 2}


def test_two_workers_at_the_same_page_work_every_batch_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    small = in_batches(office, 2)
    [place] = a_night(small)
    process_page(small, place)
    undisturbed = everything(small)
    empty(small)
    [place] = a_night(small)
    meet, look = threading.Barrier(2), ingest.look_ahead

    def read_batch(*given: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            meet.wait(0.5)
        return look(*given)

    monkeypatch.setattr(ingest, "look_ahead", read_batch)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: process_page(small, place), range(2)))
    assert everything(small) == undisturbed


def test_two_workers_who_cannot_read_a_page_set_it_aside_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    place = keep_page(office, "east", Fetched(content=content([])[:-1], request="1"))
    meet, aside = threading.Barrier(2), ingest._set_aside

    def set_aside(*given: Any) -> None:
        meet.wait(5)
        aside(*given)

    monkeypatch.setattr(ingest, "_set_aside", set_aside)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: process_page(office, place), range(2))) == [None, None]
    assert len(open_items(office)) == 1
