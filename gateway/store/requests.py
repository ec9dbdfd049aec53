"""The signed requests that came lately, so that none is carried out twice."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from gateway.store import schema
from gateway.store.engine import lock


def note(tx: Connection, digest: bytes, *, at: int, since: int) -> int | None:
    """Write down that a request came, and forget those from before `since` (milliseconds); returns when it came first,
    None where it is new."""
    table = schema.request_seen
    lock(tx, "requests")
    tx.execute(table.delete().where(table.c.at < since))
    seen = tx.execute(select(table.c.at).where(table.c.digest == digest)).scalar_one_or_none()
    if seen is None:
        tx.execute(insert(table).values(digest=digest, at=at))
    return seen


def forget(tx: Connection, digest: bytes) -> None:
    """A request was not carried out: it may come again."""
    tx.execute(schema.request_seen.delete().where(schema.request_seen.c.digest == digest))
