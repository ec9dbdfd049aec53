"""Lump sums at events (一次性给付): a confirmed first diagnosis, a death, the end of a period."""

from __future__ import annotations

from datetime import date

from gateway.core.schemes.amounts import texts
from gateway.core.schemes.amounts.caps import Uses
from gateway.core.schemes.amounts.unit_price import UnitPrice
from gateway.core.schemes.language.conditions import holds
from gateway.core.schemes.language.rules import GroupPayment, LumpSum
from gateway.core.schemes.units.events import Event, payment_of
from gateway.core.schemes.units.periods import Period
from gateway.core.schemes.units.situations import Situation
from gateway.model.benefit import BenefitLine
from gateway.model.money import Money

NOT_PAYABLE = "not_payable_care"
TO_CONFIRM = "diagnosis_to_confirm"
BEFORE_COVER = "diagnosed_before"
AMOUNT_UNKNOWN = "amount_unknown"
USED_BEFORE = "used_before"
WAITING = "waiting_period"

_WHAT = {"death": "身故", "maturity": "保障期满"}


def price_event(price: UnitPrice, event: Event, situation: Situation, period: Period, uses: Uses) -> None:
    """Add the event's line, or the flag that says why nothing is paid by itself.

    The reasons hold in this order: what the scheme does not pay for at all, what nobody confirmed yet, what was paid
    before, what came too early; only then is it asked what the sum would be.
    """
    lump = next((lump for lump in period.edition.lump_sums if lump.name == event.key.lump), None)
    payment = None if lump is None else payment_of(lump, event.key.group)
    if lump is None or not holds(lump.conditions, situation) or (lump.event == "diagnosis" and payment is None):
        price.flags += (NOT_PAYABLE,)
        return
    if not event.confirmed and not lump.by_code:
        price.flags += (TO_CONFIRM,)
        return
    day = 0 if event.on is None else (event.on - period.row_begins).days
    # With such a code a settlement came before cover began, not longer ago than the rule looks back.
    cover = period.row_begins
    oldest = date.fromordinal(max(1, cover.toordinal() - lump.lookback_days))
    if payment is not None and any(
        part.day is not None and oldest <= part.day < cover and payment.group.holds(part.record.diagnosis_codes)
        for part in situation.unit.evidence
    ):
        price.flags += (BEFORE_COVER,)
    if lump.once == "lifetime" and lump.name in uses.lump_sums:
        price.flags += (USED_BEFORE,)
    elif day < lump.waiting_days and (lump.accident_waits or not event.accident):
        _console(price, lump, day, situation, period)
    elif payment is not None and payment.amount is None:
        price.flags += (AMOUNT_UNKNOWN,)
    else:
        _pay(price, lump, payment, situation, period)


def _pay(price: UnitPrice, lump: LumpSum, payment: GroupPayment | None, situation: Situation, period: Period) -> None:
    amount = lump.amount if payment is None or payment.amount is None else payment.amount
    shares = period.shares if lump.per_share else 1
    total = Money(amount * shares)
    what = _WHAT.get(lump.event, "") if payment is None else payment.group.title
    text = texts.lump_sum_text(lump.title, what, shares, total) if situation.case.explained else ""
    line = BenefitLine(rule="lump_sum", article=lump.article, amount=total, text=text, benefit=lump.name)
    price.pay(line, lump.name)
    price.assumed += lump.leans_on


def _console(price: UnitPrice, lump: LumpSum, day: int, situation: Situation, period: Period) -> None:
    """Inside the waiting days: a consolation by the day, else nothing."""
    rule = next((rule for rule in lump.consolation if rule.from_day <= day <= rule.to_day), None)
    if rule is None:
        price.flags += (WAITING,)
        return
    shares = period.shares if rule.per_share else 1
    amount = Money(rule.amount * shares)
    text = texts.consolation_text(lump.title, day, shares, amount) if situation.case.explained else ""
    line = BenefitLine(rule="consolation", article=rule.article, amount=amount, text=text, benefit=lump.name)
    price.pay(line, lump.name)
    price.assumed += lump.leans_on
