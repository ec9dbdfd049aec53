"""Who said what became of deliveries that nobody could be asked about."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from gateway.store import schema
from gateway.store.values import to_ms


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
