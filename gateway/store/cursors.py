"""Cursors: how far a feed has been read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from gateway.errors import Conflict
from gateway.store import schema
from gateway.store.engine import insert_for
from gateway.store.values import to_ms


def cursor_of(tx: Connection, feed: str) -> tuple[str | None, int]:
    """The feed's cursor and its move counter, for the compare-and-set of `move_cursor`."""
    row = tx.execute(select(schema.feed.c.cursor, schema.feed.c.moved).where(schema.feed.c.feed == feed)).first()
    return (row.cursor, row.moved) if row else (None, 0)


def move_cursor(tx: Connection, feed: str, cursor: str | None, *, moved: int, now: datetime) -> None:
    """Set the cursor if nobody moved it since `moved` was read. Raises Conflict."""
    values = {"cursor": cursor, "moved": moved + 1, "last_page_at": to_ms(now)}
    if moved == 0:
        new = insert_for(tx, schema.feed).values(feed=feed, **values).on_conflict_do_nothing()
        # PostgreSQL's driver does not count inserted rows here, so the row itself says whether it is new.
        changed = len(tx.execute(new.returning(schema.feed.c.feed)).all())
    else:
        same = (schema.feed.c.feed == feed) & (schema.feed.c.moved == moved)
        changed = tx.execute(update(schema.feed).where(same).values(**values)).rowcount
    if changed != 1:
        raise Conflict(f"{feed}: 游标已被他人移动 (the cursor was moved by somebody else)")
