"""Sweep windows: up to which day a feed was asked about each member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Connection, func, select, update

from gateway.store import schema
from gateway.store.engine import change_many, insert_many, select_in


def asked_until(tx: Connection, feed: str, member_ids: Iterable[int]) -> dict[int, date]:
    """Member id → the last day the feed was asked about."""
    query = "select member_id, asked_until from sweep_asked where feed = ? and member_id {keys}"
    return {
        member_id: date.fromisoformat(until)
        for member_id, until in select_in(tx, query, member_ids, kind="bigint", first=(feed,))
    }


def set_asked_until(tx: Connection, feed: str, until: dict[int, date], *, now_ms: int) -> None:
    """Remember until which day each member was asked about."""
    ids = [(feed, member_id) for member_id in until]
    change_many(tx, "delete from sweep_asked where feed = ? and member_id = ?", ids)
    rows = [(feed, member_id, day.isoformat(), now_ms) for member_id, day in until.items()]
    insert_many(tx, schema.sweep_asked, ("feed", "member_id", "asked_until", "asked_at"), rows)


def forget(tx: Connection, member_ids: Sequence[int]) -> None:
    """These members have another number now: what was asked about the old one says nothing about them."""
    change_many(tx, "delete from sweep_asked where member_id = ?", [(member_id,) for member_id in member_ids])


def newest(tx: Connection, feed: str) -> date | None:
    """The last day the feed was asked about of anybody."""
    table = schema.sweep_asked.c
    day = tx.execute(select(func.max(table.asked_until)).where(table.feed == feed)).scalar()
    return date.fromisoformat(day) if day else None


def count_behind(tx: Connection, feed: str, day: date) -> int:
    """Of how many members the feed was asked about a later day than this one."""
    table = schema.sweep_asked.c
    behind = (table.feed == feed) & (table.asked_until > day.isoformat())
    return int(tx.execute(select(func.count()).select_from(schema.sweep_asked).where(behind)).scalar_one())


def set_back(tx: Connection, feed: str, day: date) -> None:
    """Let nobody count as asked about later days than this one."""
    table = schema.sweep_asked
    behind = (table.c.feed == feed) & (table.c.asked_until > day.isoformat())
    tx.execute(update(table).where(behind).values(asked_until=day.isoformat()))


def oldest(tx: Connection, feed: str) -> date | None:
    """The oldest day up to which some member was asked about."""
    table = schema.sweep_asked.c
    day = tx.execute(select(func.min(table.asked_until)).where(table.feed == feed)).scalar()
    return date.fromisoformat(day) if day else None


def note_failed(tx: Connection, feed: str, failed: dict[int, str]) -> None:
    """Remember why a member could not be asked about in full; the window stays where it was."""
    sql = "update sweep_asked set failed_code = ? where feed = ? and member_id = ?"
    change_many(tx, sql, [(code, feed, member_id) for member_id, code in failed.items()])
