"""A daily allowance (住院补贴): days of a stay times an amount that may grow with the years in a row."""

from __future__ import annotations

from gateway.core.schemes.amounts import texts
from gateway.core.schemes.amounts.unit_price import UnitPrice
from gateway.core.schemes.language.conditions import holds
from gateway.core.schemes.language.rules import DailyBenefit, DailyRate
from gateway.core.schemes.units.periods import Period, years_of_allowance
from gateway.core.schemes.units.situations import Situation
from gateway.model.benefit import BenefitLine
from gateway.model.money import Money


def price_daily(price: UnitPrice, daily: DailyBenefit, situation: Situation, period: Period) -> None:
    """Add the allowance's line, by the first of its rates whose conditions hold."""
    for rate in daily.rates:
        if not rate.conditions or holds(rate.conditions, situation):
            break
    else:
        return
    # Due is what the conditions give, also where no day is paid: the next period counts its years by that.
    price.due += (daily.name,)
    price.assumed += daily.leans_on
    if len(rate.per_day) > 1:
        price.assumed.append("allowance.years")
    if situation.measure.sheet_days is None:
        price.assumed.append("allowance.days")
    if period.before is not None and daily.name in period.before.due:
        price.assumed.append("allowance.restart")
    # Days of the settlement sheet where it tells them, else nights; of a stay that is prorated, covered ones.
    days = situation.measure.sheet_days or situation.measure.total_days
    if situation.covered < situation.measure.total_days:
        days = min(days, situation.covered)
    days = min(daily.max_days, max(0, days - daily.after_days))
    if days > 0:
        years = 1 if period.before is None else years_of_allowance(period, daily, len(rate.per_day))
        price.pay(_line(daily, rate, days, years, situation.case.explained), daily.name)


def _line(daily: DailyBenefit, rate: DailyRate, days: int, years: int, explained: bool) -> BenefitLine:
    per_day = rate.per_day[years - 1]
    amount = Money(days * per_day)
    text = ""
    if explained and len(rate.per_day) > 1:
        text = texts.allowance_text(days, years, per_day, amount)
    elif explained:
        text = texts.daily_text(daily.title, days, per_day, amount)
    return BenefitLine(
        rule="daily_allowance",
        article=daily.article,
        days=days,
        per_day=per_day,
        amount=amount,
        text=text,
        benefit=daily.name,
    )
