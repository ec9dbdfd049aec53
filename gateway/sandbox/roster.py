"""Roster files (花名册) of invented members, as an association's clerk would export them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from gateway.model.member import Coverage
from gateway.sandbox.people import ALL_LEAGUES, Dice, Person

SCHEME: Final = "nm-inpatient"
"""The scheme these members are covered by."""

HEADERS: Final = (
    "会员编号",
    "姓名",
    "证件类型",
    "证件号码",
    "性别",
    "出生日期",
    "手机号",
    "单位编号",
    "单位名称",
    "盟市",
    "类别",
    "险种",
    "保障开始",
    "保障结束",
    "不参与",
)
ID_TYPES: Final = {
    "01": "居民身份证",
    "04": "港澳居民来往内地通行证",
    "06": "台湾居民来往大陆通行证",
    "07": "外国人永久居留证",
    "08": "外国人护照",
    "17": "港澳台居民居住证",
}
"""National code of a kind of document → its name, as a roster states it."""

_SEXES = {"M": "男", "F": "女"}
_LONG_AGO = 5
_CATEGORIES = {"active": "在职", "retired": "退休"}
Periods = Callable[[Person], tuple[Coverage, ...]]


def member_no(person: Person) -> str:
    """The member number: counted, never derived from who the person is."""
    return f"NM{person.index:08d}"


def coverage_of(person: Person, *, day: date, seed: int) -> tuple[Coverage, ...]:
    """One to three periods, the last one around `day`; touching, except that one in ten joined late."""
    dice = Dice("coverage", seed, person.index)
    first, last = period_around(day)
    years = 1 + dice.chance(3_000) + dice.chance(1_000)
    periods = [_period(person, first, last, back) for back in range(years - 1, -1, -1)]
    if dice.chance(1_000):
        late = first + timedelta(days=dice.between(30, 150))
        periods = [Coverage(first_day=late, last_day=last, scheme=SCHEME, category=person.category)]
    return tuple(periods)


def former_coverage(person: Person, *, day: date) -> tuple[Coverage, ...]:
    """One period that ended before any of `coverage_of` begins: somebody who is enrolled under another number now."""
    first, last = period_around(day)
    return (_period(person, first, last, years_back=_LONG_AGO),)


def period_around(day: date) -> tuple[date, date]:
    """The coverage year a day lies in: June to May, and from 2025 on the calendar year."""
    if day.year >= 2025:
        return date(day.year, 1, 1), date(day.year, 12, 31)
    year = day.year if day.month >= 6 else day.year - 1
    return date(year, 6, 1), date(year + 1, 5, 31)


def _period(person: Person, first: date, last: date, years_back: int) -> Coverage:
    return Coverage(
        first_day=first.replace(year=first.year - years_back),
        last_day=last.replace(year=last.year - years_back),
        scheme=SCHEME,
        category=person.category,
    )


def roster_rows(people: Iterable[Person], periods: Periods, opted_out: frozenset[int]) -> Iterator[tuple[str, ...]]:
    """One row for each period of each member, in the order of HEADERS. `opted_out` holds their indexes."""
    for person in people:
        particulars = (
            member_no(person),
            person.name,
            ID_TYPES[person.id_type],
            person.id_number,
            _SEXES[person.sex],
            person.birth_date.isoformat(),
            person.phone,
            person.unit_no,
            person.employer,
            ALL_LEAGUES[person.league].name,
            _CATEGORIES[person.category],
        )
        out = "是" if person.index in opted_out else ""
        for period in periods(person):
            yield (*particulars, period.scheme, period.first_day.isoformat(), period.last_day.isoformat(), out)


def write_roster(
    path: Path,
    people: Iterable[Person],
    *,
    periods: Periods,
    encoding: str = "utf-8",
    opted_out: frozenset[int] = frozenset(),
) -> int:
    """Writes the roster as XLSX or CSV, by the file's suffix; returns how many rows it holds."""
    rows = roster_rows(people, periods, opted_out)
    return _write_xlsx(path, rows) if path.suffix == ".xlsx" else _write_csv(path, rows, encoding)


def _write_csv(path: Path, rows: Iterator[tuple[str, ...]], encoding: str) -> int:
    count = 0
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _write_xlsx(path: Path, rows: Iterator[tuple[str, ...]]) -> int:
    # Loaded here because only the few who ask for a workbook should pay for it.
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("花名册")
    sheet.append(HEADERS)
    count = 0
    for row in rows:
        sheet.append(row)
        count += 1
    book.save(path)
    return count
