"""Coverage periods (保障期) of one member in one scheme, each with its edition and its running ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import msgspec

from gateway.core.schemes.edition import Allowance, Edition, SchemeFamily
from gateway.errors import BadCase
from gateway.model.benefit import Decided
from gateway.model.member import Category, Coverage


class Insured(msgspec.Struct, frozen=True, kw_only=True):
    """What a scheme must know of a member. A coverage's own category beats `category` for that period."""

    category: Category | None = None
    sex: str | None = None
    birth_date: date | None = None
    coverage: tuple[Coverage, ...] = ()


class Period(msgspec.Struct, kw_only=True, gc=False):
    """One coverage period with its edition, and what has been used of it while stays are weighed.

    `before` is the period that ends on the day before this one begins. `stays` counts the inpatient stays;
    `first_taken` says that the period's first stay has been weighed, `first_decided` by which decision,
    `allowance_due` that an allowance was owed in it (before the cap).
    """

    first: date
    last: date
    category: Category | None
    edition: Edition
    before: Period | None = None
    used: int = 0
    stays: int = 0
    first_taken: bool = False
    first_decided: Decided | None = None
    allowance_due: bool = False

    @property
    def left(self) -> int:
        """What is left of the period's cap, in fen, never below zero."""
        return max(0, self.edition.cap.amount - self.used)


def periods_of(insured: Insured, family: SchemeFamily) -> tuple[Period, ...]:
    """The member's periods in order. One that starts before the first edition covers nothing and is left out.

    Raises BadCase("overlapping_coverage") where two periods share a day.
    """
    periods: list[Period] = []
    for coverage in _in_order(insured.coverage, family.scheme):
        edition = family.edition_on(coverage.first_day)
        if edition is None:
            continue
        before = periods[-1] if periods and _touch(periods[-1], coverage) else None
        periods.append(
            Period(
                first=coverage.first_day,
                last=coverage.last_day,
                category=coverage.category or insured.category,
                edition=edition,
                before=before,
            )
        )
    return tuple(periods)


def _touch(period: Period, coverage: Coverage) -> bool:
    return period.last.toordinal() + 1 == coverage.first_day.toordinal()


def _in_order(coverage: Sequence[Coverage], scheme: str) -> list[Coverage]:
    mine = [one for one in coverage if one.scheme == scheme or not one.scheme]
    mine.sort(key=_first_day)
    for earlier, later in pairwise(mine):
        if later.first_day <= earlier.last_day:
            raise BadCase("overlapping_coverage", "保障期重叠或重复 (two coverage periods share a day)")
    return mine


def _first_day(coverage: Coverage) -> date:
    return coverage.first_day


def deciding_period(periods: Sequence[Period], first: date, last: date) -> Period | None:
    """The period that contains `first`, else that of the first covered day up to `last`, else None."""
    for period in periods:
        if period.last >= first:
            return period if period.first <= last else None
    return None


def covered_days(periods: Sequence[Period], first: date, last: date) -> int:
    """How many of the days from `first` to `last`, both included, fall in any period."""
    days = 0
    for period in periods:
        shared = min(period.last, last).toordinal() - max(period.first, first).toordinal() + 1
        if shared > 0:
            days += shared
    return days


def years_in_a_row(period: Period, allowance: Allowance) -> int:
    """How many years the allowance counts in this period (连续参互年数), at least 1, at most what matters."""
    years, enough = 1, len(allowance.per_day)
    before = period.before
    while before is not None and years < enough and before.first >= allowance.counts_from:
        if allowance.restart and before.allowance_due:
            break
        years += 1
        before = before.before
    return years


def age_is_outside(period: Period, birth_date: date | None) -> bool:
    """Whether the age on the period's first day is outside the rules; False where it is not known."""
    if birth_date is None or period.category is None:
        return False
    age = _full_years(birth_date, period.first)
    ages = period.edition.ages
    if period.category == "retired":
        return age > ages.retired_to
    return not ages.active_from <= age <= ages.active_to


def _full_years(birth_date: date, day: date) -> int:
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
