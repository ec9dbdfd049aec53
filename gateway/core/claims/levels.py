"""Levels (层级): who has a claim on its way from the unit's union to the association, and until when. Pure."""

from __future__ import annotations

from datetime import date

import msgspec

from gateway.core.claims.deadlines import Counting, Due, due_after


class DeskLevel(msgspec.Struct, frozen=True, kw_only=True):
    """One level: its name and how many days it has, counted from the day after a claim came there; `complex_days` where
    a person must look at the claim (情况复杂). None: it has no clock."""

    name: str
    days: int | None = None
    complex_days: int | None = None
    of: Counting = "working"


def level_due(level: DeskLevel, since: date, *, complex_claim: bool) -> Due | None:
    """The last day on which a claim that came on `since` is passed on in time; None where the level has no clock."""
    days = level.days
    if complex_claim and level.complex_days is not None:
        days = level.complex_days
    return None if days is None else due_after(since, days, level.of)
