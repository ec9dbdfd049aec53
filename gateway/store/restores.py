"""That a database was put back from a copy, and what is done to it then."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select, update

from gateway.store import schema
from gateway.store.values import to_ms


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """That the database was put back: what the copy was made at, when it was put back and by whom, when somebody had
    checked what came in between (instants in milliseconds), and the first version of a claim from then on."""

    copied_at: int
    restored_at: int
    restored_by: str
    checked_at: int | None
    first_version: int


_RESTORED: Final = select(*(schema.site.c[name] for name in Restored.__struct_fields__))


def restored(tx: Connection) -> Restored | None:
    """The last time this database was put back from a copy; None where it never was."""
    row = tx.execute(_RESTORED).first()
    return Restored(**row._mapping) if row is not None and row.restored_at is not None else None


def note_restored(tx: Connection, state: Restored) -> None:
    """Write down that it was put back."""
    tx.execute(update(schema.site).values(**{name: getattr(state, name) for name in Restored.__struct_fields__}))


def note_checked(tx: Connection, *, now: datetime) -> None:
    """A person has checked what came between the copy and the day it was put back."""
    tx.execute(update(schema.site).values(checked_at=to_ms(now)))


def newest_bodies(tx: Connection, limit: int) -> list[tuple[bytes, str, int]]:
    """(sealed body, claim, version) of what was written last."""
    table = schema.delivery.c
    query = select(table.sealed, table.claim_id, table.version).order_by(table.delivery_id.desc()).limit(limit)
    return [(bytes(sealed), claim_id, version) for sealed, claim_id, version in tx.execute(query)]


def highest_version(tx: Connection) -> int:
    """The highest version of any claim, 0 where there is none."""
    table = schema.delivery.c
    return int(tx.execute(select(func.coalesce(func.max(table.version), 0))).scalar_one())


def doubt_all(tx: Connection, *, now: datetime) -> int:
    """Whatever waits, is on its way, or was given up may have arrived: ask about each before it is sent. Returns how
    many."""
    table = schema.delivery
    changed = (
        update(table)
        .where(table.c.state.in_(("pending", "leased", "unknown", "dead")))
        .values(
            state="unknown",
            attempts=1,
            next_at=to_ms(now),
            first_at=func.coalesce(table.c.first_at, to_ms(now)),
            lease=None,
            lease_until=None,
        )
    )
    return tx.execute(changed).rowcount
