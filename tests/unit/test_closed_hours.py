"""When a line is down on purpose, told by hand for every kind of span."""

from __future__ import annotations

from datetime import datetime, time

import pytest

from gateway.core.watching.closed_hours import ClosedHours, closed_until, next_closing
from gateway.model.clock import SHANGHAI

NIGHT = ClosedHours(begin=time(23, 30), end=time(1, 0))
NOON = ClosedHours(begin=time(12, 0), end=time(13, 0))
SATURDAY = ClosedHours(begin=time(22, 0), end=time(6, 0), weekdays=frozenset({6}))


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}:00").replace(tzinfo=SHANGHAI)


# 2026-03-01 is a Sunday.
@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        ([NOON], "03-02 11:59", None),
        ([NOON], "03-02 12:00", "03-02 13:00"),
        ([NOON], "03-02 12:59", "03-02 13:00"),
        ([NOON], "03-02 13:00", None),
        ([NIGHT], "03-02 23:30", "03-03 01:00"),
        ([NIGHT], "03-03 00:59", "03-03 01:00"),
        ([NIGHT], "03-03 01:00", None),
        ([SATURDAY], "03-01 05:59", "03-01 06:00"),
        ([SATURDAY], "03-02 05:59", None),
        ([SATURDAY], "03-07 21:59", None),
        ([SATURDAY], "03-07 22:00", "03-08 06:00"),
        # Spans that meet are one.
        ([NIGHT, ClosedHours(begin=time(1, 0), end=time(2, 0))], "03-02 23:45", "03-03 02:00"),
        ([], "03-02 12:30", None),
    ],
)
def test_a_line_is_closed_until(hours: list[ClosedHours], now: str, opens: str | None) -> None:
    assert closed_until(hours, at(now)) == (at(opens) if opens else None)


@pytest.mark.parametrize(
    ("hours", "now", "closes"),
    [
        ([NOON], "03-02 11:59", "03-02 12:00"),
        ([NOON], "03-02 13:00", "03-03 12:00"),
        ([NIGHT, NOON], "03-02 13:00", "03-02 23:30"),
        ([SATURDAY], "03-08 07:00", "03-14 22:00"),
        ([], "03-02 12:00", None),
    ],
)
def test_a_line_closes_next(hours: list[ClosedHours], now: str, closes: str | None) -> None:
    assert next_closing(hours, at(now)) == (at(closes) if closes else None)
