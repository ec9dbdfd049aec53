"""Who said what became of deliveries that nobody could be asked about."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from gateway.store import schema
from gateway.store.values import from_ms, to_ms


def add(tx: Connection, *, association: str, code: str, accepted: bool, count: int, by: str, now: datetime) -> int:
    """Write down one confirmation: of so many deliveries whose last code was this one. Returns its number."""
    values = {
        "association": association,
        "code": code,
        "accepted": accepted,
        "count": count,
        "confirmed_by": by,
        "confirmed_at": to_ms(now),
    }
    table = schema.delivery_confirmation
    number = tx.execute(table.insert().values(**values).returning(table.c.confirmation_id)).scalar_one()
    return int(number)


def by_number(tx: Connection, number: int) -> tuple[str, datetime] | None:
    """Who made a confirmation, and when."""
    table = schema.delivery_confirmation.c
    query = select(table.confirmed_by, table.confirmed_at).where(table.confirmation_id == number)
    row = tx.execute(query).first()
    return (row.confirmed_by, from_ms(row.confirmed_at)) if row is not None else None
