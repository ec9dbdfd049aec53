"""Recoveries (追回): what was paid and is to come back."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection, func, select, update

from gateway.store.desk_tables import recovery
from gateway.store.engine import insert_many, new_ids

RecoveryState = Literal["asked", "recovered", "written_off"]


class RecoveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One recovery: what was paid, what is to come back and what has come (fen); the note sealed."""

    recovery_id: int
    claim_id: str
    association: str
    paid: int
    amount: int
    recovered: int
    reason: str
    state: RecoveryState
    asked_by: str
    asked_at: int
    proposed_by: str | None = None
    closed_by: str | None = None
    closed_at: int | None = None
    note: bytes | None = None


_COLUMNS = RecoveryRow.__struct_fields__


def next_id(tx: Connection) -> int:
    """The number of one about to be added."""
    return new_ids(tx, recovery, 1)[0]


def add(tx: Connection, row: RecoveryRow) -> None:
    """A new one. The database refuses a second open one of a claim."""
    insert_many(tx, recovery, _COLUMNS, [msgspec.structs.astuple(row)])


def by_id(tx: Connection, recovery_id: int) -> RecoveryRow | None:
    """The one of this number."""
    row = tx.execute(select(recovery).where(recovery.c.recovery_id == recovery_id)).one_or_none()
    return _row(row._mapping) if row is not None else None


def change(tx: Connection, row: RecoveryRow) -> None:
    """Write how one stands now."""
    values = {name: getattr(row, name) for name in _COLUMNS if name != "recovery_id"}
    tx.execute(update(recovery).where(recovery.c.recovery_id == row.recovery_id).values(**values))


def of_claim(tx: Connection, claim_id: str) -> list[RecoveryRow]:
    """All of a claim, oldest first."""
    query = select(recovery).where(recovery.c.claim_id == claim_id).order_by(recovery.c.recovery_id)
    return [_row(row._mapping) for row in tx.execute(query)]


def listing(tx: Connection, *, association: str | None, state: str | None, limit: int) -> list[RecoveryRow]:
    """Newest first."""
    query = select(recovery).order_by(recovery.c.recovery_id.desc()).limit(limit)
    if association is not None:
        query = query.where(recovery.c.association == association)
    if state is not None:
        query = query.where(recovery.c.state == state)
    return [_row(row._mapping) for row in tx.execute(query)]


class RecoveryTotal(msgspec.Struct, frozen=True, kw_only=True):
    """An association's recoveries in one state: how many, what was to come back and what came (fen)."""

    association: str
    state: str
    count: int
    amount: int
    recovered: int


def totals(
    tx: Connection, *, association: str | None = None, since: int | None = None, until: int | None = None
) -> list[RecoveryTotal]:
    """By association and state; `since`, `until`: asked for between two instants, the second not included."""
    table = recovery.c
    sums = (func.count(), func.sum(table.amount), func.sum(table.recovered))
    query = select(table.association, table.state, *sums).group_by(table.association, table.state)
    if association is not None:
        query = query.where(table.association == association)
    if since is not None:
        query = query.where(table.asked_at >= since)
    if until is not None:
        query = query.where(table.asked_at < until)
    return [
        RecoveryTotal(association=name, state=state, count=int(many), amount=int(amount), recovered=int(recovered))
        for name, state, many, amount, recovered in tx.execute(query.order_by(table.association, table.state))
    ]


def _row(values: object) -> RecoveryRow:
    row = RecoveryRow(**values)  # type: ignore[arg-type]
    return row if row.note is None else msgspec.structs.replace(row, note=bytes(row.note))
