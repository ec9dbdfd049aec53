"""What waits for a person, counted: one row a feed or association, whatever its number."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal, select

from gateway.core.watching.queues import OpenQueue
from gateway.store import schema
from gateway.store.values import from_ms


def quarantine(tx: Connection) -> list[OpenQueue]:
    """The open items of quarantine that no person closed, by feed."""
    table = schema.quarantine.c
    rows_alone = func.count(table.row)
    query = select(
        table.feed.label("name"),
        func.count().label("many"),
        (func.count() - rows_alone).label("pages"),
        func.sum(table.amount).label("amount"),
        func.min(table.created_at).label("oldest"),
        func.max(table.created_at).label("newest"),
    )
    waits = query.where(table.state == "open", table.closed_by.is_(None))
    return [_queue(row) for row in tx.execute(waits.group_by(table.feed))]


def review(tx: Connection) -> list[OpenQueue]:
    """The open questions, by association; but for what is a finding of its own: refunds without their original, and
    rows in a hold."""
    return _questions(tx, ~schema.review.c.kind.in_(("refund", "hold")))


def refunds_asked(tx: Connection) -> list[OpenQueue]:
    """The open questions which settlement a refund takes back, by association."""
    return _questions(tx, schema.review.c.kind == "refund")


def _questions(tx: Connection, chosen: ColumnElement[bool]) -> list[OpenQueue]:
    table = schema.review.c
    query = select(
        table.association.label("name"),
        func.count().label("many"),
        literal(0).label("pages"),
        func.sum(table.amount).label("amount"),
        func.min(table.created_at).label("oldest"),
        func.max(table.created_at).label("newest"),
    )
    waits = query.where(table.state == "open", chosen)
    return [_queue(row) for row in tx.execute(waits.group_by(table.association))]


def refunds(tx: Connection) -> list[OpenQueue]:
    """The refunds that name nobody and wait for their original, by feed."""
    waiting, page = schema.waiting_reversal.c, schema.page.c
    query = select(
        waiting.feed.label("name"),
        func.count().label("many"),
        literal(0).label("pages"),
        literal(0).label("amount"),
        func.min(page.received_at).label("oldest"),
        func.max(page.received_at).label("newest"),
    ).select_from(schema.waiting_reversal.join(schema.page, page.seq == waiting.page_seq))
    return [_queue(row) for row in tx.execute(query.group_by(waiting.feed))]


def _queue(row: Any) -> OpenQueue:
    return OpenQueue(
        name=row.name,
        count=row.many,
        amount=int(row.amount or 0),
        oldest=from_ms(row.oldest).date(),
        newest=from_ms(row.newest).date(),
        pages=row.pages,
    )
