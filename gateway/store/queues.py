"""What waits for a person, counted: one row a feed or association, whatever its number."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select

from gateway.core.watching.queues import OpenQueue
from gateway.store import schema
from gateway.store.values import from_ms

_QUARANTINE, _REVIEW, _REVERSAL, _PAGE = (
    table.c for table in (schema.quarantine, schema.review, schema.waiting_reversal, schema.page)
)


def _counted(name: ColumnElement[str], since: ColumnElement[int], *, pages: Any, amount: Any) -> Select[Any]:
    between = (func.min(since).label("oldest"), func.max(since).label("newest"))
    labels = (name.label("name"), func.count().label("many"), pages.label("pages"), amount.label("amount"))
    return select(*labels, *between).group_by(name)


_UNREAD_PAGES = func.count() - func.count(_QUARANTINE.row)
_OF_QUARANTINE = _counted(
    _QUARANTINE.feed, _QUARANTINE.created_at, pages=_UNREAD_PAGES, amount=func.sum(_QUARANTINE.amount)
).where(_QUARANTINE.state == "open", _QUARANTINE.closed_by.is_(None))
_QUESTIONS = _counted(_REVIEW.association, _REVIEW.created_at, pages=literal(0), amount=func.sum(_REVIEW.amount)).where(
    _REVIEW.state == "open"
)
_OF_REVIEW = _QUESTIONS.where(_REVIEW.kind.not_in(("refund", "hold")))
_REFUNDS_ASKED = _QUESTIONS.where(_REVIEW.kind == "refund")
_REFUNDS = _counted(_REVERSAL.feed, _PAGE.received_at, pages=literal(0), amount=literal(0)).select_from(
    schema.waiting_reversal.join(schema.page, _PAGE.seq == _REVERSAL.page_seq)
)


def quarantine(tx: Connection) -> list[OpenQueue]:
    """The open items of quarantine that no person closed, by feed."""
    return [_queue(row) for row in tx.execute(_OF_QUARANTINE)]


def review(tx: Connection) -> list[OpenQueue]:
    """The open questions, by association; but for what is a finding of its own: refunds without their original, and
    rows in a hold."""
    return [_queue(row) for row in tx.execute(_OF_REVIEW)]


def refunds_asked(tx: Connection) -> list[OpenQueue]:
    """The open questions which settlement a refund takes back, by association."""
    return [_queue(row) for row in tx.execute(_REFUNDS_ASKED)]


def refunds(tx: Connection) -> list[OpenQueue]:
    """The refunds that name nobody and wait for their original, by feed."""
    return [_queue(row) for row in tx.execute(_REFUNDS)]


def _queue(row: Any) -> OpenQueue:
    return OpenQueue(
        name=row.name,
        count=row.many,
        amount=int(row.amount or 0),
        oldest=from_ms(row.oldest).date(),
        newest=from_ms(row.newest).date(),
        pages=row.pages,
    )
