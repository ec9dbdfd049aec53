"""Members' settlements: one row for each (feed, settlement number and sign), the one received last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, func, select

from gateway.store import schema
from gateway.store.engine import change_many, insert_many, select_in


class RecordRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record as stored; `sealed` holds the settlement, `key` the keyed digest of its number and sign. `first_seq`,
    `first_row`: where the number came first as the same person's, where that is another row."""

    record_id: int
    association: str
    feed: str
    key: bytes
    person_id: int
    member_id: int
    page_seq: int
    row: int
    received_on: str
    amount: int
    duplicate: bool
    sealed: bytes
    first_seq: int | None = None
    first_row: int | None = None


_COLUMNS = RecordRow.__struct_fields__
_SELECT = "select " + ", ".join(f'"{name}"' for name in _COLUMNS) + " from record "


def _row(values: tuple[object, ...]) -> RecordRow:
    return RecordRow(**dict(zip(_COLUMNS, values, strict=True)))  # type: ignore[arg-type]


def by_keys(tx: Connection, keys: Iterable[bytes]) -> list[RecordRow]:
    """The records with these keys, of every association."""
    rows = select_in(tx, _SELECT + "where key {keys}", keys, kind="bytea")
    return [_row(row) for row in rows]


def any_under(tx: Connection, keys: Iterable[bytes]) -> bool:
    """Whether a record stands under one of these keys."""
    return bool(select_in(tx, "select 1 from record where key {keys} limit 1", keys, kind="bytea"))


def by_id(tx: Connection, record_id: int) -> RecordRow | None:
    """The record with this number, if it is still there."""
    rows = select_in(tx, _SELECT + "where record_id {keys}", [record_id], kind="bigint")
    return _row(rows[0]) if rows else None


def of_people(tx: Connection, person_ids: Iterable[int]) -> list[RecordRow]:
    """All records of these people."""
    return [_row(row) for row in select_in(tx, _SELECT + "where person_id {keys}", person_ids, kind="bigint")]


def of_pages(tx: Connection, seqs: Iterable[int]) -> list[RecordRow]:
    """All records that came in these pages."""
    return [_row(row) for row in select_in(tx, _SELECT + "where page_seq {keys}", seqs, kind="bigint")]


def add(tx: Connection, rows: Sequence[RecordRow]) -> None:
    """Insert records; their ids are given by the database."""
    columns = _COLUMNS[1:]
    values = [
        (
            row.association,
            row.feed,
            row.key,
            row.person_id,
            row.member_id,
            row.page_seq,
            row.row,
            row.received_on,
            row.amount,
            row.duplicate,
            row.sealed,
            row.first_seq,
            row.first_row,
        )
        for row in rows
    ]
    insert_many(tx, schema.record, columns, values)


def remove(tx: Connection, record_ids: Sequence[int]) -> None:
    """Remove records that another one replaced, or that belong to no member any more."""
    change_many(tx, "delete from record where record_id = ?", [(record_id,) for record_id in record_ids])


def mark(tx: Connection, marks: Sequence[tuple[bool, int]]) -> None:
    """(duplicate or not, record id): set which records repeat another feed's."""
    change_many(tx, "update record set duplicate = ? where record_id = ?", marks)


def came_first(tx: Connection, places: Sequence[tuple[int, int, int]]) -> None:
    """(page, row, record id): where the number of a record came first."""
    change_many(tx, "update record set first_seq = ?, first_row = ? where record_id = ?", places)


def counts_by_page(tx: Connection, feed: str) -> dict[int, tuple[int, int]]:
    """Page → (records, money) of a feed, counted from the records themselves."""
    table = schema.record.c
    page_row = select(table.page_seq, table.row, func.max(table.amount).label("amount"))
    page_rows = page_row.where(table.feed == feed).group_by(table.page_seq, table.row).subquery()
    query = select(page_rows.c.page_seq, func.count(), func.sum(page_rows.c.amount)).group_by(page_rows.c.page_seq)
    return {seq: (rows, int(amount)) for seq, rows, amount in tx.execute(query)}


def wait(tx: Connection, rows: Sequence[tuple[str, bytes, int, int]]) -> None:
    """Reversals without their original: (feed, key of what they reverse, page, row), until it is known."""
    woken(tx, [(seq, row) for _, _, seq, row in rows])
    insert_many(tx, schema.waiting_reversal, ("feed", "key", "page_seq", "row"), rows)


def waiting(tx: Connection, keys: Iterable[bytes]) -> list[tuple[bytes, int, int]]:
    """(key, page, row) of the reversals that wait for one of these originals."""
    query = "select key, page_seq, row from waiting_reversal where key {keys}"
    rows = select_in(tx, query, keys, kind="bytea")
    return [(bytes(key), seq, row) for key, seq, row in rows]


def woken(tx: Connection, places: Sequence[tuple[int, int]]) -> None:
    """The reversals at these places (page, row) found their original, or came again: they wait no longer."""
    change_many(tx, "delete from waiting_reversal where page_seq = ? and row = ?", places)


def forget_waiting(tx: Connection, seqs: Sequence[int]) -> None:
    """Reversals that waited in pages that are gone wait no longer."""
    change_many(tx, "delete from waiting_reversal where page_seq = ?", [(seq,) for seq in seqs])
