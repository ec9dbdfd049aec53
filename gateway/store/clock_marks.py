"""What the clocks of this site's processes read: the small table that one wrong reading is known by."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, delete, func, select, update

from gateway.store import schema
from gateway.store.engine import insert_for, is_postgres, upsert
from gateway.store.values import from_ms, to_ms

_MARKS_KEPT: Final = 100


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """The readings not vouched for yet: the first and the newest of them."""

    first: datetime
    newest: datetime


_MARKS = schema.clock_mark.c
_NEWEST_TRUSTED = select(func.max(_MARKS.seen_at)).where(_MARKS.state == "trusted")
_DOUBTED = select(func.min(_MARKS.began_at), func.max(_MARKS.seen_at)).where(_MARKS.state == "doubted")
# The newest marks are enough; one in doubt stays until it is vouched for.
_OLDEST_KEPT = select(_MARKS.mark_id).order_by(_MARKS.mark_id.desc()).offset(_MARKS_KEPT).limit(1)
_LAST_TRUSTED = select(_MARKS.mark_id).where(_MARKS.state == "trusted").order_by(_MARKS.seen_at.desc()).limit(1)
_FORGET = delete(schema.clock_mark).where(
    _MARKS.mark_id <= _OLDEST_KEPT.scalar_subquery(),
    _MARKS.state != "doubted",
    _MARKS.mark_id != _LAST_TRUSTED.scalar_subquery(),
)


def newest_trusted(tx: Connection) -> datetime | None:
    """The newest instant that counts as known; None where no process ever left a mark."""
    newest = tx.execute(_NEWEST_TRUSTED).scalar()
    return from_ms(newest) if newest is not None else None


def newest_written(tx: Connection) -> datetime | None:
    """For a site from before there were marks: when its last page came and its last run began.

    The last written and not the greatest: a night with a clock that was ahead may be long over. A site without either
    is asked when its claims were written.
    """
    page = select(schema.page.c.received_at).order_by(schema.page.c.seq.desc()).limit(1)
    run = select(schema.run.c.started_at).order_by(schema.run.c.run_id.desc()).limit(1)
    instants = _instants(tx, page, run) or _instants(tx, select(func.max(schema.claim.c.updated_at)))
    return from_ms(max(instants)) if instants else None


def _instants(tx: Connection, *queries: Select[Any]) -> list[int]:
    return [instant for query in queries if (instant := tx.execute(query).scalar()) is not None]


def begin_with(tx: Connection, newest: datetime) -> datetime:
    """The first mark of a site from before there were any; returns what another process put first, if one did."""
    at = to_ms(newest)
    row = {"process": "history", "began_at": at, "seen_at": at, "state": "trusted", "basis": "history"}
    tx.execute(insert_for(tx, schema.clock_mark).values(**row).on_conflict_do_nothing())
    return newest_trusted(tx) or newest


def doubt(tx: Connection) -> Doubt | None:
    """The readings in doubt, None where there are none."""
    first, newest = tx.execute(_DOUBTED).one()
    return Doubt(first=from_ms(first), newest=from_ms(newest)) if first is not None else None


def note(tx: Connection, process: str, *, began: datetime, now: datetime, trusted: bool) -> None:
    """What this process's clock reads now, and whether it is in line with what was known before the process began."""
    seen = {"seen_at": to_ms(now), "state": "trusted" if trusted else "doubted"}
    values = {"process": process, "began_at": to_ms(began), "basis": "start", **seen}
    tx.execute(upsert(schema.clock_mark, postgres=is_postgres(tx), unique="process", changing=tuple(seen)), values)
    tx.execute(_FORGET)


def vouch(tx: Connection, process: str, *, now: datetime, basis: str, by: str | None) -> None:
    """`now` is known from here on, whatever was read before; what was in doubt is over and never counts."""
    table = schema.clock_mark
    ahead = (table.c.state == "trusted") & (table.c.seen_at > to_ms(now))
    tx.execute(update(table).where((table.c.state == "doubted") | ahead).values(state="passed"))
    vouched = {"seen_at": to_ms(now), "state": "trusted", "basis": basis, "by": by}
    new = insert_for(tx, table).values(process=process, began_at=to_ms(now), **vouched)
    tx.execute(new.on_conflict_do_update(index_elements=[table.c.process], set_=vouched))
