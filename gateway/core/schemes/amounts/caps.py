"""Floors (补足) and caps (最高补助): what a unit is topped up to, and the most that is paid.

Caps come last, after every benefit and the floor: they limit what is paid in all, and a floor behind them would give
back what they took. Among themselves they hold in the order of the file, each for what the one before left: a cap of
one stay first, say, then of the period, then of a lifetime. What is used of a cap is what was paid after all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TypeAlias

from gateway.core.schemes.amounts import texts
from gateway.core.schemes.amounts.unit_price import UnitPrice
from gateway.core.schemes.language.conditions import holds
from gateway.core.schemes.language.rules import Cap
from gateway.core.schemes.units.joining import before_months_later
from gateway.core.schemes.units.periods import Period
from gateway.core.schemes.units.situations import Situation
from gateway.model.benefit import BenefitLine
from gateway.model.money import Money

_ONE_DAY = timedelta(days=1)

Scope: TypeAlias = "tuple[date, int, date] | tuple[str, frozenset[str] | None, frozenset[str] | None]"
"""What a cap counts together beyond a period: a year's first day with its period and place, or a lifetime."""


class Uses:
    """What has been used of the caps while a member's units are priced in their order; those of a period are
    kept by the period itself.
    """

    def __init__(self) -> None:
        self.used: dict[Scope, int] = {}
        self.lump_sums: set[str] = set()
        self.recovering: dict[Scope | tuple[date, int], int] = {}
        """What of it was paid for what was reversed since, or has no cover any more, by cap (待追回)."""

    def of(self, cap: Cap, situation: Situation, period: Period) -> int:
        """What counts towards a cap before this unit, other schemes included."""
        if cap.per == "period":
            used = period.used.get(cap.slot, 0)
        else:
            used = 0 if cap.per == "stay" else self.used.get(scope(cap, situation, period), 0)
        if not cap.others:
            return used
        # What other schemes pay inside the cap's scope counts too, and so does what has no known day.
        payments = [payment for payment in situation.case.other_payments if payment.scheme in cap.others]
        if cap.per == "stay":
            numbers = situation.numbers
            payments = [payment for payment in payments if not numbers.isdisjoint(payment.settlements)]
        elif cap.per != "lifetime":
            first, last = _year_of(situation, period) if cap.per == "year" else (period.first, period.last)
            payments = [payment for payment in payments if payment.on is None or first <= payment.on <= last]
        return used + sum([payment.payable for payment in payments])

    def take(self, price: UnitPrice, situation: Situation, period: Period) -> None:
        """Remember what a unit is paid."""
        caps = period.edition.caps
        if len(caps) == 1 and caps[0].per == "period" and not caps[0].conditions:
            # Most schemes have one cap, of the period and for everybody.
            cap, used = caps[0], period.used
            paid = price.payable if cap.benefits is None else _concerned(cap, price)
            used[cap.slot] = used.get(cap.slot, 0) + paid
        else:
            self._add([(cap, _concerned(cap, price)) for cap in caps], situation, period)

    def take_decided(self, amount: int, situation: Situation, period: Period, *, recovering: bool) -> None:
        """Remember what the association decided; a cap of some benefits counts it where one of them could pay.
        `recovering`: nothing stands for it any more, and the money is to come back."""
        event = situation.unit.event
        amounts = []
        for cap in period.edition.caps:
            could_pay = cap.benefits is None
            if cap.benefits is not None and event is not None:
                could_pay = event.key.lump in cap.benefits
            elif cap.benefits is not None:
                benefits = [benefit for benefit in period.edition.benefits if benefit.name in cap.benefits]
                could_pay = any(holds(benefit.conditions, situation) for benefit in benefits)
            if could_pay:
                amounts.append((cap, amount))
        self._add(amounts, situation, period)
        if recovering:
            lasting = [cap for cap, _ in amounts if cap.per != "stay" and holds(cap.conditions, situation)]
            for key in {_key_of(cap, situation, period) for cap in lasting}:
                self.recovering[key] = self.recovering.get(key, 0) + amount

    def _add(self, amounts: Sequence[tuple[Cap, int]], situation: Situation, period: Period) -> None:
        """Count what was paid towards each cap that holds for the unit; towards one scope once, however often a file
        writes its cap."""
        scopes: dict[Scope, int] = {}
        for cap, amount in amounts:
            if cap.per == "stay" or not holds(cap.conditions, situation):
                continue
            if cap.per == "period":
                period.used[cap.slot] = period.used.get(cap.slot, 0) + amount
            else:
                scopes[scope(cap, situation, period)] = amount
        for key, amount in scopes.items():
            self.used[key] = self.used.get(key, 0) + amount


