"""assess: all of a member's settlements in one scheme → one estimate for each stay, month, period or event.

All units are priced together, oldest first, because caps, first stays and sums paid once are shared. What the
association has already decided comes before all of them, whatever its dates: it stays as decided and has used what it
used, so the rest can only be paid from what that leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, Protocol

import msgspec

from gateway.core.schemes.amounts import texts
from gateway.core.schemes.amounts.bases import base_of
from gateway.core.schemes.amounts.caps import Uses
from gateway.core.schemes.amounts.lump_sums import AMOUNT_UNKNOWN, BEFORE_COVER, TO_CONFIRM, WAITING
from gateway.core.schemes.amounts.pricing import price_unit
from gateway.core.schemes.claim_windows import claim_by
from gateway.core.schemes.doubts import DAYS_TO_CONFIRM, doubts_of
from gateway.core.schemes.language.conditions import holds
from gateway.core.schemes.language.edition import SchemeFamily
from gateway.core.schemes.language.rules import DailyBenefit, ShareBenefit
from gateway.core.schemes.units.care_units import (
    EMERGENCY_TO_CONFIRM,
    OF_ONE_DAY,
    CareKind,
    CareUnit,
    UnitPart,
    pregnancy_in_doubt,
    set_aside,
)
from gateway.core.schemes.units.emergencies import may_be_part
from gateway.core.schemes.units.grouping import care_units_of
from gateway.core.schemes.units.periods import Insured, Period, periods_of, waits
from gateway.core.schemes.units.reversals import PARTIAL, UNCLEAR, standing_of
from gateway.core.schemes.units.single import single
from gateway.core.schemes.units.situations import MemberCase, OtherPayment, Situation, situation_of
from gateway.model.benefit import BenefitEstimate, BenefitLine, ClaimDecision, Fact
from gateway.model.money import Money
from gateway.model.record import SettlementRecord

MATERNITY_IN_DOUBT: Final = "maternity.under_310"
# Beside `decided_before`, not another word for it: that says that something would change what was decided, and nothing
# is paid on top; this says that nothing stands any more for what was paid. A stay may be both, and both words are part
# of what `scheme assess` answers.
RECOVER: Final = "recover_to_confirm"

_ZERO_FOR_PERSON: Final = frozenset(
    {"incomplete", "decided_before", EMERGENCY_TO_CONFIRM, PARTIAL, UNCLEAR, TO_CONFIRM, AMOUNT_UNKNOWN, BEFORE_COVER}
)

PERSON_FLAGS: Final = _ZERO_FOR_PERSON | {
    "age_outside",
    "not_eligible",
    "referral_to_confirm",
    "injury_to_confirm",
    "transfer_to_confirm",
    RECOVER,
    DAYS_TO_CONFIRM,
    "late",
}
"""Flags that send a claim to a person (须人工审核); a scheme's file may add its own (`confirm`). `late` is the
caller's to add: it depends on the day."""


_UNUSED: Final = Uses()
"""For a member with one stay: nothing was used before it, and nobody asks after it."""


def assess(
    insured: Insured,
    records: Sequence[SettlementRecord],
    family: SchemeFamily,
    decided: Sequence[ClaimDecision] = (),
    *,
    facts: Sequence[Fact] = (),
    other_payments: Sequence[OtherPayment] | None = None,
    explained: bool = True,
    ties_corrections: bool = True,
) -> tuple[BenefitEstimate, ...]:
    """One estimate for each stay, month, period or event, in order of admission, settlement time and number.

    Amounts in fen. Every settlement that is not reversed stands in exactly one estimate; the order of
    `records`, `decided` and `facts` does not matter. What has no day comes last. `facts` are confirmed
    diagnoses, death, the end of a period, emergency care that a person found to be part of the inpatient stay after
    it; `other_payments` is what other schemes pay; without `explained` the lines have no sentences. Without
    `ties_corrections` what begins where and when a decided stay began that was reversed since is a stay of its own: the
    caller asks a person. Raises BadCase for overlapping coverage, a settlement decided twice, an instant without
    offset.
    """
    if len(records) == 1 and not decided and not facts:
        situation = single(insured, records[0], family, other_payments or (), explained=explained)
        if situation is not None:
            return (_MemberAssessment(situation.case, _UNUSED, False).undecided(situation),)
    return assessed(
        insured,
        records,
        family,
        decided,
        facts=facts,
        other_payments=other_payments,
        explained=explained,
        remembers=False,
        ties_corrections=ties_corrections,
    )[0]


