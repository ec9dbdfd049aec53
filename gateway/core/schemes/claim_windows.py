"""Until when a claim may be made (申领截止日)."""

from __future__ import annotations

from datetime import date
from typing import Final

from gateway.core.schemes.units.joining import months_later
from gateway.core.schemes.units.situations import Situation

_LAST_DAY: Final = date.max.toordinal()


def claim_by(situation: Situation) -> date | None:
    """Last day to claim; None where no period or no window applies or the day it counts from is missing."""
    period = situation.period
    window = None if period is None else period.edition.claim_window
    if period is None or window is None:
        return None
    if window.fixed_day is not None:
        month, day = window.fixed_day
        return date(min(period.last.year + 1, 9999), month, day)
    parts, settled = situation.unit.parts, situation.measure.settled
    if window.counts_from == "period_end":
        counted_from: date | None = period.last
    elif window.counts_from == "discharge" and parts and parts[-1].record.discharged_on is not None:
        counted_from = parts[-1].record.discharged_on
    elif settled is None and situation.unit.event is not None:
        counted_from = situation.unit.event.on
    else:
        counted_from = None if settled is None else settled.date()
    if counted_from is None:
        return None
    if window.years is not None:
        return months_later(counted_from, 12 * window.years) if counted_from.year + window.years < 9999 else date.max
    return date.fromordinal(min(counted_from.toordinal() + (window.days or 0), _LAST_DAY))
