"""A situation: one unit of care of one member, ready to be priced, with all that rules may ask about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from gateway.core.schemes.language.edition import Ceiling, SchemeFamily
from gateway.core.schemes.units.care_units import CareUnit, UnitPart
from gateway.core.schemes.units.measures import Measure, measure
from gateway.core.schemes.units.periods import Insured, Period, covered_days, deciding_period, period_on, waits
from gateway.model.benefit import Fact


class OtherPayment(msgspec.Struct, frozen=True, kw_only=True):
    """What another scheme pays for some settlements (叠加). `on` is the day of the first of them, if known."""

    scheme: str
    settlements: tuple[str, ...]
    payable: int
    on: date | None = None


class MemberCase(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is the same for all units of one member: the member, the scheme, facts, what other schemes pay."""

    insured: Insured
    family: SchemeFamily
    periods: tuple[Period, ...]
    facts: Sequence[Fact] = ()
    other_payments: Sequence[OtherPayment] = ()
    explained: bool = True
    settled: Sequence[UnitPart] = ()
    """What the funds took part in, in order of settlement; only where a scheme's ceiling counts over a year."""

    def ceiling_left(self, part: UnitPart, ceiling: Ceiling | None) -> int:
        """What is left of the funds' ceiling for a settlement: what was in scope earlier in the same year of the funds
        has used up so much of one that counts over a year; an amount nobody knows counts as none."""
        if ceiling is None:
            return 0
        left, year = int(ceiling.amount), None if part.settled is None else ceiling.year_of(part.settled.date())
        for earlier in self.settled:
            if year is None or earlier is part:
                break
            if earlier.settled is not None and ceiling.year_of(earlier.settled.date()) == year:
                left -= max(0, earlier.record.in_scope_amount or 0)
        return max(0, left)

    def death_between(self, first: date, last: date) -> bool:
        """Whether the member died on one of these days."""
        return any(fact.kind == "death" and first <= fact.on <= last for fact in self.facts)


class Situation(msgspec.Struct, kw_only=True, gc=False):
    """One unit, its measure, its period and covered days, its identity; `first` of its kind in the period.

    `place` is the same counted on: 1 for the first; `paid_before` counts the period's units that were paid something.
    `counted` are the settlements whose amounts count: all, but of a month those of covered days (A18.1).
    `shares_day`: another stay began on its day.
    `merged` are the identities of its later parts: a claim that stands under one of them is withdrawn as merged.
    """

    unit: CareUnit
    measure: Measure
    period: Period | None
    covered: int
    identity: str
    case: MemberCase
    counted: tuple[UnitPart, ...]
    merged: tuple[str, ...] = ()
    first: bool = True
    shares_day: bool = False
    place: int = 1
    paid_before: int = 0

    @property
    def accident(self) -> bool:
        """Whether an accident is behind it: the fact of its event says so, or a settlement is injury care."""
        if self.unit.event is not None:
            return self.unit.event.accident
        return any(part.by_accident for part in self.unit.parts)

    @property
    def insured(self) -> Insured:
        return self.case.insured

    @property
    def numbers(self) -> frozenset[str]:
        """The settlement numbers of its parts."""
        return frozenset([part.record.settlement_no for part in self.unit.told])


def situation_of(unit: CareUnit, identity: str, case: MemberCase, merged: tuple[str, ...] = ()) -> Situation:
    """A unit with its measure, its period and the days of it that are covered."""
    counted = unit.parts
    if unit.emergencies:
        counted = unit.told
    elif unit.kind == "month" and len(counted) > 1:
        counted = _of_covered_days(unit, case.periods)
    measured = measure(unit, counted)
    first, last = measured.first, measured.last
    period, covered = None, 0
    if first is not None and last is not None:
        period = deciding_period(case.periods, first, last)
        if period is not None:
            inside = period.first <= first and last <= period.last
            covered = measured.total_days if inside else covered_days(case.periods, first, last)
    return Situation(
        unit=unit,
        measure=measured,
        period=period,
        covered=covered,
        identity=identity,
        case=case,
        counted=counted,
        merged=merged,
    )


def _of_covered_days(unit: CareUnit, periods: Sequence[Period]) -> tuple[UnitPart, ...]:
    """The settlements of a month whose days are covered and wait for nothing, else those that only wait; all where no
    day is covered."""
    covered = []
    for part in unit.parts:
        day = None if part.settled is None else part.settled.date()
        period = period_on(periods, day)
        if day is not None and period is not None:
            covered.append((part, waits(period, day, accident=part.by_accident)))
    payable = [part for part, waiting in covered if not waiting]
    return tuple(payable or [part for part, _ in covered] or unit.parts)