def assessed(
    insured: Insured,
    records: Sequence[SettlementRecord],
    family: SchemeFamily,
    decided: Sequence[ClaimDecision] = (),
    *,
    facts: Sequence[Fact] = (),
    other_payments: Sequence[OtherPayment] | None = None,
    explained: bool = True,
    remembers: bool = True,
    ties_corrections: bool = True,
) -> tuple[tuple[BenefitEstimate, ...], MemberCase, Uses]:
    """The estimates, and what they leave behind: the member's periods and what has been used of every cap."""
    periods = periods_of(insured, family)
    standing = standing_of(records)
    units = care_units_of(records, standing, family, periods, decided, facts, ties_corrections=ties_corrections)
    case = MemberCase(
        insured=insured,
        family=family,
        periods=periods,
        facts=facts,
        other_payments=other_payments or (),
        explained=explained,
        settled=_in_order_of_settlement(units) if family.ceiling_over_years else (),
    )
    situations = _situations(units, case)
    # Most members have one stay; nothing comes after it that would ask what it used.
    remembers = remembers or len(situations) > 1 or bool(decided)
    days = [situation.measure.first for situation in situations]
    if len(set(days)) < len(days):
        _note_shared_days(situations)
    uses = Uses() if remembers else _UNUSED
    if decided:
        _take_decided(situations, uses)
    assessment = _MemberAssessment(case, uses, remembers)
    # What was decided and then reversed in full has used what it used. Only where money is out and nothing stands in
    # its place is there something left to tell about it.
    if decided:
        situations = [situation for situation in situations if not situation.unit.is_over]
    return tuple([assessment.estimate(situation) for situation in situations]), case, uses


def could_pay(kind: CareKind, family: SchemeFamily) -> bool:
    """Whether some edition could pay for such a settlement or a person must look, whatever the coverage.

    A scheme that pays at a diagnosis could pay for any care, as long as the insurance is one it knows.
    """
    reason = set_aside(kind, family)
    if reason is None or may_be_part(kind, reason, family):
        return True
    if reason == "not_payable_care" and family.pays_at_events and family.pays_at_diagnosis:
        # A glance at a row need not hold its diagnoses; then only reading it in full can tell.
        codes: tuple[str, ...] | None = getattr(kind, "diagnosis_codes", None)
        return codes is None or any(group.holds(codes) for group in family.disease_groups)
    return pregnancy_in_doubt(kind, family)


class DiagnosedKind(CareKind, Protocol):
    """The same with the diagnoses that were told."""

    @property
    def diagnosis_codes(self) -> tuple[str, ...] | None: ...


class _Codeless(msgspec.Struct, frozen=True, gc=False):
    """A settlement whose diagnoses are not told."""

    insurance_type: str | None
    care_type: str | None


def could_pay_any(settlement: DiagnosedKind, families: Iterable[SchemeFamily], *, refund: bool) -> bool:
    """Whether one of the schemes at least could ever pay for such a settlement.

    A refund that tells no diagnosis may take back one that told it, so it is not ruled out by that.
    """
    unknown = refund and not settlement.diagnosis_codes
    kind: CareKind = _Codeless(settlement.insurance_type, settlement.care_type) if unknown else settlement
    # Written out: this is asked of every row of a member.
    for family in families:  # noqa: SIM110
        if could_pay(kind, family):
            return True
    return False


def needs_person(estimate: BenefitEstimate) -> bool:
    """Whether a person must look. An estimate of 0.00 becomes a claim only where this is true."""
    if estimate.payable == 0:
        return not _ZERO_FOR_PERSON.isdisjoint(estimate.flags) or MATERNITY_IN_DOUBT in estimate.assumed
    # A reason not to pay stands beside 0.00, so every flag beside an amount asks for a person.
    return bool(estimate.flags)


