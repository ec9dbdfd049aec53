"""A share of a base (分段补助): gate or deductible, then bands, then proration, then the benefit's own cap."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from gateway.core.schemes.amounts import texts
from gateway.core.schemes.amounts.bases import base_of
from gateway.core.schemes.amounts.unit_price import UnitPrice
from gateway.core.schemes.language.bands import RATE_UNITS, Band, band_of_whole, half_up, raised
from gateway.core.schemes.language.conditions import holds
from gateway.core.schemes.language.rules import ShareBenefit, Threshold
from gateway.core.schemes.units.periods import Period
from gateway.core.schemes.units.situations import Situation
from gateway.model.benefit import BenefitLine
from gateway.model.money import Money


def price_share(price: UnitPrice, share: ShareBenefit, situation: Situation, period: Period) -> bool:
    """Add the lines of a share. False where its base is not known: a person decides about the whole unit.

    The order is that of the regulations: the gate sees the whole base, the deductible comes off it, the bands pay for
    what is left, and only what they pay is prorated and capped.
    """
    whole_base = base_of(share.base, situation, period.edition.ceiling)
    if whole_base is None:
        return False
    if whole_base.negative:
        price.assumed.append("base.not_below_zero")
    if period.edition.ceiling is not None and share.base.special:
        price.assumed.append("ceiling")
    base, deducted = whole_base.amount, 0
    if share.gate is not None:
        gate = _amount(share.gate, situation)
        if base < gate or (share.gate.exceeded and base == gate):
            return True
    if share.deductible is not None:
        # A deductible per period is used up once (一个保障期只扣一次).
        amount = _amount(share.deductible, situation)
        if share.deductible.per == "period":
            amount = max(0, amount - period.deductibles.get(share.name, 0))
            price.deducted = {**price.deducted, share.name: min(base, amount)}
        deducted = min(base, amount)
        base -= deducted
    lines = len(price.lines)
    pricing = _SharePricing(price, share, situation, period)
    exact = pricing.whole(base) if share.whole else pricing.bands(base, deducted)
    if len(price.lines) > lines:
        price.assumed.append("rounding")
        price.assumed += share.leans_on
        if share.prorated and situation.covered < situation.measure.total_days and not situation.unit.of_one_day:
            pricing.prorate(exact)
        if share.floor is not None:
            pricing.top_up(share.floor)
        if share.cap is not None:
            pricing.cap(share.cap)
    return True


def _amount(threshold: Threshold, situation: Situation) -> int:
    return threshold.first if situation.first else threshold.later


class _SharePricing(msgspec.Struct, frozen=True, gc=False):
    """The lines of one share of one unit. Exact sums are in ten-thousandths of a fen, before any rounding."""

    price: UnitPrice
    share: ShareBenefit
    situation: Situation
    period: Period

    def bands(self, base: int, deducted: int) -> int:
        """The lines of the bands, rounded once together; returns the exact sum."""
        share, lines, unit = self.share, self.price.lines, self.period.edition.rounding_unit
        exact, paid, scale = 0, 0, RATE_UNITS * unit
        before = texts.of_base(base, deducted) if self.situation.case.explained else None
        plain = share.raise_ is None and not share.by_condition
        for band in share.bands if plain else self._bands_that_hold():
            over, upto = band.over, band.upto
            if base <= over:
                break
            part = (base if upto is None or base < upto else upto) - over
            exact += part * band.rate_units
            # Each band shows the growth of the rounded sum, so that the lines add up to a sum rounded once.
            amount = (2 * exact + scale) // (2 * scale) * unit - paid
            paid += amount
            lines.append(
                BenefitLine(
                    rule="band",
                    article=band.article,
                    base=Money(part),
                    rate=band.rate,
                    amount=Money(amount),
                    text="" if before is None else texts.band_text(before, band, amount),
                    benefit=share.name,
                )
            )
            if upto is None:
                self.price.assumed.append("bands.open_end")
        self.price.payable += paid
        self.price.by_benefit += ((share.name, paid),)
        return exact

    def whole(self, base: int) -> int:
        """One line: the whole base at the rate, or the amount, of the band it falls in; returns the exact sum."""
        band = band_of_whole(self._bands_that_hold(), base, upper_included=self.share.upper_included)
        if band is None or base <= 0:
            return 0
        unit = self.period.edition.rounding_unit
        exact = base * band.rate_units if band.amount is None else band.amount * RATE_UNITS
        amount = Money(half_up(exact, RATE_UNITS * unit) * unit)
        line = BenefitLine(
            rule="band",
            article=band.article,
            base=Money(base),
            rate=band.rate if band.amount is None else None,
            amount=amount,
            text=texts.whole_text(base, band, amount) if self.situation.case.explained else "",
            benefit=self.share.name,
        )
        self.price.pay(line, self.share.name)
        if band.upto is None:
            self.price.assumed.append("bands.open_end")
        return exact

    def _bands_that_hold(self) -> Sequence[Band]:
        """The bands whose conditions hold, with the rates of a member of so many years in a row (连续参互提高比例)."""
        share, rule = self.share, self.share.raise_
        if rule is None and not share.by_condition:
            return share.bands
        bands = [band for band in share.bands if holds(band.conditions, self.situation)]
        years = self.period.years
        if rule is None or years < rule.from_year:
            return bands
        more = min(rule.most, rule.per_year * Decimal(years - rule.from_year + 1))
        return [raised(band, more) for band in bands]

    def prorate(self, exact: int) -> None:
        """Take off what belongs to days that are not covered: the exact sum is shared out and rounded once."""
        covered, total = self.situation.covered, self.situation.measure.total_days
        unit = self.period.edition.rounding_unit
        self.price.assumed += ("proration.nights", "proration.subsidy_only")
        covered_part = half_up(exact * covered, RATE_UNITS * total * unit) * unit
        amount = Money(covered_part - self.price.of(self.share.name))
        if amount:
            line = BenefitLine(
                rule="proration",
                article=self.period.edition.proration_article or self.share.article,
                days=covered,
                total_days=total,
                amount=amount,
                text=texts.proration_text(covered, total, amount) if self.situation.case.explained else "",
                benefit=self.share.name,
            )
            self.price.pay(line, self.share.name)

    def top_up(self, floor: int) -> None:
        """Raise what the share pays to its own floor; nothing stays nothing."""
        share, paid = self.share, self.price.of(self.share.name)
        if 0 < paid < floor:
            text = texts.benefit_floor_text(share.title, paid, floor) if self.situation.case.explained else ""
            amount = Money(floor - paid)
            line = BenefitLine(
                rule="benefit_floor", article=share.article, amount=amount, text=text, benefit=share.name
            )
            self.price.pay(line, share.name)
            self.price.assumed.append("floor.above_zero")

    def cap(self, cap: int) -> None:
        """Take off what is above the share's own cap."""
        share, amount = self.share, Money(cap - self.price.of(self.share.name))
        if amount < 0:
            text = texts.benefit_cap_text(share.title, cap, amount) if self.situation.case.explained else ""
            line = BenefitLine(rule="benefit_cap", article=share.article, amount=amount, text=text, benefit=share.name)
            self.price.pay(line, share.name)
