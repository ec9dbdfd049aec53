"""The ledger of lookups: who asked about a member, when, why, and on whose consent."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert, select

from gateway.store import schema_access


class LookupEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One lookup; `member_id` is None of somebody who is no member: of such a person nothing is kept but that one was
    asked about. `at` in milliseconds; `caller`: the id of a key, or "signature"."""

    lookup_id: str
    association: str
    member_id: int | None
    caller: str
    purpose: str
    consent: str
    trial: bool
    at: int


_COLUMNS = LookupEntry.__struct_fields__
_ADD = insert(schema_access.lookup)


def add(tx: Connection, entry: LookupEntry) -> None:
    """Write down that somebody asks."""
    tx.execute(_ADD, msgspec.structs.asdict(entry))


def about(tx: Connection, member_id: int, *, limit: int) -> list[LookupEntry]:
    """Who asked about a member, newest first."""
    table = schema_access.lookup.c
    query = select(*(table[name] for name in _COLUMNS)).where(table.member_id == member_id)
    rows = tx.execute(query.order_by(table.at.desc(), table.lookup_id).limit(limit))
    return [LookupEntry(**row._mapping) for row in rows]