def _situations(units: Sequence[CareUnit], case: MemberCase) -> list[Situation]:
    # The identity of each unit for ever (design §5.2): its visit, or the settlement where that is taken. A decided
    # claim keeps its identity whatever comes later; what cannot be paid gives way to what can.
    identities = [unit.identity for unit in units]
    taken = set(identities)
    if len(taken) < len(identities):
        taken = set()
        for at in sorted(range(len(units)), key=lambda at: (units[at].decision is None, units[at].reason is not None)):
            if identities[at] in taken:
                identities[at] = units[at].settlement_identity
            taken.add(identities[at])
    situations = []
    for unit, identity in zip(units, identities, strict=True):
        merged: tuple[str, ...] = ()
        if (len(unit.parts) > 1 or unit.emergencies) and unit.event is None:
            # A later part that once was a stay of its own may have a claim, which goes where this unit's claim is.
            visits = dict.fromkeys(part.visit_identity for part in unit.told)
            merged = tuple(visit for visit in visits if visit not in taken)
        situation = situation_of(unit, identity, case, merged)
        if situation.period is not None and unit.counts:
            situation.period.stays += 1
        situations.append(situation)
    return situations


def _note_shared_days(situations: Sequence[Situation]) -> None:
    """Say of stays that begin on one day that their order is that of settlement, which decides about first stays."""
    stays: dict[date, list[Situation]] = {}
    for situation in situations:
        if situation.measure.first is not None and situation.unit.counts:
            stays.setdefault(situation.measure.first, []).append(situation)
    for of_day in stays.values():
        for situation in of_day if len(of_day) > 1 else ():
            situation.shares_day = True


def _in_order_of_settlement(units: Iterable[CareUnit]) -> list[UnitPart]:
    """The settlements the funds took part in, by time and number of settlement: so a year's ceiling is used up."""
    parts = [part for unit in units if unit.event is None for part in unit.parts if part.reason is None]
    settled = [(part.settled, part.record.settlement_no, part.at, part) for part in parts if part.settled is not None]
    return [part for _, _, _, part in sorted(settled, key=lambda entry: entry[:3])]


def _take_decided(situations: Sequence[Situation], uses: Uses) -> None:
    """Decided units use caps, first stay and allowance before all others; a refused one uses nothing."""
    for situation in situations:
        decision, period = situation.unit.decision, situation.period
        if decision is None or decision.refused or period is None:
            continue
        uses.take_decided(decision.payable, situation, period, recovering=situation.unit.to_recover)
        period.paid += decision.payable
        period.decided += decision.payable
        period.claims += decision.payable > 0
        if situation.unit.event is not None:
            uses.lump_sums.add(situation.unit.event.key.lump)
            continue
        benefits, kind = period.edition.benefits, situation.unit.payable_kind
        situation.first = kind is not None and kind not in period.taken
        if kind is not None:
            period.take(kind, decision)
        if situation.first:
            period.due = tuple({*period.due, *_allowances_due(situation, period)})
        # A decision is one amount and tells nothing of deductibles, so what it used of them is worked out by the rules.
        deducts = any(isinstance(benefit, ShareBenefit) and benefit.deductible is not None for benefit in benefits)
        if deducts and situation.measure.usable:
            price = price_unit(situation, period, uses)
            _remember_deducted(period, {} if price is None else price.deducted)


def _allowances_due(situation: Situation, period: Period) -> list[str]:
    """The allowances that are owed for a unit whatever its amounts are: the next period counts its years by that."""
    allowances = [benefit for benefit in period.edition.benefits if isinstance(benefit, DailyBenefit)]
    return [allowance.name for allowance in allowances if holds(allowance.conditions, situation)]


def _remember_deducted(period: Period, deducted: Mapping[str, int]) -> None:
    for name, amount in deducted.items():
        period.deductibles[name] = period.deductibles.get(name, 0) + amount


