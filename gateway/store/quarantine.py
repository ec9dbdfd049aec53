"""Quarantined rows and pages, waiting for a person. Page, row and reasons, never the row.

What stands unread has the state `open`, also once a person closed it for a reason: it asks for nobody any more, but its
row is still one that could not be read, and may still be superseded or read after all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update

from gateway.model.page import RowError
from gateway.model.questions import QuarantineItem
from gateway.model.states import ItemState
from gateway.store import schema
from gateway.store.engine import change_many, insert_many, keys_open, select_in

_CLOSING: Final = ("closed_by", "closed_at", "reason")
_QUARANTINE = tuple(name for name in QuarantineItem.__struct_fields__ if name != "item_id")
_NEW = tuple(name for name in _QUARANTINE if name not in _CLOSING)

_SELECT_QUARANTINE = 'select "item_id", ' + ", ".join(f'"{name}"' for name in _QUARANTINE) + " from quarantine "

_errors = msgspec.json.Decoder(tuple[RowError, ...])


def add(tx: Connection, items: Sequence[QuarantineItem]) -> None:
    """Set rows aside."""
    values = [(i.page_seq, i.row, i.feed, i.key, i.amount, _written(i), i.state, i.created_at) for i in items]
    insert_many(tx, schema.quarantine, _NEW, values)


def add_again(tx: Connection, items: Sequence[QuarantineItem]) -> None:
    """Set rows aside that were read again; one that was set aside before keeps its number, and what a person said."""
    seqs = {item.page_seq for item in items}
    closed = select_in(tx, _SELECT_QUARANTINE + "where state = 'closed' and page_seq {keys}", seqs, kind="bigint")
    before = {
        (old.page_seq, old.row): old.item_id for old in sorted(map(_quarantined, closed), key=lambda old: old.item_id)
    }
    numbered = [(item, before.get((item.page_seq, item.row))) for item in items]
    sql = 'update quarantine set state = ?, "key" = ?, amount = ?, errors = ? where item_id = ?'
    again = [(i.state, i.key, i.amount, _written(i), item_id) for i, item_id in numbered if item_id is not None]
    change_many(tx, sql, again)
    add(tx, [item for item, item_id in numbered if item_id is None])


def _written(item: QuarantineItem) -> str:
    return msgspec.json.encode(item.errors).decode()


def _quarantined(values: Sequence[Any]) -> QuarantineItem:
    fields = dict(zip(("item_id", *_QUARANTINE), values, strict=True))
    return QuarantineItem(**{**fields, "errors": _errors.decode(fields["errors"])})


def listing(
    tx: Connection,
    *,
    state: ItemState | None = "open",
    feed: str | None = None,
    item_id: int | None = None,
    below: int | None = None,
    limit: int = 100,
) -> list[QuarantineItem]:
    """What is set aside, newest first; `below`: from behind the item of this number on. open: waits for a person;
    closed: was solved, or closed by a person."""
    table = schema.quarantine
    query = select(*(table.c[name] for name in ("item_id", *_QUARANTINE))).where(_chosen(state, feed))
    if item_id is not None:
        query = query.where(table.c.item_id == item_id)
    if below is not None:
        query = query.where(table.c.item_id < below)
    return [_quarantined(row) for row in tx.execute(query.order_by(table.c.item_id.desc()).limit(limit))]


def count(tx: Connection, *, state: ItemState | None = "open", feed: str | None = None) -> int:
    """How many items `listing` has without a limit."""
    query = select(func.count()).select_from(schema.quarantine).where(_chosen(state, feed))
    return int(tx.execute(query).scalar_one())


def _chosen(state: ItemState | None, feed: str | None) -> ColumnElement[bool]:
    table = schema.quarantine.c
    chosen: list[ColumnElement[bool]] = []
    if state == "open":
        chosen = [table.state == "open", table.closed_by.is_(None)]
    elif state == "closed":
        # Until numbers were kept, what was read again in vain was closed, and stood anew under a later number.
        newer = schema.quarantine.alias()
        same_row = or_(newer.c.row == table.row, and_(newer.c.row.is_(None), table.row.is_(None)))
        anew = exists().where(newer.c.page_seq == table.page_seq, same_row, newer.c.item_id > table.item_id)
        by_a_person = and_(table.state == "open", table.closed_by.is_not(None))
        chosen = [or_(by_a_person, and_(table.state == "closed", ~anew))]
    elif state is not None:
        chosen = [table.state == state]
    if feed is not None:
        chosen.append(table.feed == feed)
    return and_(True, *chosen)


def standing(tx: Connection) -> list[QuarantineItem]:
    """Everything that stands unread, whether or not a person closed it; newest first."""
    table = schema.quarantine
    query = select(*(table.c[name] for name in ("item_id", *_QUARANTINE))).where(table.c.state == "open")
    return [_quarantined(row) for row in tx.execute(query.order_by(table.c.item_id.desc()))]


def close(tx: Connection, reasons: Iterable[tuple[int, bytes]], *, by: str, at: int) -> None:
    """A person says of these items, each with a sealed reason, that they will never be right."""
    sql = "update quarantine set closed_by = ?, closed_at = ?, reason = ? where item_id = ? and state = 'open'"
    change_many(tx, sql, [(by, at, reason, item_id) for item_id, reason in reasons])


def reopen(tx: Connection, item_ids: Iterable[int]) -> None:
    """A person takes that back."""
    sql = "update quarantine set closed_by = null, closed_at = null, reason = null where item_id = ? and state = 'open'"
    change_many(tx, sql, [(item_id,) for item_id in item_ids])


def open_by_key(tx: Connection, keys: Collection[bytes]) -> list[QuarantineItem]:
    """The open items whose settlement number and sign are among these."""
    query = _SELECT_QUARANTINE + "where state = 'open' and key {keys}"
    return [_quarantined(row) for row in select_in(tx, query, keys_open(tx, schema.quarantine, keys), kind="bytea")]


def open_of_pages(tx: Connection, seqs: Iterable[int]) -> list[QuarantineItem]:
    """The open items of these pages."""
    query = _SELECT_QUARANTINE + "where state = 'open' and page_seq {keys}"
    return [_quarantined(row) for row in select_in(tx, query, seqs, kind="bigint")]


def end(tx: Connection, item_ids: Sequence[int], *, state: ItemState) -> None:
    """Close items: superseded by a later row, or closed because they could be read now."""
    change_many(tx, "update quarantine set state = ? where item_id = ?", [(state, item_id) for item_id in item_ids])


def not_read_again(tx: Connection, feed: str) -> tuple[int, int]:
    """(rows, money) of a feed's open rows whose number a member's record stands under."""
    table, record = schema.quarantine.c, schema.record.c
    query = select(func.count(), func.coalesce(func.sum(table.amount), 0)).where(
        table.feed == feed, table.state == "open", exists().where(record.key == table.key)
    )
    rows, amount = tx.execute(query).one()
    return int(rows), int(amount)


def count_open(tx: Connection) -> int:
    """How many items wait for a person."""
    return count(tx)


def counts_by_page(tx: Connection, feed: str) -> dict[int, int]:
    """Page → rows of a feed's pages that stand in quarantine. What expired is still what became of its row."""
    table = schema.quarantine.c
    joined = schema.quarantine.join(schema.page, schema.page.c.seq == table.page_seq)
    query = select(table.page_seq, func.count()).select_from(joined)
    query = query.where(schema.page.c.feed == feed, table.state.in_(("open", "expired")), table.row.is_not(None))
    return {row[0]: row[1] for row in tx.execute(query.group_by(table.page_seq))}


def expire(tx: Connection, seqs: Sequence[int]) -> int:
    """Close the items of pages that are gone; returns how many of them still waited for a person."""
    table = schema.quarantine
    open_items = table.c.page_seq.in_(seqs) & (table.c.state == "open")
    closed_by = tx.execute(update(table).where(open_items).values(state="expired").returning(table.c.closed_by)).all()
    return sum(clerk is None for (clerk,) in closed_by)
