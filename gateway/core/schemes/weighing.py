"""What one stay is worth: bands → proration → allowance → floor → what is left of the period's cap."""

from __future__ import annotations

import msgspec

from gateway.core.schemes import texts
from gateway.core.schemes.edition import RATE_UNITS, Allowance, Band, Edition
from gateway.core.schemes.measures import Measure
from gateway.core.schemes.periods import Period, years_in_a_row
from gateway.model.benefit import BenefitLine
from gateway.model.money import Money


class Weighed(msgspec.Struct, kw_only=True, gc=False):
    """Lines in order with their sum, the open questions they leaned on, and whether an allowance was due."""

    lines: list[BenefitLine]
    payable: int
    assumed: list[str]
    allowance_due: bool = False

    def add(self, line: BenefitLine) -> None:
        self.lines.append(line)
        self.payable += line.amount


def weigh(measure: Measure, period: Period, *, covered: int, first: bool, monthly: bool, left: int) -> Weighed:
    """The estimate's lines. `first`: the period's first stay; `left`: what is left of its cap, in fen.

    A month of special outpatient care has no proration, no allowance and no floor.
    """
    weighed = Weighed(lines=[], payable=0, assumed=[])
    _subsidy(weighed, measure, period.edition, covered=measure.total_days if monthly else covered)
    if not monthly:
        _allowance(weighed, measure, period, covered=covered, first=first)
        _floor(weighed, period.edition)
    _cap(weighed, period.edition, left)
    return weighed


def _subsidy(weighed: Weighed, measure: Measure, edition: Edition, *, covered: int) -> None:
    """Bands and proration: exact in ten-thousandths of a fen, rounded half up once for the prorated sum."""
    base, total = measure.base or 0, measure.total_days
    exact = 0
    for band in edition.bands:
        if base <= band.over:
            break
        part = (base if band.upto is None or base < band.upto else band.upto) - band.over
        exact += part * band.rate_units
        # Each band shows the growth of the rounded sum, so that the lines add up to a sum rounded once.
        amount = Money(_half_up(exact, RATE_UNITS) - weighed.payable)
        weighed.add(_band_line(base, part, band, amount))
    if not weighed.lines:
        return
    weighed.assumed.append("rounding")
    _note_open_end(weighed, edition)
    if covered < total:
        weighed.assumed += ("proration.nights", "proration.subsidy_only")
        amount = Money(_half_up(exact * covered, RATE_UNITS * total) - weighed.payable)
        if amount:
            weighed.add(_proration_line(edition, covered, total, amount))


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _note_open_end(weighed: Weighed, edition: Edition) -> None:
    if len(weighed.lines) == len(edition.bands) and edition.bands[-1].upto is None:
        weighed.assumed.append("bands.open_end")


def _band_line(base: int, part: int, band: Band, amount: Money) -> BenefitLine:
    return BenefitLine(
        rule="band",
        article=band.article,
        base=Money(part),
        rate=band.rate,
        amount=amount,
        text=texts.band_text(base, band, amount),
    )


def _proration_line(edition: Edition, covered: int, total: int, amount: Money) -> BenefitLine:
    return BenefitLine(
        rule="proration",
        article=edition.proration_article,
        days=covered,
        total_days=total,
        amount=amount,
        text=texts.proration_text(covered, total, amount),
    )


def _allowance(weighed: Weighed, measure: Measure, period: Period, *, covered: int, first: bool) -> None:
    allowance = period.edition.allowance
    if allowance is None:
        weighed.assumed.append("allowance.from_2021")
        return
    if period.stays > 1:
        weighed.assumed.append("allowance.first_stay")
    if not first:
        return
    days = min(allowance.max_days, measure.sheet_days or measure.total_days)
    if covered < measure.total_days:
        days = min(days, covered)
    weighed.assumed += _leaned_on(measure, period, allowance)
    weighed.allowance_due = True
    weighed.add(_allowance_line(allowance, days, years_in_a_row(period, allowance)))


def _leaned_on(measure: Measure, period: Period, allowance: Allowance) -> list[str]:
    assumed = ["allowance.years"]
    if measure.sheet_days is None:
        assumed.append("allowance.days")
    if period.before is not None and period.before.allowance_due:
        assumed.append("allowance.restart")
    return assumed


def _allowance_line(allowance: Allowance, days: int, years: int) -> BenefitLine:
    per_day = allowance.per_day[years - 1]
    amount = Money(days * per_day)
    return BenefitLine(
        rule="daily_allowance",
        article=allowance.article,
        days=days,
        per_day=per_day,
        amount=amount,
        text=texts.allowance_text(days, years, per_day, amount),
    )


def _floor(weighed: Weighed, edition: Edition) -> None:
    floor = edition.floor
    if floor is None:
        if weighed.payable:
            weighed.assumed.append("floor.from_2021")
    elif 0 < weighed.payable < floor.amount:
        weighed.assumed.append("floor.above_zero")
        text = texts.floor_text(weighed.payable, floor.amount)
        amount = Money(floor.amount - weighed.payable)
        weighed.add(BenefitLine(rule="floor", article=floor.article, amount=amount, text=text))


def _cap(weighed: Weighed, edition: Edition, left: int) -> None:
    if weighed.payable <= left:
        return
    amount = Money(left - weighed.payable)
    text = texts.cap_text(edition.cap.amount, left, amount)
    weighed.add(BenefitLine(rule="cap", article=edition.cap.article, amount=amount, text=text))