def scope(cap: Cap, situation: Situation, period: Period) -> Scope:
    """What this cap counts together with this unit."""
    if cap.per == "lifetime":
        return "lifetime", cap.benefits, cap.categories
    return period.first, cap.slot, _year_of(situation, period)[0]


def _key_of(cap: Cap, situation: Situation, period: Period) -> Scope | tuple[date, int]:
    return (period.first, cap.slot) if cap.per == "period" else scope(cap, situation, period)


def limit_of(cap: Cap, period: Period) -> int:
    """The cap's amount, by the member's shares (份) in the period where it is given per share."""
    return cap.amount * period.shares if cap.per_share else cap.amount


def top_up(price: UnitPrice, situation: Situation, period: Period) -> None:
    """Raise what is above zero to the floor; on the member's death also nothing at all."""
    floor = period.edition.floor
    month = situation.unit.kind == "month"
    if floor is None:
        if price.payable and not month:
            price.assumed.append("floor.from_2021")
        return
    if month if floor.care is None else situation.unit.parts[0].record.care_type not in floor.care:
        return
    lowest, least = floor.amount, 1
    if floor.on_death is not None and situation.measure.first is not None:
        # In this stay, up to the day after its discharge.
        first, last = situation.measure.first, situation.unit.parts[-1].record.discharged_on
        if situation.case.death_between(first, (last or first) + _ONE_DAY):
            lowest, least = floor.on_death, 0
    if least <= price.payable < lowest:
        price.assumed.append("floor.above_zero")
        price.assumed += floor.leans_on
        text = texts.floor_text(price.payable, lowest) if situation.case.explained else ""
        amount = Money(lowest - price.payable)
        price.topped_up = amount
        price.floor_of = frozenset([name for name, _ in price.by_benefit if price.of(name) > 0])
        price.add(BenefitLine(rule="floor", article=floor.article, amount=amount, text=text))


def limit(price: UnitPrice, situation: Situation, period: Period, uses: Uses, spared: int) -> None:
    """Take off what is above each cap, in the order of the file. `spared`: decided amounts this one replaces."""
    unused = not period.used and not uses.used
    for cap in period.edition.caps:
        # Most units are far below every cap of a member who has used nothing yet.
        if unused and price.payable <= cap.amount and cap.benefits is None and not cap.others:
            continue
        if cap.conditions and not holds(cap.conditions, situation):
            continue
        most = limit_of(cap, period)
        if price.payable <= 0:
            continue
        left = max(0, most - uses.of(cap, situation, period) + spared)
        over = (price.payable if cap.benefits is None else _concerned(cap, price)) - left
        if over <= 0:
            continue
        amount = Money(-over)
        text = ""
        if situation.case.explained:
            recovering = uses.recovering.get(_key_of(cap, situation, period), 0) if uses.recovering else 0
            text = texts.cap_text(most, left, amount, cap.per, recovering)
        price.add(BenefitLine(rule="cap", article=cap.article, amount=amount, text=text))
        price.assumed += cap.leans_on
        if cap.benefits is None or _tops_up(price, cap.benefits):
            price.topped_up, over = max(0, price.topped_up - over), max(0, over - price.topped_up)
        # Then from the last benefit backwards: a later cap of some benefits then counts what is really left of each.
        left_of_each = []
        for name, paid in reversed(price.by_benefit):
            cut = min(over, paid) if paid > 0 and (cap.benefits is None or name in cap.benefits) else 0
            left_of_each.append((name, paid - cut))
            over -= cut
        price.by_benefit = tuple(reversed(left_of_each))


def _concerned(cap: Cap, price: UnitPrice) -> int:
    if cap.benefits is None:
        return price.payable
    paid = sum([amount for name, amount in price.by_benefit if name in cap.benefits])
    return paid + price.topped_up if _tops_up(price, cap.benefits) else paid


def _tops_up(price: UnitPrice, benefits: frozenset[str]) -> bool:
    """Whether the floor topped up what only these benefits paid: then it is theirs, and their cap holds for it too."""
    return bool(price.topped_up) and price.floor_of <= benefits and bool(price.floor_of)


def _year_of(situation: Situation, period: Period) -> tuple[date, date]:
    """First and last day of the twelve months from the period's first day that hold the unit's day."""
    day = max(situation.measure.first or period.first, period.first)
    first, last = period.first, before_months_later(period.first, 12)
    years = 1
    while last < day:
        years += 1
        first, last = last + _ONE_DAY, before_months_later(period.first, 12 * years)
    return first, last
