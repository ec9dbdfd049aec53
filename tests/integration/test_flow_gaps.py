"""A batch that fails leaves a gap: its page waits, and goes on there when the error is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    FILES,
    adds_up,
    empty,
    enrolled,
    in_batches,
    keep_page,
    live,
    only,
    page,
    payable,
    row,
    rows_of,
    take,
    truth,
)
from sqlalchemy import text

from gateway.errors import Unavailable
from gateway.flow.batches.reconcile import reconcile
from gateway.flow.findings.book import show
from gateway.flow.intake import work
from gateway.flow.intake.mend import reopen_gaps
from gateway.flow.intake.night import Doors, run_night, work_waiting
from gateway.flow.intake.retain import retain
from gateway.flow.intake.work import process_batch, process_stream, read_batches
from gateway.flow.office import Office
from gateway.model.page import FeedTotals, Fetched
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

MANY = 7
DOORS = Doors(feed=lambda *_: None, sender=lambda *_: None, jitter=lambda: 0.0, new_lease=lambda: "x")  # type: ignore[arg-type,return-value]


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = in_batches(make_office(database_url, feeds={**FILES, **EAST_AND_WEST}), 2)
    enrolled(office, *range(1, MANY + 1))
    return office


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """`failing(4)`: the batch that begins at row 4 fails, once; returns the batches settled."""

    def make(at: int, *, error: Exception | None = None, times: int = 1) -> list[int]:
        settle, settled, left = work.apply_batch, [], [times]

        def settle_or_fail(tx: Any, office: Office, place: Any, reading: Any, first_row: int, *more: Any) -> Any:
            if first_row == at and left[0]:
                left[0] -= 1
                raise error or Unavailable("passing")
            settled.append(first_row)
            return settle(tx, office, place, reading, first_row, *more)

        monkeypatch.setattr(work, "apply_batch", settle_or_fail)
        return settled

    return make


ROWS = [row(f"A{number}", number) for number in range(1, MANY + 1)]


def stream(office: Office, *fetched: Fetched) -> list[int]:
    """Store and work pages as a night does; returns the places of those that failed."""
    failed: list[int] = []

    def stored() -> Iterator[tuple[int, bytes]]:
        for each in fetched:
            yield keep_page(office, "east", each), each.content

    process_stream(office, stored(), lambda seq, _: failed.append(seq))
    return failed


def state(office: Office) -> list[tuple[str, int | None]]:
    return [(each["state"], each["rows"]) for each in rows_of(office, schema.page)]


@pytest.mark.parametrize("error", [Unavailable("passing"), KeyError("a mistake")], ids=["passing", "mistake"])
def test_a_page_stops_at_its_first_failed_batch_and_goes_on_there(
    office: Office, failing: Callable[..., list[int]], error: Exception
) -> None:
    settled = failing(2, error=error)
    later = row("B1", 1, begndate="2021-08-01", enddate="2021-08-10", setl_time="2021-08-10 10:00:00")
    assert stream(office, page(*ROWS), page(later, request="2")) == [1]
    assert settled == [0, 0]
    assert state(office) == [("stored", None), ("done", 1)]
    assert work_waiting(office, ["east"]) == 1
    assert settled == [0, 0, 2, 4, 6]
    assert state(office) == [("done", MANY), ("done", 1)]
    assert len(live(office)) == MANY + 1
    assert adds_up(office) == {"member": MANY + 1}


def test_a_failed_page_is_a_finding_until_it_is_worked(office: Office, failing: Callable[..., list[int]]) -> None:
    failing(4, times=2)
    keep_page(office, "east", page(*ROWS))
    report = run_night(office, DOORS, feeds=["east"])
    assert report.failed
    assert report.waiting_pages == 1
    found = only([finding for finding in show(office) if finding.kind == "page"])
    assert (found.code, found.kind, found.name, found.counts) == ("page_failed", "page", "1", True)
    assert "east" in found.detail
    work_waiting(office, ["west", "east"])
    assert not [finding for finding in show(office) if finding.kind == "page"]


def gap(office: Office, seq: int, *left_out: int, finished: bool = True) -> None:
    """Work a page without the batches that begin at these rows, and mark it as worked, as older programs did."""
    rows = 0
    for batch in read_batches(office, seq):
        rows = len(batch.page.rows)
        if batch.start not in left_out:
            process_batch(office, batch)
    if finished:
        with office.store.write() as tx:
            tx.execute(
                text("update page set state = 'done', rows = :rows where seq = :seq"), {"rows": rows, "seq": seq}
            )


def mended(office: Office) -> None:
    reopen_gaps(office)
    work_waiting(office, sorted(office.feeds))


def as_if_whole(office: Office, fetched: Sequence[Fetched], feed: str = "east") -> dict[str, Any]:
    """What the same pages come to with nothing left out, one after the other."""
    empty(office)
    enrolled(office, *range(1, MANY + 1))
    take(office, feed, *fetched)
    return truth(office)


def test_pages_marked_with_gaps_are_found_and_worked(office: Office) -> None:
    fetched = [page(*ROWS), page(row("A3", 3, inscp_scp_amt="16000.00"), row("A9", 99), request="2")]
    first, second = (keep_page(office, "east", each) for each in fetched)
    gap(office, first, 2, 6)
    gap(office, second)
    assert len(live(office)) < MANY
    assert reopen_gaps(office) == 1
    assert work_waiting(office, ["east"]) == 1
    assert reopen_gaps(office) == 0
    found = truth(office)
    assert found == as_if_whole(office, fetched)
    assert adds_up(office) == {"member": MANY, "stranger": 1, "superseded": 1}


def test_rows_of_a_gap_are_late_by_the_day_the_page_came(office: Office, clock: Hands) -> None:
    seq = keep_page(office, "east", page(*ROWS))
    gap(office, seq, 2)
    clock.move(days=120)
    mended(office)
    assert {each["flags"] for each in live(office)} == {live(office)[0]["flags"]}
    assert {each["received_on"] for each in rows_of(office, schema.record)} == {"2021-10-08"}


def test_a_row_further_down_in_the_page_supersedes_one_in_its_gap(office: Office) -> None:
    fetched = page(row("A1", 1), row("A2", 2), row("A3", 3), row("A4", 4), row("A3", 99), row("A4", 4, ipt_days=5))
    gap(office, keep_page(office, "east", fetched), 2)
    mended(office)
    found = truth(office)
    assert found == as_if_whole(office, [fetched])
    assert adds_up(office) == {"member": 4, "review": 1, "superseded": 1}


def test_a_gap_is_never_filled_twice(make_office: MakeOffice, database_url: str, office: Office) -> None:
    seq = keep_page(office, "east", page(*ROWS))
    first = list(read_batches(office, seq))
    other = list(read_batches(in_batches(office, 3), seq))
    process_batch(office, first[1])
    for batch in (*other, *first):
        process_batch(office, batch)
    work_waiting(office, ["east"])
    assert state(office) == [("done", MANY)]
    assert adds_up(office) == {"member": MANY}
    assert len(live(office)) == MANY


def of_file(*contents: Sequence[dict[str, Any]]) -> list[Fetched]:
    return [page(*rows, request=f"x:{at}", source="x.json", part=1, parts=1) for at, rows in enumerate(contents, 1)]


def test_a_newer_file_with_a_gap_takes_nothing_back_until_it_is_whole(office: Office) -> None:
    old, new = of_file(ROWS, [*ROWS[:3], *ROWS[4:]])
    take(office, "files", old)
    gap(office, keep_page(office, "files", new), 4)
    assert len(live(office)) == MANY
    mended(office)
    found = truth(office)
    assert [stay for stay, _ in payable(office)] == [f"H15099900001/VA{n}" for n in (1, 2, 3, 5, 6, 7)]
    assert found == as_if_whole(office, [old, new], "files")


def told(office: Office, *, rows: int) -> None:
    with office.store.write() as tx:
        tx.execute(text("update page set rows = :rows where seq = 1"), {"rows": rows})


def test_rows_of_a_gap_in_a_file_that_was_replaced_do_not_come_back(office: Office) -> None:
    old, new = of_file(ROWS, ROWS[:5])
    seq = keep_page(office, "files", old)
    gap(office, seq, 4)
    # Older programs took a file with a gap for whole.
    told(office, rows=5)
    take(office, "files", new)
    told(office, rows=MANY)
    assert [each["replaced_by"] for each in rows_of(office, schema.page)] == [2, None]
    before = live(office)
    mended(office)
    assert live(office) == before
    assert len(before) == 5
    assert state(office) == [("done", MANY), ("done", 5)]


def test_what_is_gone_is_named_and_never_marked_mended(office: Office, clock: Hands) -> None:
    totals = FeedTotals(day=clock().date(), rows=MANY, amount=MANY * 2000000)
    gap(office, keep_page(office, "east", page(*ROWS, totals=(totals,))), 2, 6)
    gap(office, keep_page(office, "east", page(row("B1", 1), row("B2", 2), row("B3", 3), request="2")), 2)
    clock.move(days=200)
    retain(office)
    for _ in range(2):
        mended(office)
        first, second = show(office)
        assert (first.code, first.name, first.count, first.amount) == ("rows_lost", "1", 3, "60000.00")
        assert (second.code, second.name, second.count, second.amount) == ("rows_lost", "2", 1, None)
        assert {first.first_day, second.first_day} == {totals.day}
        assert {each for each, _ in state(office)} == {"expired"}
    assert any(sheet.differences for sheet in reconcile(office))
