"""Coverage periods (保障期) of one member in one scheme, each with its edition and what has been used of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from operator import attrgetter
from typing import Final

import msgspec

from gateway.core.schemes.language.edition import Edition, SchemeFamily
from gateway.core.schemes.language.rules import DailyBenefit
from gateway.core.schemes.units.joining import coverage_from
from gateway.errors import BadCase
from gateway.model.benefit import ClaimDecision
from gateway.model.member import Category, Coverage

_FIRST_DAY: Final = attrgetter("first_day")
_LAST_DAY: Final = date.max.toordinal()


class Insured(msgspec.Struct, frozen=True, kw_only=True):
    """What a scheme must know of a member. A coverage's own category beats `category` for that period.

    `shares` is how many shares (份) the member holds, `classes` what else the member is (劳模, 困难职工, …), where a
    coverage does not tell its own. `joined_on` is the day of joining, `insured` whether there is 医保, `region` where.
    Without coverage, `joined_on` and the scheme's own rule make the period.
    """

    category: Category | None = None
    sex: str | None = None
    birth_date: date | None = None
    coverage: tuple[Coverage, ...] = ()
    shares: int = 1
    joined_on: date | None = None
    insured: bool = True
    region: str | None = None
    classes: tuple[str, ...] = ()


class Period(msgspec.Struct, kw_only=True, gc=False):
    """One coverage period with its edition, and what has been used of it while units are priced.

    `before` is the period that ends on the day before this one begins; before `waiting_ends` nothing is paid.
    `stays` counts the inpatient stays; `taken` holds the kinds of unit whose first one has been priced, with
    the decision that did it; `due` names the allowances that were owed in it (before the cap);
    `deductibles` what was used of those that count once a period; `used` what was paid under each cap of the
    period, by its slot; `paid` is all that its units are paid, `decided` what of it was decided. `order` are the kinds
    of the units in the order they were taken, `claims` counts those that were paid something.
    """

    first: date
    last: date
    category: Category | None
    edition: Edition
    before: Period | None = None
    waiting_ends: date | None = None
    stays: int = 0
    taken: dict[str, ClaimDecision | None] = {}
    due: tuple[str, ...] = ()
    deductibles: dict[str, int] = {}
    used: dict[int, int] = {}
    paid: int = 0
    decided: int = 0
    shares: int = 1
    classes: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    claims: int = 0

    def take(self, kind: str, decision: ClaimDecision | None = None) -> None:
        """Remember a unit of this kind: what comes after it is no longer the first."""
        if kind not in self.taken:
            self.taken[kind] = decision
        self.order += (kind,)

    def counts_before(self, kind: str, instead_of: Sequence[ClaimDecision] = ()) -> tuple[int, int]:
        """A unit's place among those of its kind, and how many units were paid before it. What stands in the place of
        decided ones counts those neither before it nor as paid."""
        if not instead_of:
            return 1 + self.order.count(kind), self.claims
        paid = sum(decision.payable > 0 for decision in instead_of)
        return max(1, 1 + self.order.count(kind) - len(instead_of)), max(0, self.claims - paid)

    @property
    def years(self) -> int:
        """Touching periods in a row up to and with this one (连续参互年数)."""
        years, before = 1, self.before
        while before is not None:
            years, before = years + 1, before.before
        return years

    @property
    def row_begins(self) -> date:
        """The first day of the first of the touching periods up to this one."""
        period = self
        while period.before is not None:
            period = period.before
        return period.first


def periods_of(insured: Insured, family: SchemeFamily) -> tuple[Period, ...]:
    """The member's periods in order. One that starts before the first edition covers nothing and is left out.

    Raises BadCase("overlapping_coverage") where two periods share a day.
    """
    periods: list[Period] = []
    for coverage in _in_order(insured, family):
        edition = family.edition_on(coverage.first_day)
        if edition is None:
            continue
        earlier, waiting = periods[-1] if periods else None, edition.waiting
        # The first day that is paid for; none where the waiting days are waived (续保免等待期).
        waiting_ends = None
        if waiting is not None and waiting.days:
            within = waiting.waived_if_renewed_within
            if earlier is None or within is None or _days_after(earlier, coverage) > max(within, 1):
                waiting_ends = date.fromordinal(min(coverage.first_day.toordinal() + waiting.days, _LAST_DAY))
        period = Period(
            first=coverage.first_day,
            last=coverage.last_day,
            category=coverage.category or insured.category,
            edition=edition,
            before=earlier if earlier is not None and _days_after(earlier, coverage) == 1 else None,
            waiting_ends=waiting_ends,
        )
        # Most members hold one share and are of no class of their own.
        if coverage.shares or coverage.classes or insured.shares != 1 or insured.classes:
            period.shares = coverage.shares or insured.shares
            classes = coverage.classes or insured.classes
            period.classes = tuple([edition.class_of.get(name, name) for name in classes])
        periods.append(period)
    return tuple(periods)


def _days_after(period: Period, coverage: Coverage) -> int:
    return coverage.first_day.toordinal() - period.last.toordinal()


def _in_order(insured: Insured, family: SchemeFamily) -> Sequence[Coverage]:
    coverage = insured.coverage
    if len(coverage) == 1 and (coverage[0].scheme == family.scheme or not coverage[0].scheme):
        return coverage
    periods = [period for period in coverage if period.scheme == family.scheme or not period.scheme]
    if not periods and not coverage and insured.joined_on is not None:
        period = coverage_from(insured.joined_on, family)
        return [] if period is None else [period]
    periods.sort(key=_FIRST_DAY)
    for earlier, later in pairwise(periods):
        if later.first_day <= earlier.last_day:
            raise BadCase("overlapping_coverage", "保障期重叠或重复 (two coverage periods share a day)")
    return periods


def deciding_period(periods: Sequence[Period], first: date, last: date) -> Period | None:
    """The period that contains `first`, else that of the first covered day up to `last`, else None."""
    for period in periods:
        if period.last >= first:
            return period if period.first <= last else None
    return None


def period_on(periods: Sequence[Period], day: date | None) -> Period | None:
    """The period that holds a day."""
    return None if day is None else deciding_period(periods, day, day)


def waits(period: Period, day: date, *, accident: bool) -> bool:
    """Whether a day lies in the period's waiting days, which may not hold after an accident."""
    if period.waiting_ends is None or day >= period.waiting_ends:
        return False
    waiting = period.edition.waiting
    return waiting is None or waiting.accident_waits or not accident


