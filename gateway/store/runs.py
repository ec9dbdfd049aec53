"""Runs: when each feed was due and what came of it. The schedule is caught up from here, never from memory."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store import schema
from gateway.store.engine import is_postgres
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


SILENT_AFTER_MS = 120_000
"""A run whose process said nothing for so long was cut off, and may be taken up again."""

RETRY_AFTER_MS = 600_000
"""A run that failed may be tried again after this."""


AHEAD_MS = 86_400_000
"""No two machines of a site differ by so much: a run that began later than this was begun by a clock that was ahead."""


_RUN = update(schema.run).where(schema.run.c.run_id == bindparam("run"))
_NEWEST = (
    select(schema.run)
    .where(schema.run.c.feed == bindparam("feed"), schema.run.c.scheduled_for <= bindparam("until"))
    .order_by(schema.run.c.scheduled_for.desc())
    .limit(1)
)
_NEWEST_ENDED = _NEWEST.where(schema.run.c.outcome == bindparam("outcome"))
_LAST_PAGE = select(func.max(schema.page.c.received_at)).where(
    schema.page.c.feed == bindparam("feed"), schema.page.c.received_at <= bindparam("until")
)
_BEGIN_NEW = [
    dialect.insert(schema.run).on_conflict_do_nothing().returning(schema.run.c.run_id)
    for dialect in (sqlite, postgresql)
]
"""For SQLite, for PostgreSQL."""

_EVER = 1 << 62
"""Behind every instant."""


def begin(tx: Connection, feed: str, *, scheduled_for: datetime, now: datetime) -> int | None:
    """Claim the run due at that instant; None if it is done, or another process is at it.

    A run that was cut off, and after a while one that failed, is taken up again, and one that a clock ahead began.
    """
    table, at = schema.run, to_ms(now)
    new = {"feed": feed, "scheduled_for": to_ms(scheduled_for), "started_at": at, "beat_at": at}
    made = tx.execute(_BEGIN_NEW[is_postgres(tx)], new).scalar()
    if made is not None:
        return int(made)
    cut_off = table.c.outcome.is_(None) & (table.c.beat_at < at - SILENT_AFTER_MS)
    failed = (table.c.outcome == "failed") & (table.c.finished_at < at - RETRY_AFTER_MS)
    ahead = table.c.started_at > at + AHEAD_MS
    interrupted = (table.c.feed == feed) & (table.c.scheduled_for == to_ms(scheduled_for)) & (cut_off | failed | ahead)
    again = (
        update(table)
        .where(interrupted)
        .values(started_at=at, beat_at=at, outcome=None, finished_at=None)
        .returning(table.c.run_id)
    )
    run_id = tx.execute(again).scalar()
    return int(run_id) if run_id is not None else None


def under_way(tx: Connection, feed: str, *, now: datetime) -> bool:
    """Whether some process is at the newest run of this feed. One that was killed may seem alive for a while yet, until
    another has begun."""
    table = schema.run.c
    newest = select(table.outcome, table.beat_at).where(table.feed == feed)
    row = tx.execute(newest.order_by(table.started_at.desc(), table.run_id.desc()).limit(1)).first()
    return row is not None and row.outcome is None and row.beat_at >= to_ms(now) - SILENT_AFTER_MS


def beat(tx: Connection, run_id: int, *, now: datetime) -> None:
    """The run is alive."""
    tx.execute(_RUN, {"run": run_id, "beat_at": to_ms(now)})


def let_go(tx: Connection, run_id: int) -> None:
    """The process stops in the middle of the run: whoever looks next may take it up at once."""
    tx.execute(_RUN, {"run": run_id, "beat_at": 0})


def let_all_go(tx: Connection) -> None:
    """No process is at any run: whoever looks next may take it up at once."""
    tx.execute(update(schema.run).where(schema.run.c.outcome.is_(None)).values(beat_at=0))


def end(tx: Connection, run_id: int, *, outcome: str, pages: int, message: str, now: datetime) -> None:
    """Write how a run ended."""
    values = {"outcome": outcome, "pages": pages, "message": message, "finished_at": to_ms(now)}
    tx.execute(_RUN, {"run": run_id, **values})


def latest(tx: Connection, feed: str, *, outcome: str | None = None, now: datetime | None = None) -> RunRow | None:
    """The feed's newest run by schedule; with `outcome`, the newest that ended so; with `now`, none that a clock ahead
    began."""
    chosen = {"feed": feed, "until": to_ms(now) + AHEAD_MS if now is not None else _EVER}
    if outcome:
        row = tx.execute(_NEWEST_ENDED, {**chosen, "outcome": outcome}).first()
    else:
        row = tx.execute(_NEWEST, chosen).first()
    return None if row is None else _run(row)


def newest(tx: Connection, feed: str, *, limit: int) -> list[RunRow]:
    """The feed's runs by schedule, newest first."""
    chosen = {"feed": feed, "until": _EVER}
    return [_run(row) for row in tx.execute(_NEWEST.limit(limit), chosen)]


def _run(row: Any) -> RunRow:
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


def last_page_at(tx: Connection, feed: str, *, now: datetime | None = None) -> datetime | None:
    """When the feed last handed over a page; with `now`, none that came under a clock ahead counts."""
    until = to_ms(now) + AHEAD_MS if now is not None else _EVER
    received_ms = tx.execute(_LAST_PAGE, {"feed": feed, "until": until}).scalar()
    return from_ms(received_ms) if received_ms is not None else None


def latest_scheduled(tx: Connection, feed: str, *, until: datetime) -> datetime | None:
    """The instant of the feed's newest run that ended well: what came after it is still to be caught up.

    A run that stands after `until` was begun by a clock that was ahead, and keeps nothing from being due.
    """
    table = schema.run.c
    query = select(func.max(table.scheduled_for)).where(table.feed == feed, table.outcome == "done")
    query = query.where(table.scheduled_for <= to_ms(until))
    scheduled_ms = tx.execute(query).scalar()
    return from_ms(scheduled_ms) if scheduled_ms is not None else None
