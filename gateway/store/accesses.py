"""Accesses: who looked at plain values."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from gateway.store import schema
from gateway.store.engine import insert_many

REVEAL: Final = "reveal"
QUARANTINE: Final = "quarantine"
"""What somebody looked at: a doubt's record and member, or a row that could not be read."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """A person looked at plain values: who, when (milliseconds), at which item."""

    item_id: int
    by: str
    at: int
    what: str


_ACCESS = Access.__struct_fields__


def note(tx: Connection, access: Access) -> None:
    """Write down that a person looks at plain values."""
    insert_many(tx, schema.review_access, _ACCESS, [msgspec.structs.astuple(access)])


def listing(tx: Connection, *, item_id: int | None = None, limit: int = 100) -> list[Access]:
    """Who looked at plain values, newest first."""
    table = schema.review_access.c
    query = select(*(table[name] for name in _ACCESS)).order_by(table.access_id.desc()).limit(limit)
    if item_id is not None:
        # What could not be read is numbered by itself.
        query = query.where(table.item_id == item_id, table.what != QUARANTINE)
    return [Access(**row._mapping) for row in tx.execute(query)]