class _MemberAssessment(msgspec.Struct, frozen=True, gc=False):
    """Estimates of one member's units, asked for in their order; periods and uses keep what has been used."""

    case: MemberCase
    uses: Uses
    remembers: bool

    def estimate(self, situation: Situation) -> BenefitEstimate:
        """What kind of answer this unit gets.

        A reason not to pay holds whatever else is true of it; a decision holds whatever the rules say now; only what is
        left is priced.
        """
        unit = situation.unit
        if unit.reason is not None:
            return self._not_payable(situation, unit.reason)
        if unit.decision is not None:
            payable = unit.decision.payable
            text = texts.decided_text(payable, unit.decision.refused)
            lines = [BenefitLine(rule="decided", article="协会核定", amount=payable, text=text)]
            flags = ["decided_before"] if unit.changed else []
            if _to_recover(situation, payable):
                flags.append(RECOVER)
            return _estimate_of(situation, lines, payable, flags + doubts_of(situation), ["decided.fixed"])
        if unit.would_join is not None:
            # Nothing is paid by itself; the line tells what the whole would be worth beside what was decided.
            worth = self._worth(unit.would_join, unit.joined_decisions)
            paid = sum(decision.payable for decision in unit.joined_decisions)
            lines = []
            if worth is not None:
                text = texts.difference_text(worth, paid)
                lines.append(BenefitLine(rule="decided_before", article="协会核定", amount=Money(0), text=text))
            flags = ["decided_before", *doubts_of(situation)]
            difference = None if worth is None else Money(worth - paid)
            return _estimate_of(situation, lines, 0, flags, ["decided.fixed"], difference=difference)
        return self.undecided(situation)

    def undecided(self, situation: Situation) -> BenefitEstimate:
        """Of a unit that may be paid and that nobody has decided about."""
        period = situation.period
        if period is None:
            return self._not_covered(situation) if situation.measure.days_known else self._incomplete(situation)
        situation.first = situation.unit.kind not in period.taken
        if period.order or period.claims:
            situation.place, situation.paid_before = period.counts_before(situation.unit.kind)
        # Nothing is paid whatever the amounts in the waiting days, then where an exclusion of the file holds.
        first = situation.measure.first
        waiting = period.waiting_ends is not None and first is not None and situation.unit.event is None
        if waiting and waits(period, max(first or period.first, period.first), accident=situation.accident):
            return self._not_payable(situation, WAITING)
        for exclusion in period.edition.exclusions:
            if holds(exclusion.conditions, situation):
                return self._not_payable(situation, exclusion.reason)
        return self._priced(situation, period)

    def _not_covered(self, situation: Situation) -> BenefitEstimate:
        estimate, parts = self._not_payable(situation, "not_covered"), situation.unit.parts
        # Nights are counted from the admission on, so the day of discharge is none: also where cover begins on it.
        left = parts[-1].record.discharged_on if parts and situation.unit.kind not in OF_ONE_DAY else None
        begun = [period for period in self.case.periods if period.first == left]
        if not begun:
            return estimate
        assumed = _still_open(begun[0].edition.assumed, ("coverage.discharge_day",))
        return msgspec.structs.replace(estimate, assumed=assumed)

    def _not_payable(self, situation: Situation, reason: str) -> BenefitEstimate:
        parts = situation.unit.parts
        doubtful = bool(parts) and pregnancy_in_doubt(parts[0].record, self.case.family)
        return _estimate_of(situation, [], 0, [reason], [MATERNITY_IN_DOUBT] if doubtful else [])

    def _incomplete(self, situation: Situation) -> BenefitEstimate:
        period = situation.period
        if period is not None:
            # What is missing will come; the days of a first stay are paid for then, and the next period counts on that.
            period.due += tuple(_allowances_due(situation, period))
            period.take(situation.unit.kind)
        return _estimate_of(situation, [], 0, ["incomplete", *doubts_of(situation)], [])

    def _worth(self, whole: CareUnit, decisions: Sequence[ClaimDecision]) -> int | None:
        """What the whole stay would be worth had nothing been decided; None where that cannot be told."""
        situation = situation_of(whole, "", self.case)
        period = situation.period
        if not situation.measure.usable:
            return None
        if period is None:
            # Not covered is worth nothing, where the amounts are there that the latest edition needs.
            latest = self.case.family.editions[-1]
            shares = [benefit for benefit in latest.benefits if isinstance(benefit, ShareBenefit)]
            applying = [share for share in shares if holds(share.conditions, situation)]
            bases = [base_of(share.base, situation, latest.ceiling) for share in applying]
            return None if None in bases else 0
        situation.first = whole.kind not in period.taken or period.taken[whole.kind] in decisions
        used = [decision for decision in decisions if not decision.refused]
        situation.place, situation.paid_before = period.counts_before(whole.kind, used)
        spared = sum(decision.payable for decision in used)
        price = price_unit(situation, period, self.uses, spared=spared)
        return None if price is None else price.payable

    def _priced(self, situation: Situation, period: Period) -> BenefitEstimate:
        measured = situation.measure
        usable = measured.days_known and measured.settled_known
        price = price_unit(situation, period, self.uses) if usable else None
        if price is None:
            return self._incomplete(situation)
        if self.remembers:
            # Caps, first stays, allowances, deductibles and sums paid once, for the units that come after.
            self.uses.take(price, situation, period)
            period.paid += price.payable
            period.claims += price.payable > 0
            event = situation.unit.event
            if event is None:
                period.take(situation.unit.kind)
                period.due += price.due
                if price.deducted:
                    _remember_deducted(period, price.deducted)
            elif price.payable:
                self.uses.lump_sums.add(event.key.lump)
        doubts = doubts_of(situation)
        assumed = price.assumed + _leaned_on(situation, period, doubts)
        return _estimate_of(situation, price.lines, price.payable, [*price.flags, *doubts], assumed)


