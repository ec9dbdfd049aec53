"""Batches of a page's rows: which are done, and what became of their rows."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, select, update

from gateway.model.rows import ClassChange, RowClass, Tally
from gateway.store import schema
from gateway.store.engine import select_in

_ADD = schema.batch.insert()
_DONE = select(schema.batch.c.first_row, schema.batch.c.rows).where(schema.batch.c.page_seq == bindparam("seq"))


def add(
    tx: Connection, seq: int, first_row: int, rows: int, tally: Tally, sealed: bytes, *, unknown: str | None = None
) -> None:
    """Mark a batch as done, with what became of its rows, and the codes nobody knew (as JSON) where there were any."""
    counted = {f"{name}_rows": value for name, value in tally.rows.items()}
    money = {f"{name}_amount": value for name, value in tally.amount.items()}
    place = {"page_seq": seq, "first_row": first_row, "rows": rows}
    tx.execute(_ADD, {**place, "sealed": sealed, "unknown": unknown, **counted, **money})


def done(tx: Connection, seq: int) -> dict[int, int]:
    """First row → rows of the batches of a page that are done."""
    return {row.first_row: row.rows for row in tx.execute(_DONE, {"seq": seq})}


def rows_done(tx: Connection, seqs: Sequence[int]) -> dict[int, int]:
    """Page → how many of its rows are done; pages of which none is are left out."""
    batch = schema.batch.c
    query = select(batch.page_seq, func.sum(batch.rows)).where(batch.page_seq.in_(seqs)).group_by(batch.page_seq)
    return {seq: int(rows) for seq, rows in tx.execute(query)}


def gaps(done: Mapping[int, int], rows: int) -> list[tuple[int, int]]:
    """(first row, row behind the last) of every stretch of a page of so many rows that no batch holds. `done`: first
    row → rows, as of `done`."""
    open_stretches, behind = [], 0
    for first_row in sorted(done):
        if first_row > behind:
            open_stretches.append((behind, min(first_row, rows)))
        behind = max(behind, first_row + done[first_row])
    if behind < rows:
        open_stretches.append((behind, rows))
    return [(start, stop) for start, stop in open_stretches if start < stop]


def change_classes(tx: Connection, changes: Sequence[ClassChange]) -> None:
    """Rows that changed class later, with their money. A batch holds its rows in order."""
    sums: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    firsts = first_rows(tx, {change.page_seq for change in changes})
    for change in changes:
        starts = firsts[change.page_seq]
        sheet = sums[change.page_seq, starts[bisect_right(starts, change.row) - 1]]
        sheet[f"{change.before}_rows"] -= 1
        sheet[f"{change.before}_amount"] -= change.counted
        sheet[f"{change.after}_rows"] += 1
        sheet[f"{change.after}_amount"] += change.amount
    batch = schema.batch.c
    # In one order for all, so that two feeds which move each other's rows cannot wait for one another for ever.
    for (seq, first_row), more in sorted(sums.items()):
        at_batch = (batch.page_seq == seq) & (batch.first_row == first_row)
        values = {batch[name]: batch[name] + added for name, added in more.items()}
        tx.execute(update(schema.batch).where(at_batch).values(values))


def first_rows(tx: Connection, seqs: set[int]) -> dict[int, list[int]]:
    """Page → where its batches begin, in order. Where a batch begins and ends never changes once it is written."""
    starts: dict[int, list[int]] = defaultdict(list)
    query = "select page_seq, first_row from batch where page_seq {keys} order by page_seq, first_row"
    for seq, first_row in select_in(tx, query, seqs, kind="bigint"):
        starts[seq].append(first_row)
    return starts


class BatchSheet(msgspec.Struct, frozen=True, kw_only=True):
    """One batch: its tally and its sealed list of rows."""

    page_seq: int
    first_row: int
    rows: int
    tally: Tally
    sealed: bytes | None


def sheets_of_feed(tx: Connection, feed: str, *, after: int = 0) -> Iterator[BatchSheet]:
    """The batches of a feed's pages after a place, oldest first."""
    query = (
        select(schema.batch)
        .join(schema.page, schema.page.c.seq == schema.batch.c.page_seq)
        .where(schema.page.c.feed == feed, schema.page.c.seq > after)
        .order_by(schema.batch.c.page_seq, schema.batch.c.first_row)
    )
    for row in tx.execute(query):
        yield _sheet(row)


def lists_of_feed(tx: Connection, feed: str, *, after: int) -> Iterator[tuple[int, bytes, int, bytes]]:
    """The sealed lists of a feed's pages after a place, oldest first: page, its id, first row, list. Those that have
    expired are left out."""
    batch, page = schema.batch.c, schema.page.c
    query = (
        select(batch.page_seq, page.page_id, batch.first_row, batch.sealed)
        .join(schema.page, page.seq == batch.page_seq)
        .where(page.feed == feed, page.seq > after, batch.sealed.is_not(None))
        .order_by(batch.page_seq, batch.first_row)
    )
    for seq, page_id, first_row, sealed in tx.execute(query):
        yield seq, bytes(page_id), first_row, bytes(sealed)


def sheets_of_page(tx: Connection, seq: int) -> list[BatchSheet]:
    """The batches of one page, in row order."""
    query = select(schema.batch).where(schema.batch.c.page_seq == seq).order_by(schema.batch.c.first_row)
    return [_sheet(row) for row in tx.execute(query)]


def _sheet(row: Any) -> BatchSheet:
    values = row._mapping
    tally = Tally(
        rows={name: values[f"{name}_rows"] for name in RowClass},
        amount={name: values[f"{name}_amount"] for name in RowClass},
    )
    return BatchSheet(page_seq=row.page_seq, first_row=row.first_row, rows=row.rows, tally=tally, sealed=row.sealed)


def reseal(tx: Connection, seq: int, first_row: int, sealed: bytes) -> None:
    """Replace the sealed list of a batch after rows changed class."""
    this_batch = (schema.batch.c.page_seq == seq) & (schema.batch.c.first_row == first_row)
    tx.execute(update(schema.batch).where(this_batch).values(sealed=sealed))


_LATER_DONE = (
    select(schema.batch.c.page_seq)
    .select_from(schema.batch.join(schema.page, schema.page.c.seq == schema.batch.c.page_seq))
    .where(schema.page.c.feed == bindparam("feed"), schema.page.c.seq > bindparam("after"))
    .limit(1)
)


def later_done(tx: Connection, feed: str, seq: int) -> bool:
    """Whether a page received after this one has already been worked, wholly or in part."""
    return tx.execute(_LATER_DONE, {"feed": feed, "after": seq}).first() is not None


def any_worked(tx: Connection, feeds: Sequence[str]) -> bool:
    """Whether any page of these feeds has been worked, wholly or in part."""
    joined = schema.batch.join(schema.page, schema.page.c.seq == schema.batch.c.page_seq)
    query = select(schema.batch.c.page_seq).select_from(joined).where(schema.page.c.feed.in_(feeds)).limit(1)
    return tx.execute(query).first() is not None
