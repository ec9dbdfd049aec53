"""Quarantined rows and pages, waiting for a person. Page, row and reasons, never the row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from gateway.model.page import RowError
from gateway.model.questions import QuarantineItem
from gateway.model.states import ItemState
from gateway.store import schema
from gateway.store.engine import any_open, change_many, insert_many, select_in

_QUARANTINE = tuple(name for name in QuarantineItem.__struct_fields__ if name != "item_id")

_SELECT_QUARANTINE = 'select "item_id", ' + ", ".join(f'"{name}"' for name in _QUARANTINE) + " from quarantine "

_errors = msgspec.json.Decoder(tuple[RowError, ...])


def add(tx: Connection, items: Sequence[QuarantineItem]) -> None:
    """Set rows aside."""
    values = [
        (
            i.page_seq,
            i.row,
            i.feed,
            i.key,
            i.amount,
            msgspec.json.encode(i.errors).decode(),
            i.state,
            i.created_at,
        )
        for i in items
    ]
    insert_many(tx, schema.quarantine, _QUARANTINE, values)


def _quarantined(values: Sequence[Any]) -> QuarantineItem:
    fields = dict(zip(("item_id", *_QUARANTINE), values, strict=True))
    return QuarantineItem(**{**fields, "errors": _errors.decode(fields["errors"])})


def listing(
    tx: Connection, *, state: ItemState | None = "open", item_id: int | None = None, limit: int = 100
) -> list[QuarantineItem]:
    """What is set aside, newest first."""
    table = schema.quarantine
    query = select(*(table.c[name] for name in ("item_id", *_QUARANTINE)))
    if state:
        query = query.where(table.c.state == state)
    if item_id is not None:
        query = query.where(table.c.item_id == item_id)
    return [_quarantined(row) for row in tx.execute(query.order_by(table.c.item_id.desc()).limit(limit))]


def open_by_key(tx: Connection, keys: Iterable[bytes]) -> list[QuarantineItem]:
    """The open items whose settlement number and sign are among these."""
    if not any_open(tx, schema.quarantine):
        return []
    query = _SELECT_QUARANTINE + "where state = 'open' and key {keys}"
    return [_quarantined(row) for row in select_in(tx, query, keys, kind="bytea")]


def open_of_pages(tx: Connection, seqs: Iterable[int]) -> list[QuarantineItem]:
    """The open items of these pages."""
    query = _SELECT_QUARANTINE + "where state = 'open' and page_seq {keys}"
    return [_quarantined(row) for row in select_in(tx, query, seqs, kind="bigint")]


def end(tx: Connection, item_ids: Sequence[int], *, state: ItemState) -> None:
    """Close items: superseded by a later row, or closed because they could be read now."""
    change_many(tx, "update quarantine set state = ? where item_id = ?", [(state, item_id) for item_id in item_ids])


def count_open(tx: Connection) -> int:
    """How many items are open."""
    query = select(func.count()).select_from(schema.quarantine).where(schema.quarantine.c.state == "open")
    return int(tx.execute(query).scalar_one())


def counts_by_page(tx: Connection, feed: str) -> dict[int, int]:
    """Page → rows of a feed's pages that stand in quarantine. What expired is still what became of its row."""
    table = schema.quarantine.c
    joined = schema.quarantine.join(schema.page, schema.page.c.seq == table.page_seq)
    query = select(table.page_seq, func.count()).select_from(joined)
    query = query.where(schema.page.c.feed == feed, table.state.in_(("open", "expired")), table.row.is_not(None))
    return {row[0]: row[1] for row in tx.execute(query.group_by(table.page_seq))}


def expire(tx: Connection, seqs: Sequence[int]) -> int:
    """Close the open items of pages that are gone; returns how many."""
    table = schema.quarantine
    open_items = table.c.page_seq.in_(seqs) & (table.c.state == "open")
    return tx.execute(update(table).where(open_items).values(state="expired")).rowcount