def _leaned_on(situation: Situation, period: Period, flags: Sequence[str]) -> list[str]:
    """The open questions beyond those of the lines."""
    measured, edition = situation.measure, period.edition
    leaned = list(edition.leans_on)
    if edition.carried_on_from is not None and period.first >= edition.carried_on_from:
        leaned.append("edition.carried_on")
    if measured.first is not None and measured.first < period.first:
        leaned.append("edition.first_covered_day")
    if edition.claim_window is not None and edition.claim_window.counts_from == "period_end":
        leaned.append("claim_by.period_end")
    if situation.unit.kind == "month":
        leaned.append("special_outpatient.last_settlement")
    if situation.unit.transfer:
        leaned.append("stay.transfer_by_dates")
    if situation.shares_day:
        leaned.append("stay.two_on_one_day")
    if "age_outside" in flags:
        leaned.append("age.first_day")
    first = situation.unit.parts[0].record if edition.asks_place and situation.unit.parts else None
    if first is not None and (first.care_region is None or first.insured_region is None):
        leaned.append("place.unknown_is_local")
    return leaned


def _to_recover(situation: Situation, paid: int) -> bool:
    """Whether what was paid for a decided unit is to be recovered: it was reversed, or its days lost their cover."""
    if situation.unit.to_recover:
        return True
    return paid > 0 and situation.period is None and situation.measure.days_known


def _estimate_of(
    situation: Situation,
    lines: list[BenefitLine],
    payable: int,
    flags: list[str],
    assumed: list[str],
    *,
    difference: Money | None = None,
) -> BenefitEstimate:
    unit, period = situation.unit, situation.period
    parts = unit.parts
    all_parts = unit.told if unit.emergencies else parts
    days = bool(parts) and situation.unit.kind not in OF_ONE_DAY
    alone = len(all_parts) == 1
    return BenefitEstimate(
        settlements=(
            (parts[0].record.settlement_no,) if alone else tuple([part.record.settlement_no for part in all_parts])
        ),
        edition=None if period is None else period.edition.name,
        payable=Money(payable),
        lines=tuple(lines),
        flags=tuple(flags),
        assumed=() if period is None else _still_open(period.edition.assumed, tuple(assumed)),
        claim_by=claim_by(situation),
        stay=situation.identity,
        record_keys=(parts[0].at,) if alone else tuple([part.at for part in all_parts]),
        period_from=None if period is None else period.first,
        admitted_on=parts[0].record.admitted_on if days else None,
        discharged_on=parts[-1].record.discharged_on if days else None,
        merged_stays=situation.merged,
        difference=difference,
    )


@lru_cache(maxsize=4096)
def _still_open(assumed: frozenset[str], leaned_on: tuple[str, ...]) -> tuple[str, ...]:
    # The rules of an edition lean on its questions in a handful of combinations.
    return tuple(sorted(assumed.intersection(leaned_on)))
