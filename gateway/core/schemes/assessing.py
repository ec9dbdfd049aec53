"""assess: all of a member's settlements in one scheme → one estimate for each stay or month.

All stays are weighed together, oldest first, because a period's cap and first stay are shared; what the
association has already decided is taken first and stays as decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from gateway.core.schemes import texts
from gateway.core.schemes.edition import SchemeFamily
from gateway.core.schemes.measures import Measure, measure
from gateway.core.schemes.periods import (
    Insured,
    Period,
    age_is_outside,
    covered_days,
    deciding_period,
    periods_of,
)
from gateway.core.schemes.reversals import PARTIAL, UNCLEAR, standing_of
from gateway.core.schemes.stays import Kind, Stay, pregnancy_in_doubt, set_aside, stay_order, stays_of
from gateway.core.schemes.weighing import Weighed, weigh
from gateway.model.benefit import BenefitEstimate, BenefitLine, Decided
from gateway.model.money import Money
from gateway.model.record import SettlementRecord

MATERNITY_IN_DOUBT: Final = "maternity.under_310"

_ZERO_FOR_PERSON: Final = frozenset({"incomplete", "decided_before", PARTIAL, UNCLEAR})

PERSON_FLAGS: Final = _ZERO_FOR_PERSON | {
    "age_outside",
    "referral_to_confirm",
    "injury_to_confirm",
    "transfer_to_confirm",
    "late",
}
"""Flags that send a claim to a person (须人工审核). `late` is the caller's to add: it depends on the day."""


_FLAGS_IN_ORDER: Final = (
    PARTIAL,
    UNCLEAR,
    "age_outside",
    "referral_to_confirm",
    "injury_to_confirm",
    "transfer_to_confirm",
)

_LAST_DAY: Final = date.max.toordinal()


