"""Accesses: who looked at plain values."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, select

from gateway.store import schema
from gateway.store.engine import insert_many

REVEAL: Final = "reveal"
QUARANTINE: Final = "quarantine"
SEARCH: Final = "search"
"""What somebody looked at: a doubt's record and member, or a row that could not be read; or that somebody was looked
for by what only that person has (of no item: 0)."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """A person looked at plain values: who, when (milliseconds), at which item; numbered in the order of looking."""

    item_id: int
    by: str
    at: int
    what: str
    access_id: int = 0


_ACCESS = Access.__struct_fields__
_NEW = tuple(name for name in _ACCESS if name != "access_id")


def note(tx: Connection, access: Access) -> None:
    """Write down that a person looks at plain values."""
    insert_many(tx, schema.review_access, _NEW, [tuple(getattr(access, name) for name in _NEW)])


def listing(tx: Connection, *, item_id: int | None = None, below: int | None = None, limit: int = 100) -> list[Access]:
    """Who looked at plain values, newest first; `below`: from behind the entry of this number on."""
    table = schema.review_access.c
    query = select(*(table[name] for name in _ACCESS)).order_by(table.access_id.desc()).limit(limit)
    if below is not None:
        query = query.where(table.access_id < below)
    return [Access(**row._mapping) for row in tx.execute(query.where(_is_about(item_id)))]


def count(tx: Connection, *, item_id: int | None = None) -> int:
    """How many entries `listing` has without a limit."""
    query = select(func.count()).select_from(schema.review_access).where(_is_about(item_id))
    return int(tx.execute(query).scalar_one())


def _is_about(item_id: int | None) -> ColumnElement[bool]:
    table = schema.review_access.c
    # Rows in quarantine and members have numbers of their own.
    return and_(True, *([table.item_id == item_id, table.what == REVEAL] if item_id is not None else []))
