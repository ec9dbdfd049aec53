"""When a line is down on purpose (维护时段), in the local time of the instants given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Final

import msgspec

_A_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=8)


class ClosedHours(msgspec.Struct, frozen=True, kw_only=True):
    """From `begin` until before `end`, past midnight where that is earlier, on the weekdays it begins on (1 Monday … 7
    Sunday; empty: all)."""

    begin: time
    end: time
    weekdays: frozenset[int] = frozenset()


def spans_about(hours: Iterable[ClosedHours], now: datetime) -> list[tuple[datetime, datetime]]:
    """The closed spans from the day before `now` to eight days behind it, in order."""
    spans = []
    for closed in hours:
        for days in range(-1, _LONGEST.days + 1):
            day = (now + days * _A_DAY).date()
            if closed.weekdays and day.isoweekday() not in closed.weekdays:
                continue
            begin = datetime.combine(day, closed.begin, tzinfo=now.tzinfo)
            last = day if closed.begin < closed.end else day + _A_DAY
            spans.append((begin, datetime.combine(last, closed.end, tzinfo=now.tzinfo)))
    return sorted(spans)


def closed_until(hours: Iterable[ClosedHours], now: datetime) -> datetime | None:
    """When the line is open again; None where it is open now. Spans that meet are one."""
    end = None
    for begin, until in spans_about(hours, now):
        if begin <= (end or now) < until:
            end = until
    return end


def next_closing(hours: Iterable[ClosedHours], now: datetime) -> datetime | None:
    """When an open line closes next, within eight days; None where it does not."""
    return min((begin for begin, _ in spans_about(hours, now) if begin > now), default=None)
