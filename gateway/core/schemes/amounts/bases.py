"""The base (基数) of a share: which amounts of the settlements in, which out.

A settlement whose base would be below zero counts as zero. A field that is missing or negative where it is
needed leaves the base unknown: a person decides.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.core.schemes.language.edition import Ceiling
from gateway.core.schemes.language.rules import Base
from gateway.core.schemes.units.situations import Situation
from gateway.model.record import SettlementRecord

A_DAY: Final = 100
"""A day counts as one yuan in a base of days."""

BELOW_CEILING: Final = "in_scope_below_ceiling"
ABOVE_CEILING: Final = "in_scope_above_ceiling"


class BaseAmount(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A base in fen, and whether a settlement's own would have been below zero."""

    amount: int
    negative: bool


def base_of(base: Base, situation: Situation, ceiling: Ceiling | None) -> BaseAmount | None:
    """The base of a unit; None where an amount it needs is missing or impossible."""
    total, negative = 0, False
    for part in situation.counted:
        record, amount = part.record, 0
        if base.special:
            around = _around_ceiling(base, record, situation.case.ceiling_left(part, ceiling))
            if around is None:
                return None
            amount = around
        else:
            for name in base.add:
                value = getattr(record, name)
                if value is None or value < 0:
                    return None
                amount += value
            for name in base.less:
                value = getattr(record, name)
                if value is None or value < 0:
                    return None
                amount -= value
        # Settlement by settlement: one that was paid more than its base must not lower the base of another.
        if amount < 0:
            negative = True
        else:
            total += amount
    if base.days:
        total += base.days * A_DAY * (situation.measure.sheet_days or situation.measure.total_days)
    if base.paid_by or base.paid_by_added:
        total += paid_by_others(base.paid_by_added, situation) - paid_by_others(base.paid_by, situation)
    return BaseAmount(amount=max(total, 0), negative=negative)


def _around_ceiling(base: Base, record: SettlementRecord, ceiling: int) -> int | None:
    """The base of one settlement where a term of it is the part below or above the fund's ceiling."""
    added = [_term(name, record, ceiling) for name in base.add]
    if added and not any(value is None or value for value in added):
        # Nothing lies on this side of the ceiling, so nobody can have paid for it.
        return 0
    taken = [_term(name, record, ceiling) for name in base.less]
    possible = [value for value in added + taken if value is not None and value >= 0]
    if len(possible) < len(added) + len(taken):
        return None
    return sum(possible[: len(added)]) - sum(possible[len(added) :])


def _term(name: str, record: SettlementRecord, ceiling: int) -> int | None:
    """An amount field, or the part of the in-scope amount below or above the fund's ceiling (封顶线)."""
    scope = record.in_scope_amount
    if name == BELOW_CEILING:
        return scope if scope is None else min(scope, ceiling)
    if name == ABOVE_CEILING:
        return scope if scope is None or scope < 0 else max(0, scope - ceiling)
    value: int | None = getattr(record, name)
    return value


def paid_by_others(schemes: tuple[str, ...], situation: Situation) -> int:
    """What these schemes pay for settlements of the unit; each of their estimates belongs to its first one."""
    if not schemes or not situation.case.other_payments:
        return 0
    numbers = situation.numbers
    return sum(
        [
            payment.payable
            for payment in situation.case.other_payments
            if payment.scheme in schemes and payment.settlements and payment.settlements[0] in numbers
        ]
    )
