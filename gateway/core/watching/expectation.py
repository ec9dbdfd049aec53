"""What is expected of a feed, and what counts as far from it: settings as plain values, with their defaults."""

from __future__ import annotations

from typing import Literal

import msgspec

ExpectedDays = Literal["every", "working", "any"]
"""On which days a feed is expected to tell something: every day, working days (State Council's calendar), or it may
leave days out."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """Of one feed. `rows_per_day`: fewest and most, both included; `waiting_hours`: how long a file may wait before a
    person must see to it."""

    fresh_within_hours: int = 36
    rows_per_day: tuple[int, int] | None = None
    days: ExpectedDays = "every"
    waiting_hours: int = 6


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Of the whole site: from when on what is only said becomes something to act on. Shares between 0 and 1, days."""

    quarantine_days: int = 7
    quarantine_share: float = 0.1
    review_days: int = 14
    review_share: float = 0.5
    agreement_days: int = 30
    refund_days: int = 7
