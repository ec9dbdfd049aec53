"""What a member of 内蒙古职工住院医疗互助保障 is owed, from the text of the scheme, a second time.

Written from the rules of the second edition (2020年度第二期) on and from the defaults the association has not yet
decided, in whole fen and days, over all of a member's bills at once. Nothing of the gateway's own reckoning is used,
so that the two can be held against each other. Only what the year plays is here: inpatient stays, transfers, bills of
one visit, special outpatient care by the month; nothing that the association decided meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Bill:
    """One settlement that stands: amounts in fen; `care`: inpatient or special (门诊特殊)."""

    number: str
    visit: str | None
    facility: str
    care: str
    admitted: date
    discharged: date
    days: int | None
    settled_at: datetime
    in_scope: int
    fund: int


@dataclass(frozen=True, order=True)
class Period:
    """One period of cover, both days included."""

    first: date
    last: date


@dataclass(frozen=True)
class Edition:
    """What one edition pays: the upper ends of the bands in yuan with their percentage, and the cap in yuan."""

    starts: date
    bands: tuple[tuple[int | None, int], ...]
    cap: int
    floor: int = 200
    allowance: tuple[int, ...] = (10, 20, 30)


EDITIONS = (
    # 2020年度（第二期）: 30/70/100 %, at most 250,000 yuan, neither floor nor daily allowance (细则第十条：自第三期起).
    Edition(date(2020, 4, 28), ((10_000, 30), (100_000, 70), (250_000, 100)), 250_000, floor=0, allowance=()),
    # 2021年度（第三期）, 细则第十条.
    Edition(date(2021, 5, 1), ((10_000, 40), (100_000, 70), (250_000, 100)), 250_000),
    # 2022年度（第四期）, carried on for every later period.
    Edition(
        date(2022, 3, 22),
        ((3_000, 40), (5_000, 50), (10_000, 60), (50_000, 70), (100_000, 80), (None, 100)),
        500_000,
    ),
)
YEARS_COUNT_FROM = date(2020, 4, 28)
MOST_ALLOWANCE_DAYS = 30


@dataclass(frozen=True)
class Owed:
    """One estimate: the settlements it is about and what is owed for them, in fen."""

    settlements: tuple[str, ...]
    payable: int


def owed(bills: Iterable[Bill], periods: Iterable[Period]) -> list[Owed]:
    """Everything that is owed to one member, in the order in which the cap is used; estimates of nothing are left
    out."""
    cover = sorted(periods)
    units = [*_stays(bills), *_months(bills, cover)]
    units.sort(key=lambda unit: (unit.began, unit.settled_at, unit.bills[0].number))
    used: dict[Period, int] = {}
    with_allowance: set[Period] = set()
    years: dict[Period, int] = {}
    results = []
    for unit in units:
        period = unit.period(cover)
        if period is None:
            continue
        edition = max((edition for edition in EDITIONS if edition.starts <= period.first), key=lambda e: e.starts)
        subsidy = _half_up(_banded(unit.base, edition) * unit.covered_share(cover))
        allowance = 0
        if unit.care == "inpatient" and edition.allowance and period not in with_allowance:
            # The count begins again after a period in which an allowance was due (第十条第六项).
            years.update(_years(cover, with_allowance))
            per_day = edition.allowance[min(years[period], len(edition.allowance)) - 1]
            allowance = 100 * per_day * min(MOST_ALLOWANCE_DAYS, unit.allowance_days(cover))
            with_allowance.add(period)
        payable = subsidy + allowance
        if unit.care == "inpatient" and 0 < payable < 100 * edition.floor:
            payable = 100 * edition.floor
        payable = min(payable, 100 * edition.cap - used.get(period, 0))
        used[period] = used.get(period, 0) + payable
        if payable:
            results.append(Owed(tuple(sorted(bill.number for bill in unit.bills)), payable))
    return results


@dataclass(frozen=True)
class _Unit:
    """What is reckoned together: a stay with its transfers, or a month of special outpatient care."""

    care: str
    bills: tuple[Bill, ...]

    @property
    def began(self) -> date:
        return self.settled_at.date() if self.care == "special" else self.bills[0].admitted

    @property
    def ended(self) -> date:
        return self.bills[-1].discharged

    @property
    def settled_at(self) -> datetime:
        return self.bills[-1].settled_at

    @property
    def base(self) -> int:
        """X: what is in scope and not paid by the funds, never below nothing."""
        return sum(max(0, bill.in_scope - bill.fund) for bill in self.bills)

    def nights(self) -> list[date]:
        """The days that count: each night by its date; a stay of one day counts that day."""
        length = max(1, (self.ended - self.began).days)
        return [self.began + ahead * DAY for ahead in range(length)]

    def _covered(self, cover: Sequence[Period]) -> list[date]:
        return [night for night in self.nights() if any(period.first <= night <= period.last for period in cover)]

    def covered_share(self, cover: Sequence[Period]) -> Fraction:
        if self.care == "special":
            return Fraction(1)
        return Fraction(len(self._covered(cover)), len(self.nights()))

    def allowance_days(self, cover: Sequence[Period]) -> int:
        told = [bill.days for bill in self.bills]
        nights, covered = len(self.nights()), len(self._covered(cover))
        days = nights
        if all(told):
            days = sum(day or 0 for day in told)
            days = min(days, nights) if len(told) > 1 else days
        return min(days, covered) if covered < nights else days

    def period(self, cover: Sequence[Period]) -> Period | None:
        """The period of the first covered day."""
        days = [self.settled_at.date()] if self.care == "special" else self._covered(cover)
        return next((period for day in days[:1] for period in cover if period.first <= day <= period.last), None)


def _stays(bills: Iterable[Bill]) -> list[_Unit]:
    """Bills of one visit are one stay; whoever is admitted elsewhere on the day of discharge or the day after was
    moved, and it is still the same stay."""
    stays: list[list[Bill]] = []
    inpatient = (bill for bill in bills if bill.care == "inpatient")
    for bill in sorted(inpatient, key=lambda bill: (bill.admitted, bill.settled_at, bill.number)):
        visit = (bill.facility, bill.visit)
        same = [stay for stay in stays if bill.visit and any((b.facility, b.visit) == visit for b in stay)]
        before = stays[-1][-1] if stays else None
        if same:
            same[0].append(bill)
        elif before and before.facility != bill.facility and timedelta(0) <= bill.admitted - before.discharged <= DAY:
            stays[-1].append(bill)
        else:
            stays.append([bill])
    return [_Unit("inpatient", tuple(stay)) for stay in stays]


def _months(bills: Iterable[Bill], cover: Sequence[Period]) -> list[_Unit]:
    """Special outpatient care by calendar month, without what was settled on days that are not covered."""
    months: dict[tuple[int, int], list[Bill]] = {}
    for bill in sorted(bills, key=lambda bill: (bill.settled_at, bill.number)):
        day = bill.settled_at.date()
        if bill.care == "special" and any(period.first <= day <= period.last for period in cover):
            months.setdefault((day.year, day.month), []).append(bill)
    return [_Unit("special", tuple(month)) for month in months.values()]


def _banded(base: int, edition: Edition) -> Fraction:
    """The marginal bands over X, in fen, not yet rounded."""
    total, below = Fraction(0), 0
    for upto, percent in edition.bands:
        end = base if upto is None else min(base, 100 * upto)
        total += Fraction(max(0, end - below) * percent, 100)
        below = max(below, end)
    return total


def _years(cover: Sequence[Period], with_allowance: set[Period]) -> dict[Period, int]:
    """Period → the years in a row it is, from the second edition on."""
    years: dict[Period, int] = {}
    before: Period | None = None
    for period in cover:
        goes_on = before is not None and before.last + DAY == period.first and before not in with_allowance
        counts = period.first >= YEARS_COUNT_FROM
        years[period] = (years.get(before, 0) + 1 if goes_on and before is not None else 1) if counts else 0
        before = period
    return years


def _half_up(amount: Fraction) -> int:
    return int(amount + Fraction(1, 2))
