"""What took claims away or lowered them: one row for each conclusion and reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, select

from gateway.model.losses import ClaimLoss, LossSum
from gateway.store import schema
from gateway.store.engine import insert_many
from gateway.store.values import from_ms, to_ms

_COLUMNS = ("at", "association", "cause", "page_seq", "why", "withdrawn", "lowered", "amount")
_SUMMED = ("withdrawn", "lowered", "amount")


def note(tx: Connection, losses: Sequence[ClaimLoss], *, now: datetime) -> None:
    """Remember what was taken."""
    at = to_ms(now)
    rows = [(at, *(getattr(loss, name) for name in _COLUMNS[1:])) for loss in losses]
    insert_many(tx, schema.claim_loss, _COLUMNS, rows)


def since(tx: Connection, first: datetime) -> list[LossSum]:
    """What was taken from an instant on, summed by association, cause, reason and file."""
    loss, page = schema.claim_loss.c, schema.page.c
    groups = (loss.association, loss.cause, loss.why, page.feed, page.source, page.day)
    added = [func.sum(loss[name]).label(name) for name in _SUMMED]
    between = (func.min(loss.at).label("first_at"), func.max(loss.at).label("last_at"))
    joined = schema.claim_loss.outerjoin(schema.page, page.seq == loss.page_seq)
    query = select(*groups, *added, *between).select_from(joined).where(loss.at >= to_ms(first))
    sums = []
    for row in tx.execute(query.group_by(*groups).order_by(*groups)):
        values = dict(row._mapping)
        first_at, last_at = values.pop("first_at"), values.pop("last_at")
        values |= {name: int(values[name]) for name in _SUMMED}
        values["day"] = date.fromisoformat(values["day"]) if values["day"] else None
        sums.append(LossSum(**values, first_day=from_ms(first_at).date(), last_day=from_ms(last_at).date()))
    return sums


def forget(tx: Connection, *, before: datetime) -> None:
    """What was said long ago goes."""
    tx.execute(delete(schema.claim_loss).where(schema.claim_loss.c.at < to_ms(before)))
