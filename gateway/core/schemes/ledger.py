"""The ledger (台账) of one member in one scheme: what is used and left of every cap, deductible and allowance.

It is computed from the same settlements and decisions as the estimates, so it is right after reversals,
corrections and late arrivals in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from gateway.core.schemes.amounts.caps import Uses, limit_of
from gateway.core.schemes.assessing import assessed
from gateway.core.schemes.language.edition import SchemeFamily
from gateway.core.schemes.language.rules import Cap, ShareBenefit
from gateway.core.schemes.units.periods import Insured, Period
from gateway.core.schemes.units.situations import OtherPayment
from gateway.model.benefit import ClaimDecision, Fact
from gateway.model.money import Money
from gateway.model.record import SettlementRecord


class CapUse(msgspec.Struct, frozen=True, kw_only=True):
    """One cap: its limit, what is used and what is left. `first` is the first day of the period or year."""

    per: str
    article: str
    benefits: tuple[str, ...]
    first: date | None
    limit: Money
    used: Money
    left: Money


class DeductibleUse(msgspec.Struct, frozen=True, kw_only=True):
    """A deductible (起付) that counts once a period."""

    benefit: str
    limit: Money
    used: Money
    left: Money


class PeriodLedger(msgspec.Struct, frozen=True, kw_only=True):
    """One coverage period: what it paid, and what is used and left. `allowances` names those that were due.

    `decided` is the part of `paid` that the association decided, also for what was taken back since.
    """

    first: date
    last: date
    edition: str
    paid: Money
    decided: Money
    stays: int
    allowances: tuple[str, ...]
    caps: tuple[CapUse, ...]
    deductibles: tuple[DeductibleUse, ...]


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """All periods in order, the caps of a lifetime, and the lump sums that were paid."""

    periods: tuple[PeriodLedger, ...]
    lifetime: tuple[CapUse, ...]
    lump_sums: tuple[str, ...]
    paid: Money


def ledger(
    insured: Insured,
    records: Sequence[SettlementRecord],
    family: SchemeFamily,
    decided: Sequence[ClaimDecision] = (),
    facts: Sequence[Fact] = (),
    other_payments: Sequence[OtherPayment] | None = None,
    *,
    ties_corrections: bool = True,
) -> Ledger:
    """What a member's settlements and decisions leave of a scheme's caps; `ties_corrections` as for `assess`, which
    says what is raised."""
    _, case, uses = assessed(
        insured,
        records,
        family,
        decided,
        facts=facts,
        other_payments=other_payments,
        explained=False,
        ties_corrections=ties_corrections,
    )
    latest = case.periods[-1].edition.caps if case.periods else ()
    return Ledger(
        periods=tuple(_period(period, uses) for period in case.periods),
        # The caps of a lifetime are as the member's latest edition gives them.
        lifetime=tuple(
            _use(cap, uses.used.get(("lifetime", cap.benefits, cap.categories), 0), None, case.periods[-1])
            for cap in latest
            if cap.per == "lifetime"
        ),
        lump_sums=tuple(sorted(uses.lump_sums)),
        paid=Money(sum(period.paid for period in case.periods)),
    )


def _period(period: Period, uses: Uses) -> PeriodLedger:
    caps = []
    for cap in period.edition.caps:
        if cap.per == "period":
            caps.append(_use(cap, period.used.get(cap.slot, 0), period.first, period))
        elif cap.per == "year":
            keys = [key for key in uses.used if isinstance(key[0], date) and key[:2] == (period.first, cap.slot)]
            caps += [_use(cap, uses.used[key], key[2], period) for key in sorted(keys)]
    deductibles = []
    for benefit in period.edition.benefits:
        if isinstance(benefit, ShareBenefit) and benefit.deductible is not None and benefit.deductible.per == "period":
            used, most = period.deductibles.get(benefit.name, 0), benefit.deductible.first
            deductibles.append(
                DeductibleUse(benefit=benefit.name, limit=most, used=Money(used), left=Money(max(0, most - used)))
            )
    return PeriodLedger(
        first=period.first,
        last=period.last,
        edition=period.edition.name,
        paid=Money(period.paid),
        decided=Money(period.decided),
        stays=period.stays,
        allowances=tuple(sorted(set(period.due))),
        caps=tuple(caps),
        deductibles=tuple(deductibles),
    )


def _use(cap: Cap, used: int, first: date | None, period: Period) -> CapUse:
    most = limit_of(cap, period)
    return CapUse(
        per=cap.per,
        article=cap.article,
        benefits=tuple(sorted(cap.benefits or ())),
        first=first,
        limit=Money(most),
        used=Money(used),
        left=Money(max(0, most - used)),
    )
