"""What took claims away or lowered them: one row for each conclusion and claim."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, String, bindparam, case, cast, delete, func, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from gateway.model.losses import ClaimLoss, LossSum
from gateway.store import schema
from gateway.store.engine import insert_many
from gateway.store.values import from_ms, to_ms

_COLUMNS = ("at", "association", "cause", "page_seq", "why", "withdrawn", "lowered", "amount", "claim_id", "was")
_SUMMED = ("withdrawn", "lowered", "amount")


def note(tx: Connection, losses: Sequence[ClaimLoss], *, now: datetime) -> None:
    """Remember what was taken."""
    at = to_ms(now)
    rows = [(at, *(getattr(loss, name) for name in _COLUMNS[1:])) for loss in losses]
    insert_many(tx, schema.claim_loss, _COLUMNS, rows)


def since(tx: Connection, first: datetime) -> list[LossSum]:
    """What was taken from an instant on, summed by association, cause, reason and file: a claim that fell more than
    once counts once, as it fell last, by all that it lost."""
    sums = []
    for row in tx.execute(_SUMS, {"first": to_ms(first)}):
        values = dict(row._mapping)
        first_at, last_at = values.pop("first_at"), values.pop("last_at")
        values |= {name: int(values[name]) for name in _SUMMED}
        values["day"] = date.fromisoformat(values["day"]) if values["day"] else None
        sums.append(LossSum(**values, first_day=from_ms(first_at).date(), last_day=from_ms(last_at).date()))
    return sums


def _latest() -> ReadOnlyColumnCollection[str, Any]:
    """The last loss of every claim from the instant `first` on, with all that the claim lost since. What fell, rose
    above what it was and fell again lost what it fell last. Rows that name no claim stand for themselves."""
    loss = schema.claim_loss.c
    claim = func.coalesce(loss.claim_id, cast(loss.loss_id, String))
    first_was = func.first_value(loss.was).over(partition_by=claim, order_by=loss.loss_id)
    newest_first = func.row_number().over(partition_by=claim, order_by=loss.loss_id.desc())
    plain = [loss[name] for name in ("at", "association", "cause", "why", "page_seq", "withdrawn", "lowered")]
    lost = first_was - loss.was + loss.amount
    columns = (*plain, loss.amount.label("fell"), lost.label("lost"), newest_first.label("place"))
    ranked = select(*columns).where(loss.at >= bindparam("first")).subquery().c
    amount = case((ranked.lost > ranked.fell, ranked.lost), else_=ranked.fell).label("amount")
    kept = [ranked[column.name] for column in plain]
    return select(*kept, amount).where(ranked.place == 1).subquery().c


def _sums() -> Select[Any]:
    loss, page = _latest(), schema.page.c
    groups = (loss.association, loss.cause, loss.why, page.feed, page.source, page.day)
    added = [func.sum(loss[name]).label(name) for name in _SUMMED]
    between = (func.min(loss.at).label("first_at"), func.max(loss.at).label("last_at"))
    joined = loss.amount.table.outerjoin(schema.page, page.seq == loss.page_seq)
    return select(*groups, *added, *between).select_from(joined).group_by(*groups).order_by(*groups)


_SUMS: Final = _sums()


def forget(tx: Connection, *, before: datetime) -> None:
    """What was said long ago goes."""
    tx.execute(delete(schema.claim_loss).where(schema.claim_loss.c.at < to_ms(before)))
