"""The fund's year (基金一年) under a simulation, and its forecast: what it costs when nobody forgets to claim.

Amounts in fen, rates of claims in hundredths per 100 members and year.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.core.studies.simulation import Figures, RulesFigures, share

HOSPITAL_RATE: Final = 1193
"""Stays in hospital per 100 active members and year, in hundredths: 11.93 (2023, 国家医保局)."""

PUBLISHED_TAKE_UP: Final = (200, 400, 500, 650)
"""Claims per 100 members and year as the leagues publish them (鄂尔多斯 2.0 … 呼伦贝尔 6.5), in hundredths."""

YEAR: Final = 365


class Year(msgspec.Struct, frozen=True, kw_only=True):
    """The fund's year under one set of rules; `income` and `balance` are None where no fee is known."""

    members: int
    claims: int
    income: int | None
    outlay: int
    balance: int | None


def year_of(figures: Figures, side: RulesFigures, days: int) -> Year:
    """The sums over `days` days brought to a year of 365. What takes between 360 and 370 days is a year as it is."""
    span = YEAR if 360 <= days <= 370 else days
    members = share(figures.member_days, 1, span)
    outlay = share(side.paid, YEAR, span)
    income = None if side.income is None else share(side.income, YEAR, span)
    balance = None if income is None else income - outlay
    return Year(members=members, claims=share(side.claims, YEAR, span), income=income, outlay=outlay, balance=balance)


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the forecast: claims per 100 members and year (hundredths), why this row, and the year's money."""

    per_100: int
    why: tuple[str, ...]
    before: int
    after: int
    balance_before: int | None
    balance_after: int | None


def take_up(claims: int, member_days: int) -> int | None:
    """Claims per 100 members and year, in hundredths; None where nobody is covered."""
    return share(claims, 10_000 * YEAR, member_days) if member_days else None


def forecast(figures: Figures, days: int, *, today: int | None) -> list[Forecast]:
    """A year's outlay by take-up, from today's rate to the one of all who are in hospital.

    Each claim is worth what the simulated ones are worth on average: those who forget to claim today may have
    smaller bills, so the last rows are an upper bound.
    """
    before, after = year_of(figures, figures.before, days), year_of(figures, figures.after, days)
    reasons: dict[int, list[str]] = {rate: ["published"] for rate in PUBLISHED_TAKE_UP}
    reasons.setdefault(HOSPITAL_RATE, []).append("hospital_rate")
    if today is not None:
        reasons.setdefault(today, []).append("today")
    seen = take_up(figures.before.claims, figures.member_days)
    if seen:
        reasons.setdefault(seen, []).append("all_stored")
    forecasts = []
    for rate, why in sorted(reasons.items()):
        outlay_before = share(figures.before.paid, before.members * rate, figures.before.claims * 10_000)
        outlay_after = share(figures.after.paid, after.members * rate, figures.after.claims * 10_000)
        forecasts.append(
            Forecast(
                per_100=rate,
                why=tuple(why),
                before=outlay_before,
                after=outlay_after,
                balance_before=None if before.income is None else before.income - outlay_before,
                balance_after=None if after.income is None else after.income - outlay_after,
            )
        )
    return forecasts
