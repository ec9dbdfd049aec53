"""What waits for a person: rows in quarantine, doubts in review, refunds whose original nobody knows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import msgspec

from gateway.core.watching.expectation import Limits
from gateway.model.feed_day import FeedDay
from gateway.model.trouble import Trouble

_FEWEST = 5
"""Fewer of a day's rows say nothing about a share."""


class OpenQueue(msgspec.Struct, frozen=True, kw_only=True):
    """The open items of one feed or association: how many, their money in fen, the day of the oldest and the newest;
    `pages`: how many of them are whole pages that cannot be read."""

    name: str
    count: int
    amount: int
    oldest: date
    newest: date
    pages: int = 0


def quarantine(queue: OpenQueue, newest: FeedDay | None, limits: Limits, *, today: date) -> Trouble:
    """One for a feed: to act on where a whole page cannot be read, the oldest item has waited too long, or too large a
    share of the newest day's rows came there."""
    old = queue.oldest + timedelta(days=limits.quarantine_days) <= today
    share = newest.quarantined_rows / newest.rows if newest is not None and newest.rows else 0.0
    many = newest is not None and newest.quarantined_rows >= _FEWEST and share > limits.quarantine_share
    detail = f"其中{queue.pages}页整页读不了 (pages)；" if queue.pages else ""
    detail += f"最早{queue.oldest}" + (f"；最近一日占{share:.0%} (share of the newest day)" if many else "")
    return Trouble(
        code="quarantine_open",
        kind="feed",
        name=queue.name,
        count=queue.count,
        amount=queue.amount,
        days=(queue.oldest, queue.newest),
        detail=detail,
        level="act" if old or many or queue.pages else "know",
    )


def review(queue: OpenQueue, share: float | None, limits: Limits, *, today: date) -> Trouble:
    """One for an association: to act on where the oldest question has waited too long, or too large a share of what
    led to its members on the newest day is in doubt. `share`: None where nothing can be said about it."""
    old = queue.oldest + timedelta(days=limits.review_days) <= today
    many = share is not None and share > limits.review_share
    detail = f"最早{queue.oldest}" + (f"；最近一日占{share:.0%} (share of the newest day)" if many else "")
    return Trouble(
        code="review_open",
        kind="association",
        name=queue.name,
        count=queue.count,
        amount=queue.amount,
        days=(queue.oldest, queue.newest),
        detail=detail,
        level="act" if old or many else "know",
    )


def doubt_share(newest: list[FeedDay]) -> float | None:
    """The share of doubtful matches among what led to members on the newest day of some feeds."""
    doubts = sum(day.review_rows for day in newest)
    return doubts / sum(day.review_rows + day.member_rows for day in newest) if doubts >= _FEWEST else None


def refunds(queue: OpenQueue, limits: Limits, *, kind: Literal["feed", "association"], today: date) -> Trouble:
    """Refunds whose original is not known: what they take back still stands. Of a feed those that name nobody, of an
    association those a person was asked about, with their money."""
    old = queue.oldest + timedelta(days=limits.refund_days) <= today
    return Trouble(
        code="refunds_waiting",
        kind=kind,
        name=queue.name,
        count=queue.count,
        amount=abs(queue.amount) if kind == "association" else None,
        days=(queue.oldest, queue.newest),
        detail=f"最早{queue.oldest}",
        level="act" if old else "know",
    )
