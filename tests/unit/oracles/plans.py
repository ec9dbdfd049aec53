"""The schemes that pay a share of what a stay or a year cost, each as its text says it, in plain integers of fen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from oracles.naive import (
    Estimate,
    Period,
    Row,
    Unit,
    amount,
    by_month,
    by_period,
    day,
    days_impossible,
    estimate,
    nights,
    percent_of,
    period_of,
    period_on,
    periods_of,
    place,
    settled_badly,
    settled_day,
    standing,
    visits,
    wrong_insurance,
    years_after,
)

Lines = list[tuple[str, int]]


class Incomplete(Exception):
    """An amount that is needed is missing or below zero."""


@dataclass(frozen=True)
class Plan:
    """What differs between the schemes, in words of Python: figures stand in the functions below."""

    starts: tuple[tuple[str, str], ...]
    units: Callable[[list[Row], list[Period]], list[Unit]]
    lines: Callable[[Unit, Period, Row], Lines]
    cap: Callable[[Unit, Period], tuple[int, int]]
    """What is left of the cap, and the year it is counted in."""
    claim_by: Callable[[Period], date]
    flags: Callable[[Row], list[str]]
    insurance_types: tuple[str, ...] = ("310",)
    payable_care: tuple[str, ...] = ("inpatient",)
    waiting: Callable[[Unit, Period], bool] = lambda unit, period: False


def answer(case: Row, plan: Plan) -> list[Estimate]:
    """All estimates of a case, in the order they are weighed."""
    periods = periods_of(case, plan.starts)
    aside, rest = [], []
    for row in standing(case["settlements"]):
        reason = wrong_insurance(row, plan.insurance_types)
        if reason is None and row["care_type"] not in plan.payable_care:
            reason = "not_payable_care"
        if reason is None:
            rest.append(row)
        else:
            aside.append(estimate([row["settlement_no"]], None, flags=[reason]))
    units = sorted(plan.units(rest, periods), key=place)
    return aside + [weighed(unit, case, plan, periods) for unit in units]


def weighed(whole: Unit, case: Row, plan: Plan, periods: list[Period]) -> Estimate:
    numbers, unit = whole.numbers(), counted(whole, plan, periods)
    period = period_of(unit, periods)
    known = {"claim_by": plan.claim_by(period).isoformat() if period else None}
    # Who may be a member is a question of the edition; what a person must look at is not.
    flags = [flag for flag in plan.flags(case["member"]) if period or flag != "not_eligible"]
    if period is not None and plan.waiting(unit, period):
        return estimate(numbers, period, flags=["waiting_period"], **known)
    if days_impossible(unit):
        return estimate(numbers, period, flags=["incomplete", *flags], **known)
    if period is None:
        return estimate(numbers, None, flags=["not_covered"])
    try:
        if settled_badly(unit):
            raise Incomplete
        lines = plan.lines(unit, period, case)
    except Incomplete:
        return estimate(numbers, period, flags=["incomplete", *flags], **known)
    due = sum(value for _, value in lines)
    left, year = plan.cap(unit, period)
    paid = min(due, max(0, left - period.paid_by_year.get(year, 0)))
    period.paid_by_year[year] = period.paid_by_year.get(year, 0) + paid
    lines.append(("cap", paid - due))
    return estimate(numbers, period, payable=paid, lines=lines, flags=flags, **known)


def counted(unit: Unit, plan: Plan, periods: list[Period]) -> Unit:
    """Of a month what was settled on covered days that wait for nothing, else on covered days, else all of it."""
    if unit.kind != "month":
        return unit
    covered = [row for row in unit.rows if period_on(settled_day(row), periods)]
    payable = []
    for row in covered:
        period = period_on(settled_day(row), periods)
        if period is not None and not plan.waiting(Unit("month", [row]), period):
            payable.append(row)
    return Unit("month", payable or covered or unit.rows)


# ---- amounts


def needed(row: Row, name: str) -> int:
    value = amount(row, name)
    if value is None or value < 0:
        raise Incomplete
    return value


def self_pay(unit: Unit) -> int:
    """进入统筹费用 less what the funds paid, each settlement at least 0."""
    return sum(max(0, needed(row, "in_scope_amount") - needed(row, "fund_paid_amount")) for row in unit.rows)


def stays_only(rows: list[Row], periods: list[Period]) -> list[Unit]:
    return visits(rows)


def stays_and_months(rows: list[Row], periods: list[Period]) -> list[Unit]:
    special = [row for row in rows if row["care_type"] == "outpatient_special"]
    return visits([row for row in rows if row["care_type"] == "inpatient"]) + by_month(special)


def stays_and_year(rows: list[Row], periods: list[Period]) -> list[Unit]:
    visited = [row for row in rows if row["care_type"] == "outpatient"]
    return visits([row for row in rows if row["care_type"] == "inpatient"]) + by_period(visited, periods)


def not_eligible(member: Row, categories: tuple[str, ...], *, insured: bool = True) -> list[str]:
    wrong = member["category"] not in categories or (insured and member.get("insured") is False)
    return ["not_eligible"] if wrong else []


# ---- 运城: the rate of the band the whole base falls in; nothing below 2,000


YUNCHENG = {"2022": (15, 20, 20_000), "2023": (25, 30, 30_000), "2025": (30, 35, 40_000)}


def yuncheng_lines(unit: Unit, period: Period, case: Row) -> Lines:
    assert period.edition is not None
    low, high, _ = YUNCHENG[period.edition]
    if case["member"].get("insured") is False:
        base = sum(needed(row, "total_amount") for row in unit.rows)
    else:
        base = self_pay(unit)
    if base < 2_000_00:
        return []
    return [("band", percent_of(base, low if base < 5_000_00 else high))]


def yuncheng_flags(member: Row) -> list[str]:
    bill = ["bill_to_confirm"] if member.get("insured") is False else []
    return not_eligible(member, ("active",), insured=False) + bill


yuncheng = Plan(
    starts=(("2022-01-01", "2022"), ("2023-01-01", "2023"), ("2025-01-01", "2025")),
    units=stays_only,
    lines=yuncheng_lines,
    cap=lambda unit, period: (YUNCHENG[period.edition or ""][2] * 100, 0),
    claim_by=lambda period: period.last + timedelta(days=180),
    flags=yuncheng_flags,
)


# ---- 龙岩: half at home, 40 % elsewhere, whole yuan, 200 to 25,000


def longyan_lines(unit: Unit, period: Period, case: Row) -> Lines:
    base = 0
    for row in unit.rows:
        less = [needed(row, name) for name in ("fund_paid_amount", "full_self_amount", "deductible_amount")]
        base += max(0, needed(row, "total_amount") - sum(less))
    away = any(
        row.get("care_region") is not None
        and row.get("insured_region") is not None
        and row["care_region"][:4] != row["insured_region"][:4]
        for row in unit.rows
    )
    fraction_of_yuan = base * (40 if away else 50)
    share = (fraction_of_yuan + 5_000) // 10_000 * 100
    return [("band", share), ("floor", 200_00 - share if 0 < share < 200_00 else 0)]


longyan = Plan(
    starts=(("2013-01-01", "2013"),),
    units=stays_only,
    lines=longyan_lines,
    cap=lambda unit, period: (25_000_00, 0),
    claim_by=lambda period: date(period.last.year + 1, 6, 30),
    flags=lambda member: not_eligible(member, ("active",)),
    insurance_types=("310", "390"),
)


# ---- 上海: 60 % under the ceiling, 70 % above it, 50 % of 门诊大病


CEILINGS = {
    "sh-active": {"2000": 56_000, "2016": 420_000, "2020": 550_000, "2024": 640_000},
    "sh-active-3y": {"2002": 56_000},
    "sh-retired": {"2019": 530_000, "2020": 550_000, "2023": 610_000},
}
SHANGHAI_CAPS = {"2000": 40_000, "2002": 40_000, "2016": 40_000, "2019": 40_000}


def shanghai_lines(unit: Unit, period: Period, case: Row) -> Lines:
    assert period.edition is not None
    if unit.kind == "month":
        return [("band", percent_of(self_pay(unit), 50))]
    ceiling = CEILINGS[case["scheme"]][period.edition] * 100
    under = above = 0
    for row in unit.rows:
        in_scope = needed(row, "in_scope_amount")
        pooled, extra = min(in_scope, ceiling), max(0, in_scope - ceiling)
        if pooled > 0:
            under += max(0, pooled - needed(row, "pooled_fund_amount") - needed(row, "deductible_amount"))
        if extra > 0:
            above += max(0, extra - needed(row, "large_amount_fund_amount"))
    return [("band", percent_of(under, 60)), ("band", percent_of(above, 70))]


def shanghai_cap(unit: Unit, period: Period) -> tuple[int, int]:
    return SHANGHAI_CAPS.get(period.edition or "", 100_000) * 100, 0


def shanghai_cap_by_year(unit: Unit, period: Period) -> tuple[int, int]:
    span = nights(unit)
    assert span is not None
    return 40_000_00, period.year_of(max(span[0], period.first))


def first_thirty_days(unit: Unit, period: Period) -> bool:
    """Day 30 is the first that pays; a renewal within ten days has no such days; from 2024 nobody has."""
    if period.edition == "2024":
        return False
    if period.before is not None and (period.first - period.before.last).days <= 10:
        return False
    span = nights(unit)
    came = span[0] if span else day(unit.rows[0].get("admitted_on"))
    return came is not None and (came - period.first).days < 30


def two_years_on(period: Period) -> date:
    return years_after(period.last, 2)


sh_active = Plan(
    starts=(("2000-12-01", "2000"), ("2016-07-01", "2016"), ("2020-04-01", "2020"), ("2024-07-01", "2024")),
    units=stays_and_months,
    lines=shanghai_lines,
    cap=shanghai_cap,
    claim_by=two_years_on,
    flags=lambda member: not_eligible(member, ("active",)),
    payable_care=("inpatient", "outpatient_special"),
    waiting=first_thirty_days,
)
sh_active_3y = Plan(
    starts=(("2002-01-01", "2002"),),
    units=stays_and_months,
    lines=shanghai_lines,
    cap=shanghai_cap_by_year,
    claim_by=two_years_on,
    flags=lambda member: not_eligible(member, ("active",)),
    payable_care=("inpatient", "outpatient_special"),
    waiting=first_thirty_days,
)
sh_retired = Plan(
    starts=(("2019-07-01", "2019"), ("2020-07-01", "2020"), ("2023-07-01", "2023")),
    units=stays_and_months,
    lines=shanghai_lines,
    cap=shanghai_cap,
    claim_by=two_years_on,
    flags=lambda member: not_eligible(member, ("retired",)),
    payable_care=("inpatient", "outpatient_special"),
)


# ---- 崇明: 70 % of what lies below 起付线; of a year's outpatient self-pay 55 % from 500, 60 % from 1,200 to 2,000


def chongming_lines(unit: Unit, period: Period, case: Row) -> Lines:
    if unit.kind == "stay":
        return [("band", percent_of(sum(needed(row, "deductible_amount") for row in unit.rows), 70))]
    base = self_pay(unit)
    low = max(0, min(base, 1_200_00) - 500_00)
    high = max(0, min(base, 2_000_00) - 1_200_00)
    return [("band", percent_of(low, 55)), ("band", percent_of(high, 60))]


chongming = Plan(
    starts=(("2002-09-01", "2002"),),
    units=stays_and_year,
    lines=chongming_lines,
    cap=lambda unit, period: (1_000_00, 0),
    claim_by=lambda period: period.last + timedelta(days=90),
    flags=lambda member: not_eligible(member, ("active",)),
    payable_care=("inpatient", "outpatient"),
)


# ---- 静安: a quarter of what the city's plan left


def jingan_lines(unit: Unit, period: Period, case: Row) -> Lines:
    base = self_pay(unit)
    for one in case.get("beside", {}).get("sh-active", []):
        if one["settlements"][0] in unit.numbers():
            base -= amount(one, "payable") or 0
    return [("band", percent_of(max(0, base), 25))]


def no_cap(unit: Unit, period: Period) -> tuple[int, int]:
    """The text knows no cap."""
    return 10**15, 0


jingan = Plan(
    starts=(("2002-01-01", "2002"),),
    units=stays_only,
    lines=jingan_lines,
    cap=no_cap,
    claim_by=lambda period: period.last + timedelta(days=90),
    flags=lambda member: not_eligible(member, ("active", "retired")),
)

PLANS = {
    "yuncheng": yuncheng,
    "longyan": longyan,
    "sh-active": sh_active,
    "sh-active-3y": sh_active_3y,
    "sh-retired": sh_retired,
    "chongming": chongming,
    "jingan": jingan,
}