def covered_days(periods: Sequence[Period], first: date, last: date) -> int:
    """How many of the days from `first` to `last`, both included, fall in any period."""
    days = 0
    for period in periods:
        shared = min(period.last, last).toordinal() - max(period.first, first).toordinal() + 1
        if shared > 0:
            days += shared
    return days


def years_of_allowance(period: Period, daily: DailyBenefit, enough: int) -> int:
    """How many years an allowance counts in this period (连续参互年数), at least 1, at most `enough`."""
    years, before = 1, period.before
    while before is not None and years < enough:
        if daily.counts_from is not None and before.first < daily.counts_from:
            break
        if daily.restart and daily.name in before.due:
            break
        years, before = years + 1, before.before
    return years


def age_is_outside(period: Period, insured: Insured) -> bool:
    """Whether the age is outside the edition's rules; False where birth date or category is not known."""
    born = insured.birth_date
    if born is None or period.category is None:
        return False
    for rule in period.edition.ages:
        if rule.category == period.category and (rule.sex is None or rule.sex == insured.sex):
            day = period.first if rule.at == "period_first_day" else insured.joined_on or period.row_begins
            age = full_years(born, day)
            if (rule.youngest is not None and age < rule.youngest) or (rule.oldest is not None and age > rule.oldest):
                return True
    return False


def full_years(born: date, day: date) -> int:
    """Age in full years (周岁) on a day."""
    before = day.month < born.month or (day.month == born.month and day.day < born.day)
    return day.year - born.year - before
