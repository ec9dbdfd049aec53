"""The keys of machine callers: what each may do and until when. Of the key itself only a keyed digest."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, insert, or_, select, update

from gateway.store import schema_access

_TOUCH_EVERY_MS = 60_000


class AccessKeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is stored; instants in milliseconds, `verbs` joined by commas."""

    key_id: str
    association: str
    name: str
    digest: bytes
    verbs: str
    made_by: str
    made_at: int
    expires_at: int
    ended_at: int | None = None
    ended_by: str | None = None
    replaced_by: str | None = None
    used_at: int | None = None


_COLUMNS = AccessKeyRow.__struct_fields__


def add(tx: Connection, row: AccessKeyRow) -> None:
    """Write a new key down."""
    tx.execute(insert(schema_access.access_key).values(**{name: getattr(row, name) for name in _COLUMNS}))


def by_id(tx: Connection, key_id: str) -> AccessKeyRow | None:
    """The key of this id."""
    row = tx.execute(_BY_ID, {"wanted": key_id}).first()
    return AccessKeyRow(**row._mapping) if row is not None else None


def listing(tx: Connection, association: str | None) -> list[AccessKeyRow]:
    """Every key that was ever made, oldest first."""
    query = _SELECT.order_by(
        schema_access.access_key.c.association, schema_access.access_key.c.made_at, schema_access.access_key.c.key_id
    )
    if association is not None:
        query = query.where(schema_access.access_key.c.association == association)
    return [AccessKeyRow(**row._mapping) for row in tx.execute(query)]


def end(tx: Connection, key_id: str, *, at: int, by: str, replaced_by: str | None = None) -> None:
    """From this instant on the key opens nothing; one that ended earlier stays as it is."""
    table = schema_access.access_key
    earlier = or_(table.c.ended_at.is_(None), table.c.ended_at > at)
    values = {"ended_at": at, "ended_by": by} | ({"replaced_by": replaced_by} if replaced_by else {})
    tx.execute(update(table).where(table.c.key_id == key_id, earlier).values(**values))


def needs_touch(row: AccessKeyRow, *, at: int) -> bool:
    """Whether its last use stands too far back: once a minute is enough to show that a key is in use."""
    return row.used_at is None or at - row.used_at >= _TOUCH_EVERY_MS


def touch(tx: Connection, key_id: str, *, at: int) -> None:
    """The key was used."""
    tx.execute(update(schema_access.access_key).where(schema_access.access_key.c.key_id == key_id).values(used_at=at))


_SELECT = select(*(schema_access.access_key.c[name] for name in _COLUMNS))
_BY_ID = _SELECT.where(schema_access.access_key.c.key_id == bindparam("wanted"))