class _Case(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One stay ready to be weighed: its measure, its period, its covered days, its identity.

    `merged` are the identities of its later parts: a claim that stands under one of them is withdrawn as merged.
    """

    stay: Stay
    measure: Measure
    period: Period | None
    covered: int
    identity: str
    merged: tuple[str, ...] = ()


def assess(
    insured: Insured,
    records: Sequence[SettlementRecord],
    family: SchemeFamily,
    decided: Sequence[Decided] = (),
) -> tuple[BenefitEstimate, ...]:
    """One estimate for each stay or month, in order of admission, settlement time and settlement number.

    Amounts in fen. Every settlement that is not reversed stands in exactly one estimate; the order of
    `records` and `decided` does not matter. What has no admission date comes last. Raises BadCase for
    overlapping coverage, a settlement decided twice, an instant without offset.
    """
    periods = periods_of(insured, family)
    stays = stays_of(records, standing_of(records), family, decided)
    if len(stays) > 1:
        stays.sort(key=stay_order)
    cases = _cases(stays, periods)
    if decided:
        _take_decided(cases)
    assessing = _Assessing(insured, family, periods)
    return tuple([assessing.estimate(case) for case in cases if not case.stay.ghost])


def could_pay(kind: Kind, family: SchemeFamily) -> bool:
    """Whether some edition could pay for such a settlement or a person must look, whatever the coverage."""
    return set_aside(kind, family) is None or pregnancy_in_doubt(kind, family)


def needs_person(estimate: BenefitEstimate) -> bool:
    """Whether a person must look. An estimate of 0.00 becomes a claim only where this is true."""
    if estimate.payable == 0:
        return not _ZERO_FOR_PERSON.isdisjoint(estimate.flags) or MATERNITY_IN_DOUBT in estimate.assumed
    return not PERSON_FLAGS.isdisjoint(estimate.flags)


def _cases(stays: Sequence[Stay], periods: Sequence[Period]) -> list[_Case]:
    identities = _identities(stays)
    taken = set(identities)
    cases = [
        _case(stay, identity, periods, _merged(stay, taken)) for stay, identity in zip(stays, identities, strict=True)
    ]
    for case in cases:
        if case.period is not None and case.stay.counts:
            case.period.stays += 1
    return cases


def _merged(stay: Stay, taken: set[str]) -> tuple[str, ...]:
    if len(stay.parts) == 1:
        return ()
    identities = dict.fromkeys(part.visit_identity for part in stay.parts)
    return tuple(identity for identity in identities if identity not in taken)


def _case(stay: Stay, identity: str, periods: Sequence[Period], merged: tuple[str, ...] = ()) -> _Case:
    measured = measure(stay)
    period, covered = _placed(measured, periods)
    return _Case(stay=stay, measure=measured, period=period, covered=covered, identity=identity, merged=merged)


def _placed(measured: Measure, periods: Sequence[Period]) -> tuple[Period | None, int]:
    first, last = measured.first, measured.last
    if first is None or last is None:
        return None, 0
    period = deciding_period(periods, first, last)
    if period is None:
        return None, 0
    if period.first <= first and last <= period.last:
        return period, measured.total_days
    return period, covered_days(periods, first, last)


def _identities(stays: Sequence[Stay]) -> list[str]:
    """The identity of each stay for ever (design §5.2): its visit, or the settlement where that is taken."""
    names = [stay.first_part.visit_identity for stay in stays]
    if len(set(names)) == len(names):
        return names
    taken: set[str] = set()
    for at in sorted(range(len(stays)), key=lambda at: _claim_to_identity(stays[at])):
        if names[at] in taken:
            names[at] = stays[at].first_part.settlement_identity
        taken.add(names[at])
    return names


def _claim_to_identity(stay: Stay) -> int:
    # A decided claim keeps its identity whatever comes later; what cannot be paid gives way to what can.
    if stay.decision is not None:
        return 0
    return 2 if stay.reason is not None else 1


def _take_decided(cases: Sequence[_Case]) -> None:
    """Decided stays use cap, first stay and allowance before all others; a refused one uses nothing."""
    for case in cases:
        decision, period = case.stay.decision, case.period
        if decision is None or decision.refused or period is None:
            continue
        period.used += decision.payable
        if case.stay.inpatient and not period.first_taken:
            period.first_taken, period.first_decided = True, decision
            period.allowance_due = period.edition.allowance is not None


class _Assessing:
    """Estimates of one member's stays, asked for in their order; the periods keep what has been used."""

    def __init__(self, insured: Insured, family: SchemeFamily, periods: Sequence[Period]) -> None:
        self.insured = insured
        self.family = family
        self.periods = periods

    def estimate(self, case: _Case) -> BenefitEstimate:
        """What kind of answer this stay gets."""
        if case.stay.reason is not None:
            return self._not_payable(case, case.stay.reason)
        if case.stay.decision is not None:
            return self._decided(case, case.stay.decision)
        if case.stay.joins is not None:
            return self._joining(case, case.stay.joins)
        if case.period is None and case.measure.days_known:
            return self._not_payable(case, "not_covered")
        if case.period is None or not case.measure.usable:
            return self._incomplete(case)
        return self._weighed(case, case.period)

    def _not_payable(self, case: _Case, reason: str) -> BenefitEstimate:
        doubtful = pregnancy_in_doubt(case.stay.parts[0].record, self.family)
        return _told(case, [], 0, [reason], [MATERNITY_IN_DOUBT] if doubtful else [])

    def _incomplete(self, case: _Case) -> BenefitEstimate:
        if case.period is not None and case.stay.inpatient:
            case.period.first_taken = True
        return _told(case, [], 0, ["incomplete", *self._flags(case)], [])

    def _decided(self, case: _Case, decision: Decided) -> BenefitEstimate:
        text = texts.decided_text(decision.payable, decision.refused)
        line = BenefitLine(rule="decided", article="协会核定", amount=decision.payable, text=text)
        flags = ["decided_before"] if case.stay.changed else []
        return _told(case, [line], decision.payable, flags + self._flags(case), ["decided.fixed"])

    def _joining(self, case: _Case, whole: Stay) -> BenefitEstimate:
        """Nothing is paid by itself; the line tells what the whole would be worth beside what was decided."""
        decided = sum(one.payable for one in case.stay.joined)
        worth = self._worth(whole, case.stay.joined)
        lines = []
        if worth is not None:
            text = texts.difference_text(worth, decided)
            lines.append(BenefitLine(rule="decided_before", article="协会核定", amount=Money(0), text=text))
        return _told(case, lines, 0, ["decided_before", *self._flags(case)], ["decided.fixed"])

    def _worth(self, whole: Stay, joined: Sequence[Decided]) -> int | None:
        """What the whole stay would be worth had nothing been decided; None where that cannot be told."""
        case = _case(whole, "", self.periods)
        period = case.period
        if not case.measure.usable:
            return None
        if period is None:
            return 0
        left = period.left + sum(one.payable for one in joined if not one.refused)
        first = not period.first_taken or period.first_decided in joined
        return self._weigh(case, period, first=first, left=left).payable

    def _weighed(self, case: _Case, period: Period) -> BenefitEstimate:
        weighed = self._weigh(case, period, first=not period.first_taken, left=period.left)
        period.used += weighed.payable
        if case.stay.inpatient:
            period.first_taken = True
            period.allowance_due = period.allowance_due or weighed.allowance_due
        flags = self._flags(case)
        assumed = weighed.assumed + _leaned_on(case, period, flags)
        return _told(case, weighed.lines, weighed.payable, flags, assumed)

    def _weigh(self, case: _Case, period: Period, *, first: bool, left: int) -> Weighed:
        return weigh(case.measure, period, covered=case.covered, first=first, monthly=case.stay.monthly, left=left)

    def _flags(self, case: _Case) -> list[str]:
        """What sends a claim to a person without changing the amount, in a fixed order."""
        found = set()
        for part in case.stay.parts:
            if part.doubt is not None:
                found.add(part.doubt)
            if _elsewhere(part.record):
                found.add("referral_to_confirm")
            if part.record.care_type_code == "22":
                found.add("injury_to_confirm")
        if case.period is not None and age_is_outside(case.period, self.insured.birth_date):
            found.add("age_outside")
        if case.stay.transfer:
            found.add("transfer_to_confirm")
        return [flag for flag in _FLAGS_IN_ORDER if flag in found] if found else []


def _elsewhere(record: SettlementRecord) -> bool:
    """Cared for outside the insured league (first four digits of the region): was there a referral?"""
    here, home = record.care_region, record.insured_region
    return here is not None and home is not None and here[:4] != home[:4]


def _leaned_on(case: _Case, period: Period, flags: Sequence[str]) -> list[str]:
    """The open questions beyond those of the lines."""
    measured, edition = case.measure, period.edition
    leaned = []
    if edition.carried_on_from is not None and period.first >= edition.carried_on_from:
        leaned.append("edition.carried_on")
    if measured.first is not None and measured.first < period.first:
        leaned.append("edition.first_covered_day")
    if edition.claim_window.counts_from == "period_end":
        leaned.append("claim_by.period_end")
    if measured.negative:
        leaned.append("base.not_below_zero")
    if case.stay.monthly:
        leaned.append("special_outpatient.last_settlement")
    if case.stay.transfer:
        leaned.append("stay.transfer_by_dates")
    if "age_outside" in flags:
        leaned.append("age.first_day")
    return leaned


def _told(case: _Case, lines: list[BenefitLine], payable: int, flags: list[str], assumed: list[str]) -> BenefitEstimate:
    period, stay = case.period, case.stay
    monthly = stay.monthly
    return BenefitEstimate(
        settlements=tuple([part.record.settlement_no for part in stay.parts]),
        edition=None if period is None else period.edition.name,
        payable=Money(payable),
        lines=tuple(lines),
        flags=tuple(flags),
        assumed=_still_open(assumed, period),
        claim_by=_claim_by(case),
        stay=case.identity,
        record_keys=tuple([part.at for part in stay.parts]),
        period_from=None if period is None else period.first,
        admitted_on=None if monthly else stay.parts[0].record.admitted_on,
        discharged_on=None if monthly else stay.parts[-1].record.discharged_on,
        merged_stays=case.merged,
    )


def _still_open(assumed: list[str], period: Period | None) -> tuple[str, ...]:
    if period is None:
        return ()
    return tuple(sorted(period.edition.assumed.intersection(assumed)))


def _claim_by(case: _Case) -> date | None:
    """Last day to claim (申领截止日); None where no period applies or the settlement date is missing."""
    period, settled = case.period, case.measure.settled
    if period is None:
        return None
    window = period.edition.claim_window
    counted_from = period.last if window.counts_from == "period_end" else _day_of(settled)
    if counted_from is None:
        return None
    return date.fromordinal(min(counted_from.toordinal() + window.days, _LAST_DAY))


def _day_of(instant: datetime | None) -> date | None:
    return None if instant is None else instant.date()
