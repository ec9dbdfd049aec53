"""A share of a base (分段补助): gate or deductible, then bands, then proration, then the benefit's own cap."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

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
    """Add the lines of a share. False where its base is not known: a person decides about the whole unit."""
    found = base_of(share.base, situation, period.edition.ceiling or 0)
    if found is None:
        return False
    if found.negative:
        price.assumed.append("base.not_below_zero")
    if period.edition.ceiling is not None and share.base.special:
        price.assumed.append("ceiling")
    base, deducted = found.amount, 0
    if share.gate is not None and base < _amount(share.gate, situation):
        return True
    if share.deductible is not None:
        deducted = _deducted(price, share, share.deductible, situation, period, base)
        base -= deducted
    lines = len(price.lines)
    exact = _bands(price, share, situation, period, base, deducted)
    if len(price.lines) > lines:
        price.assumed.append("rounding")
        price.assumed += share.leans_on
        if share.prorated and situation.covered < situation.measure.total_days and not situation.unit.of_one_day:
            _prorate(price, share, situation, period, exact)
        if share.cap is not None:
            _cap(price, share, share.cap, situation.case.explained)
    return True


def _amount(threshold: Threshold, situation: Situation) -> int:
    return threshold.first if situation.first else threshold.later


def _deducted(
    price: UnitPrice, share: ShareBenefit, deductible: Threshold, situation: Situation, period: Period, base: int
) -> int:
    """What is taken off the base; a deductible per period is used up once (一个保障期只扣一次)."""
    amount = _amount(deductible, situation)
    if deductible.per == "period":
        amount = max(0, amount - period.deductibles.get(share.name, 0))
        price.deducted = {**price.deducted, share.name: min(base, amount)}
    return min(base, amount)


def _bands(
    price: UnitPrice, share: ShareBenefit, situation: Situation, period: Period, base: int, deducted: int
) -> int:
    """The lines of the bands, rounded once together; returns the exact sum in ten-thousandths of a fen."""
    bands = share.bands if share.raise_ is None and not share.by_condition else _holding(share, situation, period)
    unit = period.edition.rounding_unit
    if share.whole:
        return _whole(price, share, bands, base, situation, unit)
    exact, paid, scale = 0, 0, RATE_UNITS * unit
    before = texts.of_base(base, deducted) if situation.case.explained else None
    for band in bands:
        over, upto = band.over, band.upto
        if base <= over:
            break
        part = (base if upto is None or base < upto else upto) - over
        exact += part * band.rate_units
        # Each band shows the growth of the rounded sum, so that the lines add up to a sum rounded once.
        amount = (2 * exact + scale) // (2 * scale) * unit - paid
        paid += amount
        price.lines.append(
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
            price.assumed.append("bands.open_end")
    price.paid(paid, share.name)
    return exact


def _whole(
    price: UnitPrice, share: ShareBenefit, bands: Sequence[Band], base: int, situation: Situation, unit: int
) -> int:
    """One line: the whole base at the rate, or the amount, of the band it falls in."""
    band = band_of_whole(bands, base, upper_included=share.upper_included)
    if band is None or base <= 0:
        return 0
    exact = base * band.rate_units if band.amount is None else band.amount * RATE_UNITS
    amount = Money(half_up(exact, RATE_UNITS * unit) * unit)
    text = texts.whole_text(base, band, amount) if situation.case.explained else ""
    line = BenefitLine(
        rule="band",
        article=band.article,
        base=Money(base),
        rate=band.rate if band.amount is None else None,
        amount=amount,
        text=text,
        benefit=share.name,
    )
    price.pay(line, share.name)
    if band.upto is None:
        price.assumed.append("bands.open_end")
    return exact


def _holding(share: ShareBenefit, situation: Situation, period: Period) -> Sequence[Band]:
    """The bands whose conditions hold, with the rates of the member's years."""
    return _raised([band for band in share.bands if holds(band.conditions, situation)], share, period.years)


def _raised(bands: Sequence[Band], share: ShareBenefit, years: int) -> Sequence[Band]:
    """The bands with the rates of a member of so many years in a row (连续参互提高比例)."""
    rule = share.raise_
    if rule is None or years < rule.from_year:
        return bands
    more = min(rule.most, rule.per_year * Decimal(years - rule.from_year + 1))
    return [raised(band, more) for band in bands]


def _prorate(price: UnitPrice, share: ShareBenefit, situation: Situation, period: Period, exact: int) -> None:
    covered, total, unit = situation.covered, situation.measure.total_days, period.edition.rounding_unit
    price.assumed += ("proration.nights", "proration.subsidy_only")
    whole = half_up(exact * covered, RATE_UNITS * total * unit) * unit
    amount = Money(whole - price.of(share.name))
    if amount:
        line = BenefitLine(
            rule="proration",
            article=period.edition.proration_article or share.article,
            days=covered,
            total_days=total,
            amount=amount,
            text=texts.proration_text(covered, total, amount) if situation.case.explained else "",
            benefit=share.name,
        )
        price.pay(line, share.name)


def _cap(price: UnitPrice, share: ShareBenefit, cap: int, explained: bool) -> None:
    amount = Money(cap - price.of(share.name))
    if amount < 0:
        text = texts.benefit_cap_text(share.title, cap, amount) if explained else ""
        line = BenefitLine(rule="benefit_cap", article=share.article, amount=amount, text=text, benefit=share.name)
        price.pay(line, share.name)
