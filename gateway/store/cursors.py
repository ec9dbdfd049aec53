"""Cursors: how far a feed has been read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from gateway.errors import Conflict
from gateway.store import schema
from gateway.store.engine import insert_for
from gateway.store.values import to_ms

_OF_FEED = select(schema.feed.c.cursor, schema.feed.c.moved).where(schema.feed.c.feed == bindparam("feed"))


def of_feed(tx: Connection, feed: str) -> tuple[str | None, int]:
    """The feed's cursor and its version, for the compare-and-set of `move`."""
    row = tx.execute(_OF_FEED, {"feed": feed}).first()
    return (row.cursor, row.moved) if row else (None, 0)


def set_back(tx: Connection, feed: str, cursor: str, *, cursor_version: int) -> None:
    """Set the cursor so that days are read again, unless it was moved meanwhile. When the last page came stays as it
    is. Raises Conflict."""
    table = schema.feed
    unmoved = (table.c.feed == feed) & (table.c.moved == cursor_version)
    if tx.execute(update(table).where(unmoved).values(cursor=cursor, moved=cursor_version + 1)).rowcount != 1:
        raise Conflict(f"{feed}: 游标已被他人移动 (the cursor was moved by somebody else)")


def move(tx: Connection, feed: str, cursor: str | None, *, cursor_version: int, now: datetime) -> None:
    """Set the cursor unless it was moved since `cursor_version` was read. Raises Conflict."""
    table = schema.feed
    values = {"cursor": cursor, "moved": cursor_version + 1, "last_page_at": to_ms(now)}
    if cursor_version == 0:
        new = insert_for(tx, table).values(feed=feed, **values).on_conflict_do_nothing()
        # PostgreSQL's driver does not count inserted rows here, so the row itself says whether it is new.
        changed = len(tx.execute(new.returning(table.c.feed)).all())
    else:
        unmoved = (table.c.feed == feed) & (table.c.moved == cursor_version)
        changed = tx.execute(update(table).where(unmoved).values(**values)).rowcount
    if changed != 1:
        raise Conflict(f"{feed}: 游标已被他人移动 (the cursor was moved by somebody else)")
