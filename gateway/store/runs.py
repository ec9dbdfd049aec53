"""Runs: when each feed was due and what came of it. The schedule is caught up from here, never from memory."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select, update

from gateway.store import schema
from gateway.store.pages import insert_for
from gateway.store.values import from_ms, to_ms


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a feed; `outcome` is None while it is under way (or was cut off)."""

    run_id: int
    feed: str
    scheduled_for: datetime
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    pages: int | None
    message: str | None


def begin(tx: Connection, feed: str, *, scheduled_for: datetime, now: datetime) -> int | None:
    """Claim the run due at that instant; None if somebody finished it already. A run cut off is taken up again."""
    table = schema.run
    new = insert_for(tx, table).values(feed=feed, scheduled_for=to_ms(scheduled_for), started_at=to_ms(now))
    made = tx.execute(new.on_conflict_do_nothing().returning(table.c.run_id)).scalar()
    if made is not None:
        return int(made)
    same = (
        (table.c.feed == feed) & (table.c.scheduled_for == to_ms(scheduled_for)) & table.c.outcome.is_(None)
    )
    again = update(table).where(same).values(started_at=to_ms(now)).returning(table.c.run_id)
    found = tx.execute(again).scalar()
    return int(found) if found is not None else None


def end(tx: Connection, run_id: int, *, outcome: str, pages: int, message: str, now: datetime) -> None:
    """Write how a run ended."""
    values = {"outcome": outcome, "pages": pages, "message": message, "finished_at": to_ms(now)}
    tx.execute(update(schema.run).where(schema.run.c.run_id == run_id).values(**values))


def latest(tx: Connection, feed: str, *, outcome: str | None = None) -> RunRow | None:
    """The feed's newest run by schedule; with `outcome`, the newest that ended so."""
    query = select(schema.run).where(schema.run.c.feed == feed)
    if outcome:
        query = query.where(schema.run.c.outcome == outcome)
    row = tx.execute(query.order_by(schema.run.c.scheduled_for.desc()).limit(1)).first()
    if row is None:
        return None
    return RunRow(
        run_id=row.run_id,
        feed=row.feed,
        scheduled_for=from_ms(row.scheduled_for),
        started_at=from_ms(row.started_at),
        finished_at=from_ms(row.finished_at) if row.finished_at is not None else None,
        outcome=row.outcome,
        pages=row.pages,
        message=row.message,
    )


def last_page_at(tx: Connection, feed: str) -> datetime | None:
    """When the feed last handed over a page."""
    found = tx.execute(select(func.max(schema.page.c.received_at)).where(schema.page.c.feed == feed)).scalar()
    return from_ms(found) if found is not None else None
