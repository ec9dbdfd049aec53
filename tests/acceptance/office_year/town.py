"""The members of three leagues, the strangers beside them, and the bills they get."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from gateway.model.clock import SHANGHAI
from gateway.model.money import Money
from gateway.model.record import AMOUNT_FIELDS, SettlementRecord
from gateway.sandbox.cloud_line_server import CloudLineWorld
from gateway.sandbox.leagues import Sent
from gateway.sandbox.people import LEAGUES, Person, person_at
from gateway.sandbox.roster import member_no
from gateway.sandbox.stays import hospitals

from .reckoning import Bill, Period

FEEDS = ("hinggan", "bayannur", "wuhai")
SCHEME = "nm-inpatient"
DIALYSIS = "140201"
_FIRST_STRANGER = 10_000


@dataclass
class Insured:
    """A member: the person, the periods of cover the roster has at last, and whether the person takes part."""

    person: Person
    periods: list[Period]
    takes_part: bool = True

    @property
    def number(self) -> str:
        return member_no(self.person)

    @property
    def feed(self) -> str:
        return self.person.league


@dataclass
class Town:
    """Everybody, and the dice everything is drawn with. Members are taken one by one for a part in the year."""

    dice: Random
    members: dict[str, Insured] = field(default_factory=dict)
    strangers: dict[str, list[Person]] = field(default_factory=dict)
    _free: dict[str, list[Insured]] = field(default_factory=dict)
    _serial: int = 0

    def take(self, feed: str) -> Insured:
        """A member of this league who plays no part yet."""
        return self._free[feed].pop()

    def free(self) -> list[Insured]:
        """The members who play no part."""
        return [insured for of_feed in self._free.values() for insured in of_feed]

    def serial(self) -> int:
        self._serial += 1
        return self._serial


def build_town(seed: int, counts: Mapping[str, int], first_day: date) -> Town:
    """So many members of each league, with their periods up to the year's end, and some strangers."""
    town = Town(Random(f"town/{seed}"))
    index = 0
    for feed, count in counts.items():
        people = []
        for _ in range(count):
            index += 1
            people.append(Insured(person_at(seed, index, league=feed, as_of=first_day), _periods(town.dice, first_day)))
        town.members.update({insured.number: insured for insured in people})
        town.dice.shuffle(people)
        town._free[feed] = people
        first = _FIRST_STRANGER + 100 * FEEDS.index(feed)
        town.strangers[feed] = [
            person_at(seed, number, league=feed, as_of=first_day) for number in range(first, first + 12)
        ]
    return town


def _periods(dice: Random, first_day: date) -> list[Period]:
    """The calendar year, and for some the years before it: that of 2023 went on to the end of 2024."""
    year = first_day.year
    this = Period(date(year, 1, 1), date(year, 12, 31))
    before = dice.choice((0, 0, 0, 1, 2, 3))
    periods = [this]
    if before:
        periods.insert(0, Period(date(2023, 6, 15), date(year - 1, 12, 31)))
    if before > 1:
        periods.insert(0, Period(date(2022, 6, 15), date(2023, 6, 14)))
    if before > 2:
        periods.insert(0, Period(date(2021, 6, 15), date(2022, 6, 14)))
    return periods


def bill(
    town: Town,
    person: Person,
    *,
    admitted: date,
    days: int,
    in_scope: int | None = None,
    fund: int | None = None,
    visit_no: str | None = None,
    care: tuple[str, str] = ("inpatient", "21"),
    facility: int | None = None,
    settled_after: int = 0,
) -> SettlementRecord:
    """One settlement, its identities exact. Amounts in fen; `facility`: which hospital of the league;
    `settled_after`: so many days after the discharge."""
    dice, serial = town.dice, town.serial()
    region = LEAGUES[person.league].region
    houses = hospitals(region)
    house = houses[dice.randrange(len(houses)) if facility is None else facility % len(houses)]
    scope = dice.randrange(300_000, 4_500_000) if in_scope is None else in_scope
    paid = scope * dice.randrange(40, 86) // 100 if fund is None else fund
    own, first = scope * dice.randrange(0, 12) // 100, scope * dice.randrange(0, 8) // 100
    stays = care[0] == "inpatient"
    discharged = admitted + timedelta(days=days)
    at = datetime(discharged.year, discharged.month, discharged.day, 9, tzinfo=SHANGHAI)
    record = SettlementRecord(
        settlement_no=f"{region}Y{serial:013d}",
        visit_no=visit_no or f"{region}{serial * 7 + 3:013d}",
        person_no=person.person_no,
        name=person.name,
        id_type=person.id_type,
        id_number=person.id_number,
        sex=person.sex,
        birth_date=person.birth_date,
        insurance_type="310",
        person_type="1201" if person.category == "retired" else "1101",
        employer_name=person.employer,
        insured_region=person.region,
        care_region=region,
        facility_no=house.number,
        facility_name=house.name,
        facility_level=house.level,
        care_type=care[0],
        care_type_code=care[1],
        admitted_on=admitted,
        discharged_on=discharged,
        inpatient_days=days if stays else None,
        settled_at=at + timedelta(days=settled_after, seconds=dice.randrange(8 * 3600)),
        diagnosis_codes=("N18.900",) if care[0] == "outpatient_special" else ("J18.900",),
        settlement_kind="2",
        payment_place="2",
    )
    return with_amounts(record, in_scope=scope, fund=paid, own=own, first=first)


