"""What the naive implementations share: reading a case, periods, what is one unit, deadlines.

Written from the schemes' texts and the agreed language alone, without a look at the product's rules: whole fen as
plain integers, loops over everything, nothing remembered between cases.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

Row = dict[str, Any]
Estimate = dict[str, Any]

SHANGHAI = timezone(timedelta(hours=8))
ONE_DAY = timedelta(days=1)
LATE = datetime.max.replace(tzinfo=SHANGHAI)
MATERNITY_CARE = ("maternity_inpatient", "maternity_outpatient", "family_planning")


@dataclass
class Period:
    """One coverage period, with the edition that weighs it and what was paid in it (fen)."""

    first: date
    last: date
    edition: str | None
    before: Period | None = None
    paid: int = 0
    paid_by_year: dict[int, int] = field(default_factory=dict)

    def holds(self, day: date | None) -> bool:
        return day is not None and self.edition is not None and self.first <= day <= self.last

    def row_begins(self) -> date:
        """The first day of the periods in a row that end in this one."""
        period = self
        while period.before is not None and period.before.last + ONE_DAY == period.first:
            period = period.before
        return period.first

    def year_of(self, day: date) -> int:
        """0 in the first twelve months, 1 in the next, …"""
        years = day.year - self.first.year
        return max(0, years - ((day.month, day.day) < (self.first.month, self.first.day)))


@dataclass
class Unit:
    """What one estimate is about."""

    kind: str
    rows: list[Row]
    reason: str | None = None

    def numbers(self) -> list[str]:
        return [row["settlement_no"] for row in self.rows]


# ---- reading


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def settled(row: Row) -> datetime | None:
    text = row.get("settled_at")
    return None if text is None else datetime.fromisoformat(text).astimezone(SHANGHAI)


def settled_day(row: Row) -> date | None:
    instant = settled(row)
    return instant.date() if instant else None


def fen(text: str) -> int:
    return int(text.replace(".", ""))


def yuan(amount: int) -> str:
    whole, rest = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:02d}"


def amount(row: Row, name: str) -> int | None:
    text = row.get(name)
    return None if text is None else fen(text)


def percent_of(base: int, percent: int) -> int:
    """Half up to the fen."""
    return (base * percent + 50) // 100


def periods_of(case: Row, starts: Iterable[tuple[str, str]]) -> list[Period]:
    """In order; `starts` are the editions' first days and names, oldest first."""
    found: list[Period] = []
    coverage = case["member"]["coverage"]
    for first, last in sorted((date.fromisoformat(one["from"]), date.fromisoformat(one["to"])) for one in coverage):
        edition = None
        for start, name in starts:
            if date.fromisoformat(start) <= first:
                edition = name
        # A period that no edition weighs covers nothing, so nothing is renewed after it.
        before = found[-1] if found and found[-1].edition else None
        found.append(Period(first, last, edition, before))
    return found


def period_on(when: date | None, periods: list[Period]) -> Period | None:
    return next((period for period in periods if period.holds(when)), None)


# ---- which rows stand, and which are one unit


def standing(rows: list[Row]) -> list[Row]:
    """The cases refund whole settlements by number only."""
    gone = {row["reverses"] for row in rows if row.get("reversal")}
    return [row for row in rows if not row.get("reversal") and row["settlement_no"] not in gone]


def wrong_insurance(row: Row, insurance_types: tuple[str, ...]) -> str | None:
    insurance = row.get("insurance_type")
    if insurance == "510" or row.get("care_type") in MATERNITY_CARE:
        return "maternity_insurance"
    if insurance is not None and insurance not in insurance_types:
        return "not_employee_insurance"
    return None


def visits(rows: list[Row]) -> list[Unit]:
    """Rows of one facility and visit number are one stay; the others stand alone."""
    stays: dict[Any, Unit] = {}
    for row in sorted(rows, key=place_of_row):
        known = row.get("facility_no") is not None and row.get("visit_no") is not None
        key = (row["facility_no"], row["visit_no"]) if known else row["settlement_no"]
        stays.setdefault(key, Unit("stay", [])).rows.append(row)
    return list(stays.values())


def place_of_row(row: Row) -> tuple[date, datetime, str]:
    return day(row.get("admitted_on")) or date.max, settled(row) or LATE, row["settlement_no"]


def by_month(rows: list[Row]) -> list[Unit]:
    months: dict[Any, Unit] = {}
    for row in sorted(rows, key=lambda row: (settled(row) or LATE, row["settlement_no"])):
        instant = settled(row)
        key = (instant.year, instant.month) if instant else row["settlement_no"]
        months.setdefault(key, Unit("month", [])).rows.append(row)
    return list(months.values())


def by_period(rows: list[Row], periods: list[Period]) -> list[Unit]:
    """All of a period together; what lies in none stands alone."""
    found: dict[Any, Unit] = {}
    for row in sorted(rows, key=lambda row: (settled(row) or LATE, row["settlement_no"])):
        period = period_on(settled_day(row), periods)
        found.setdefault(period.first if period else row["settlement_no"], Unit("period", [])).rows.append(row)
    return list(found.values())


# ---- days


def nights(unit: Unit) -> tuple[date, date] | None:
    """First and last date of a stay that count, None where a date is missing or impossible."""
    if unit.kind != "stay":
        last = settled_day(unit.rows[-1])
        return (last, last) if last else None
    for row in unit.rows:
        came, left = day(row.get("admitted_on")), day(row.get("discharged_on"))
        if came is None or left is None or left < came:
            return None
    first, end = day(unit.rows[0]["admitted_on"]), day(unit.rows[-1]["discharged_on"])
    assert first is not None
    assert end is not None
    return first, max(first, end - ONE_DAY)


def period_of(unit: Unit, periods: list[Period]) -> Period | None:
    """The period that holds the first covered date."""
    span = nights(unit)
    if span is None:
        return period_on(day(unit.rows[0].get("admitted_on")), periods) if unit.kind == "stay" else None
    for period in periods:
        if period.edition is not None and period.first <= span[1] and span[0] <= period.last:
            return period
    return None


def place(unit: Unit) -> tuple[date, datetime, str]:
    """By admission, settlement time, number; what is summed over time stands at its last settlement."""
    last = settled(unit.rows[-1])
    if unit.kind == "stay":
        return day(unit.rows[0].get("admitted_on")) or date.max, last or LATE, unit.rows[0]["settlement_no"]
    return (last.date() if last else date.max), last or LATE, unit.rows[-1]["settlement_no"]


def days_impossible(unit: Unit) -> bool:
    return nights(unit) is None


def settled_badly(unit: Unit) -> bool:
    """A settlement time is missing or lies before the admission."""
    for row in unit.rows:
        when, came = settled_day(row), day(row.get("admitted_on"))
        if when is None or (unit.kind == "stay" and came is not None and when < came):
            return True
    return False


# ---- deadlines


def years_after(when: date, years: int) -> date:
    year = when.year + years
    return when.replace(year=year, day=min(when.day, monthrange(year, when.month)[1]))


def estimate(unit_numbers: list[str], period: Period | None, **found: Any) -> Estimate:
    """One estimate as the tests compare it."""
    lines = [line for line in found.pop("lines", []) if line[1] != 0]
    plain = {"payable": 0, "flags": [], "claim_by": None, **found}
    assert sum(value for _, value in lines) == plain["payable"]
    return {"settlements": sorted(unit_numbers), "edition": period.edition if period else None, "lines": lines, **plain}
