"""Coverage (保障期) of several enrolments that are one person: what they cover together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

import msgspec

from gateway.model.member import Coverage


def union_order(period: Coverage) -> tuple[str, date, int]:
    """Which of two periods that share a day keeps it: the one that begins first, then the longer one."""
    return period.scheme, period.first_day, -period.last_day.toordinal()


def union_of_coverage(coverage: Sequence[Coverage]) -> tuple[Coverage, ...]:
    """The periods of several enrolments of one person as periods that share no day, scheme by scheme.

    The period that begins first keeps its days; one that begins inside it covers what is left of it after that, and
    one that lies inside it adds nothing (保障期并集).
    """
    ordered = sorted(coverage, key=union_order)
    union: list[Coverage] = []
    for _, periods in groupby(ordered, key=lambda period: period.scheme):
        last: date | None = None
        for period in periods:
            if last is None or period.first_day > last:
                union.append(period)
            elif period.last_day > last:
                union.append(msgspec.structs.replace(period, first_day=date.fromordinal(last.toordinal() + 1)))
            last = union[-1].last_day
    return tuple(union)