def with_amounts(
    record: SettlementRecord, *, in_scope: int, fund: int, own: int | None = None, first: int | None = None
) -> SettlementRecord:
    """The same bill over other amounts; what stands outside of the scope stays as it was where nothing is said."""
    outside = (record.full_self_amount or 0) if own is None else own
    before = (record.first_self_amount or 0) if first is None else first
    total = in_scope + outside + before
    amounts = {
        **dict.fromkeys(AMOUNT_FIELDS, 0),
        "total_amount": total,
        "full_self_amount": outside,
        "first_self_amount": before,
        "in_scope_amount": in_scope,
        "deductible_amount": min(in_scope, 30_000),
        "pooled_fund_amount": fund,
        "fund_paid_amount": fund,
        "personal_amount": total - fund,
        "cash_amount": total - fund,
    }
    amounts.pop("shared_account_amount", None)
    return msgspec.structs.replace(record, **{name: Money(fen) for name, fen in amounts.items()})


def sent(person: Person, record: SettlementRecord) -> Sent:
    """The row of a bill, under the person's own number."""
    return Sent(person=person, record=record, id_written=record.id_number or "")


def taken_back(record: SettlementRecord, *, at: datetime, number: str | None = None) -> SettlementRecord:
    """The full refund of a bill, under its own number where one is given."""
    negative = {name: Money(-value) for name in AMOUNT_FIELDS if (value := getattr(record, name)) is not None}
    return msgspec.structs.replace(
        record,
        settlement_no=number or record.settlement_no,
        reversal=True,
        reverses=number or record.settlement_no,
        settled_at=at,
        **negative,
    )


def as_bill(record: SettlementRecord) -> Bill:
    """What the reckoning wants of a settlement that stands."""
    assert record.admitted_on and record.discharged_on and record.settled_at and record.facility_no
    return Bill(
        number=record.settlement_no,
        visit=record.visit_no,
        facility=record.facility_no,
        care={"inpatient": "inpatient", "outpatient_special": "special"}.get(record.care_type or "", "other"),
        admitted=record.admitted_on,
        discharged=record.discharged_on,
        days=record.inpatient_days,
        settled_at=record.settled_at,
        in_scope=record.in_scope_amount or 0,
        fund=record.fund_paid_amount or 0,
    )


class ChangingWorld(CloudLineWorld):
    """What the cloud line knows, where the platform corrects a settlement in place."""

    def correct(self, row: Sent) -> None:
        """Put this row where the one of the same number stood."""
        rows = self._visits[row.person.person_no][row.record.visit_no or ""]
        at = [known.record.settlement_no for known in rows].index(row.record.settlement_no)
        rows[at] = row


HEADERS = ("会员号", "姓名", "证件号码", "盟市", "类别", "险种", "保障开始", "保障结束")


def roster_rows(members: Iterable[Insured], periods: Mapping[str, Iterable[Period]]) -> list[list[str]]:
    """One row for each of these periods of each member."""
    return [
        [
            insured.number,
            insured.person.name,
            insured.person.id_number,
            LEAGUES[insured.feed].name,
            "退休" if insured.person.category == "retired" else "在职",
            SCHEME,
            period.first.isoformat(),
            period.last.isoformat(),
        ]
        for insured in members
        for period in periods[insured.number]
    ]


def write_roster(path: Path, headers: Iterable[str], rows: Iterable[Iterable[str]]) -> Path:
    """A roster as an office saves it."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headers)
        writer.writerows(rows)
    return path
