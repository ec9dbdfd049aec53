"""A situation: one unit of care of one member, ready to be priced, with all that rules may ask about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from gateway.core.schemes.language.edition import Ceiling, SchemeFamily
from gateway.core.schemes.units.care_units import CareUnit, UnitPart
from gateway.core.schemes.units.measures import Measure, measure
from gateway.core.schemes.units.periods import Insured, Period, covered_days, deciding_period
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

    def in_scope_before(self, part: UnitPart, ceiling: Ceiling) -> int:
        """What was in scope of the funds earlier in the same year of theirs; an amount nobody knows counts as none."""
        year = None if part.settled is None else ceiling.year_of(part.settled.date())
        total = 0
        for earlier in self.settled:
            if year is None or earlier is part:
                break
            if earlier.settled is not None and ceiling.year_of(earlier.settled.date()) == year:
                total += max(0, earlier.record.in_scope_amount or 0)
        return total

    def death_between(self, first: date, last: date) -> bool:
        """Whether the member died on one of these days."""
        return any(fact.kind == "death" and first <= fact.on <= last for fact in self.facts)


class Situation(msgspec.Struct, kw_only=True, gc=False):
    """One unit, its measure, its period and covered days, its identity; `first` of its kind in the period.

    `place` is the same counted on: 1 for the first; `paid_before` counts the period's units that were paid something.
    `merged` are the identities of its later parts: a claim that stands under one of them is withdrawn as merged.
    """

    unit: CareUnit
    measure: Measure
    period: Period | None
    covered: int
    identity: str
    case: MemberCase
    merged: tuple[str, ...] = ()
    first: bool = True
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
        return frozenset([part.record.settlement_no for part in self.unit.parts])


def situation_of(unit: CareUnit, identity: str, case: MemberCase, merged: tuple[str, ...] = ()) -> Situation:
    """A unit with its measure, its period and the days of it that are covered."""
    measured = measure(unit)
    first, last = measured.first, measured.last
    period, covered = None, 0
    if first is not None and last is not None:
        period = deciding_period(case.periods, first, last)
        if period is not None:
            inside = period.first <= first and last <= period.last
            covered = measured.total_days if inside else covered_days(case.periods, first, last)
    return Situation(
        unit=unit, measure=measured, period=period, covered=covered, identity=identity, case=case, merged=merged
    )
