"""How a feed stands: its last run failed, nothing came for too long, its agreement has run out or soon will."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from gateway.core.claims.deadlines import is_working_day
from gateway.core.watching.expectation import Expectation
from gateway.model.trouble import Trouble

_HOUR = timedelta(hours=1)


def failed_run(feed: str, outcome: str | None, message: str | None) -> list[Trouble]:
    """The feed's last run did not come through. `message` is safe to show."""
    if outcome != "failed":
        return []
    return [Trouble(code="feed_failed", kind="feed", name=feed, detail=message or "")]


def late(feed: str, expect: Expectation, *, since: datetime, now: datetime) -> list[Trouble]:
    """Nothing came for longer than expected. `since`: when the last page came, or when the feed was first waited for.

    Of a feed that is silent on days off, days off do not count.
    """
    hours = (now - since) / _HOUR
    if expect.days == "working":
        days = (since.date() + timedelta(days=ahead) for ahead in range(1, (now.date() - since.date()).days + 1))
        hours -= 24 * sum(not is_working_day(day)[0] for day in days)
    if hours <= expect.fresh_within_hours:
        return []
    detail = f"超过{expect.fresh_within_hours}小时没有新数据，最近一次{since:%Y-%m-%d %H:%M} (nothing new since)"
    return [Trouble(code="feed_late", kind="feed", name=feed, days=(since.date(),), detail=detail)]


def agreement(feed: str, expires: date, *, today: date, warn_days: int) -> list[Trouble]:
    """The ground on which the feed's data may be processed has run out, or soon will."""
    if expires < today:
        return [Trouble(code="agreement_expired", kind="feed", name=feed, days=(expires,), detail=f"{expires}到期")]
    left = (expires - today).days
    if left > warn_days:
        return []
    detail = f"{expires}到期，还有{left}天 (days left)"
    return [Trouble(code="agreement_expiring", kind="feed", name=feed, days=(expires,), detail=detail)]


def late_on_arrival(feed: str, late_claims: tuple[int, int], began_at: datetime | None) -> list[Trouble]:
    """The first night of a new feed brought claims whose last day was over. `late_claims`: how many, money in fen."""
    count, money = late_claims
    if not count or began_at is None:
        return []
    return [Trouble(code="late_on_arrival", kind="feed", name=feed, count=count, amount=money, days=(began_at.date(),))]
