"""Coordination of benefits (叠加): schemes that stand on others, whose payments are computed first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway.core.schemes.assessing import assess
from gateway.core.schemes.language.edition import SchemeFamily
from gateway.core.schemes.units.periods import Insured
from gateway.core.schemes.units.situations import OtherPayment
from gateway.model.benefit import BenefitEstimate, Fact
from gateway.model.clock import SHANGHAI_OFFSET
from gateway.model.record import SettlementRecord


def in_order_of_payment(families: Iterable[SchemeFamily]) -> list[SchemeFamily]:
    """The families so that each comes after those it stands on; otherwise in the order given."""
    waiting = {family.scheme: family for family in families}
    ordered: list[SchemeFamily] = []

    def take(scheme: str) -> None:
        family = waiting.pop(scheme, None)
        if family is not None:
            for below in family.stands_on:
                take(below)
            ordered.append(family)

    for scheme in list(waiting):
        take(scheme)
    return ordered


def payments_stood_on(
    insured: Insured,
    records: Sequence[SettlementRecord],
    family: SchemeFamily,
    families: Mapping[str, SchemeFamily],
    *,
    facts: Sequence[Fact] = (),
    reported: Mapping[str, Sequence[OtherPayment]] | None = None,
) -> list[OtherPayment]:
    """What the schemes a family stands on pay: as `reported`, else as they assess it where the member has coverage.

    A scheme below may itself stand on others, so each is assessed on what those below it pay. Settings refuse circles.
    """
    payments: list[OtherPayment] = []
    for scheme in family.stands_on:
        below = families.get(scheme)
        if reported is not None and scheme in reported:
            payments += reported[scheme]
        elif below is not None and any(period.scheme == scheme for period in insured.coverage):
            further = payments_stood_on(insured, records, below, families, facts=facts, reported=reported)
            estimates = assess(insured, records, below, facts=facts, other_payments=further, explained=False)
            payments += payments_by(scheme, estimates, records)
    return payments


def payments_by(
    scheme: str, estimates: Iterable[BenefitEstimate], records: Sequence[SettlementRecord]
) -> list[OtherPayment]:
    """A scheme's estimates as another scheme sees them."""
    return [
        payment_by(scheme, estimate.settlements, estimate.payable, records)
        for estimate in estimates
        if estimate.payable
    ]


def payment_by(
    scheme: str, settlements: Sequence[str], payable: int, records: Sequence[SettlementRecord]
) -> OtherPayment:
    """One payment of another scheme, with the first day of its settlements."""
    days = []
    for record in records:
        if record.settlement_no in settlements and not record.reversal:
            settled = record.settled_at
            zoned = None if settled is None or settled.tzinfo is None else settled.astimezone(SHANGHAI_OFFSET)
            days.append(record.admitted_on or (None if zoned is None else zoned.date()))
    return OtherPayment(
        scheme=scheme,
        settlements=tuple(settlements),
        payable=payable,
        on=min([day for day in days if day is not None], default=None),
    )
