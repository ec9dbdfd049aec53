"""How the line to each association stands, shared by all workers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from gateway.core.claims.line import Line
from gateway.store import schema
from gateway.store.engine import is_postgres, upsert
from gateway.store.values import from_ms, to_ms

_INSTANTS = ("failing_since", "open_until", "disabled_at", "tokens_at")
_COUNTS = ("failures", "openings", "tokens")


def read(tx: Connection, association: str, *, hold: bool = False) -> Line:
    """The line to an association; `hold`: nobody else changes it before this transaction ends."""
    table = schema.delivery_line
    query = select(table).where(table.c.association == association)
    row: Any = tx.execute(query.with_for_update() if hold else query).one_or_none()
    if row is None:
        return Line()
    values: dict[str, Any] = {name: getattr(row, name) for name in _COUNTS}
    values |= {name: _instant(getattr(row, name)) for name in _INSTANTS}
    return Line(**values)


def _instant(milliseconds: int | None) -> datetime | None:
    return from_ms(milliseconds) if milliseconds is not None else None


def write(tx: Connection, association: str, line: Line) -> None:
    """Write how a line stands now."""
    values: dict[str, Any] = {name: getattr(line, name) for name in _COUNTS}
    for name in _INSTANTS:
        instant = getattr(line, name)
        values[name] = to_ms(instant) if instant is not None else None
    statement = upsert(schema.delivery_line, postgres=is_postgres(tx))
    tx.execute(statement, {"association": association, **values})


def ensure(tx: Connection, association: str) -> None:
    """There is a row to hold."""
    table = schema.delivery_line
    if tx.execute(select(table.c.association).where(table.c.association == association)).first() is None:
        write(tx, association, Line())
