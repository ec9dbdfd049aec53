"""Findings: what is not as it should be, each open once at most, until what made it is mended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, case, null, or_, select, text, update

from gateway.store import schema
from gateway.store.engine import insert_for
from gateway.store.values import from_ms, to_ms


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as stored. `amount` in fen, None where the money is not known; `note` is sealed."""

    finding_id: int
    code: str
    level: str
    kind: str
    name: str
    first_day: date | None
    last_day: date | None
    count: int
    amount: int | None
    detail: str
    since: datetime
    updated_at: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    acknowledged_until: date | None
    note: bytes | None
    closed_at: datetime | None


_OPEN = schema.finding.c.closed_at.is_(None)
_ALL_OPEN = select(schema.finding).where(_OPEN).order_by(schema.finding.c.finding_id)
_OPEN_OF_CODE = _ALL_OPEN.where(schema.finding.c.code == bindparam("code"))
_ACKNOWLEDGEMENT = ("acknowledged_by", "acknowledged_at", "acknowledged_until", "note")


def put(
    tx: Connection,
    *,
    code: str,
    level: str,
    kind: str,
    name: str,
    first_day: date | None,
    last_day: date | None,
    count: int,
    amount: int | None,
    detail: str,
    now: datetime,
) -> None:
    """Open a finding, or bring the open one of this code and subject up to date.

    One that has grown (in count or money), or is to act on now, is not what was acknowledged: it counts again.
    """
    content: dict[str, Any] = {
        "level": level,
        "first_day": first_day.isoformat() if first_day else None,
        "last_day": last_day.isoformat() if last_day else None,
        "count": count,
        "amount": amount,
        "detail": detail,
        "updated_at": to_ms(now),
    }
    table = schema.finding.c
    new = insert_for(tx, schema.finding).values(code=code, kind=kind, name=name, since=to_ms(now), **content)
    more = or_(
        new.excluded["count"] > table["count"],
        new.excluded.amount > table.amount,
        and_(new.excluded.level == "act", table.level != "act"),
    )
    lapsed = {column: case((more, null()), else_=table[column]) for column in _ACKNOWLEDGEMENT}
    tx.execute(
        new.on_conflict_do_update(
            index_elements=[table.code, table.kind, table.name],
            index_where=text("closed_at is null"),
            set_={**content, **lapsed},
        )
    )


def close(tx: Connection, finding_ids: Sequence[int], *, now: datetime) -> None:
    """What made these findings is mended."""
    if finding_ids:
        chosen = _OPEN & schema.finding.c.finding_id.in_(finding_ids)
        tx.execute(update(schema.finding).where(chosen).values(closed_at=to_ms(now)))


def open_findings(tx: Connection, *, code: str | None = None) -> list[FindingRow]:
    """The findings that are open, acknowledged ones too, oldest first."""
    rows = tx.execute(_ALL_OPEN) if code is None else tx.execute(_OPEN_OF_CODE, {"code": code})
    return [_finding(row) for row in rows]


def by_id(tx: Connection, finding_id: int) -> FindingRow | None:
    """The finding with this number, open or closed."""
    row = tx.execute(select(schema.finding).where(schema.finding.c.finding_id == finding_id)).first()
    return _finding(row) if row is not None else None


def acknowledge(tx: Connection, finding_id: int, *, by: str, until: date, note: bytes | None, now: datetime) -> None:
    """A person has seen it: it counts again from the day `until` on."""
    values = {
        "acknowledged_by": by,
        "acknowledged_at": to_ms(now),
        "acknowledged_until": until.isoformat(),
        "note": note,
    }
    chosen = _OPEN & (schema.finding.c.finding_id == finding_id)
    tx.execute(update(schema.finding).where(chosen).values(**values))


def _finding(row: Any) -> FindingRow:
    values = dict(row._mapping)
    for name in ("first_day", "last_day", "acknowledged_until"):
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    for name in ("since", "updated_at", "acknowledged_at", "closed_at"):
        values[name] = from_ms(values[name]) if values[name] is not None else None
    values["note"] = bytes(values["note"]) if values["note"] is not None else None
    return FindingRow(**values)
