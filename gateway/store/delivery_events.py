"""What happened to claims on their way beyond going plainly: doubts, refusals, and what persons did about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from gateway.model.claim import Delivery
from gateway.store import schema, schema_access
from gateway.store.engine import change_many
from gateway.store.values import from_ms, to_ms


class DeliveryEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `what`: the state a version came to, or `again` where a person has it sent anew; `by` that person,
    empty where nobody decided it."""

    version: int
    what: str
    code: str
    by: str
    at: datetime


def add_of_lease(tx: Connection, answered: Iterable[Delivery], *, lease: str, now: datetime) -> None:
    """Write down what just came of deliveries that are still held under this lease. The same doubt heard again in
    other attempts is one event."""
    sql = (
        'insert into delivery_event (claim_id, version, what, code, "by", at)'
        " select claim_id, version, ?, ?, '', ? from delivery d where d.delivery_id = ? and d.lease = ?"
        " and not exists (select 1 from delivery_event e where e.claim_id = d.claim_id and e.version = d.version"
        "  and e.what = ? and e.code = ?)"
    )
    at = to_ms(now)
    values = [
        (row.state.value, row.last_code, at, row.delivery_id, lease, row.state.value, row.last_code) for row in answered
    ]
    change_many(tx, sql, values)


def add_by_person(tx: Connection, versions: Iterable[tuple[str, int]], *, what: str, by: str, now: datetime) -> None:
    """Write down what a person did about these versions."""
    sql = "insert into delivery_event (claim_id, version, what, code, \"by\", at) values (?, ?, ?, '', ?, ?)"
    change_many(tx, sql, [(claim_id, version, what, by, to_ms(now)) for claim_id, version in versions])


def of_claim(tx: Connection, claim_id: str) -> list[DeliveryEvent]:
    """All of a claim, in the order in which they happened."""
    table = schema_access.delivery_event.c
    query = select(table.version, table.what, table.code, table.by, table.at).where(table.claim_id == claim_id)
    return [
        DeliveryEvent(version=row.version, what=row.what, code=row.code, by=row.by, at=from_ms(row.at))
        for row in tx.execute(query.order_by(table.event_id))
    ]


class VersionInstants(msgspec.Struct, frozen=True, kw_only=True):
    """When a version was made, first in a worker's hand, and last answered; None where that is not known, or never."""

    made_at: datetime | None
    first_at: datetime | None
    answered_at: datetime | None


def instants_of(tx: Connection, claim_id: str) -> dict[int, VersionInstants]:
    """Version → its instants, of one claim."""
    table = schema.delivery.c
    query = select(table.version, table.made_at, table.first_at, table.answered_at).where(table.claim_id == claim_id)
    return {
        row.version: VersionInstants(
            made_at=_instant(row.made_at), first_at=_instant(row.first_at), answered_at=_instant(row.answered_at)
        )
        for row in tx.execute(query)
    }


def _instant(milliseconds: int | None) -> datetime | None:
    return from_ms(milliseconds) if milliseconds is not None else None
