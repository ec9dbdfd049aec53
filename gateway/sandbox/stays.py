"""Settlements that look like life: who is in hospital, how long, what it costs, who pays which part.

The source of the averages: in a year 11.93 % of active members are in hospital, 8.7 days and 11,707 yuan a
stay. What comes out are true SettlementRecords; leagues then write them in their own words. Everything is
whole fen and permille, and the identities of the national interface hold exactly:
total = own + over limit + paid first + in scope = fund + personal + hospital; personal = account + cash.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final, cast

import msgspec

from gateway.model.clock import SHANGHAI
from gateway.model.money import Money
from gateway.model.record import AMOUNT_FIELDS, SettlementRecord
from gateway.sandbox.people import ALL_LEAGUES, LEAGUES, Dice, Person, words

"""The zone of every instant here."""

IN_HOSPITAL: Final = {"active": 1_193, "retired": 4_200}
"""Of ten thousand members, how many are in hospital in a year."""

DAILY_COST: Final = 134_563
"""Fen a day; times 8.7 days it makes 11,707 yuan."""


def _spread(shares: dict[int, int]) -> tuple[int, ...]:
    return tuple(value for value, times in shares.items() for _ in range(times))


_DAYS = _spread(
    {1: 6, 2: 5, 3: 8, 4: 9, 5: 10, 6: 10, 7: 10, 8: 8, 9: 6, 10: 6, 12: 5, 14: 5, 16: 3, 18: 2, 21: 2}
    | {25: 2, 30: 1, 45: 1, 55: 1}
)
"""A hundred lengths of stay; they add up to 870 days."""

_STAYS = _spread({1: 76, 2: 15, 3: 6, 4: 3})
_PLANNED = words(
    "J18.900 I25.103 K80.100 I63.900 M51.202 J44.100 E11.900 N20.000 K35.900 H25.900 I20.000 C34.900 "
    "C50.900x011 I10.x00 K29.500 G45.900"
)
_INJURIES = ("S52.500", "S82.200", "S06.000", "T14.900")
_TUMOURS = ("C34.900", "C50.900", "C18.900", "C16.900")
_EVERYDAY = ("I10.x00", "J06.900", "E11.900", "K29.500", "M54.500", "J20.900")
_DEDUCTIBLES = {"03": 80_000, "02": 50_000, "01": 30_000}
_POOL_LIMIT = 12_000_000


_HOSPITALS = (
    ("第一示范医院", "03"),
    ("第二示范医院", "03"),
    ("蒙医示范医院", "02"),
    ("矿区示范医院", "02"),
    ("城东示范医院", "02"),
    ("城西示范卫生院", "01"),
)


class Facility(msgspec.Struct, frozen=True):
    """A hospital or pharmacy with its 12-character code and level."""

    number: str
    name: str
    level: str


@cache
def hospitals(region: str) -> tuple[Facility, ...]:
    """The invented hospitals of a region."""
    place = _place(region)
    return tuple(
        Facility(f"H{region}{200 + order:05d}", place + name, level) for order, (name, level) in enumerate(_HOSPITALS)
    )


@cache
def pharmacies(region: str) -> tuple[Facility, ...]:
    """The invented pharmacies of a region."""
    place = _place(region)
    return tuple(Facility(f"P{region}{700 + n:05d}", f"{place}示范大药房{n + 1}店", "11") for n in range(8))


def _place(region: str) -> str:
    return next(league.name for league in ALL_LEAGUES.values() if league.region == region)


class _BillParts(msgspec.Struct, kw_only=True):
    """How a bill is divided before the identities complete it; fen."""

    total: int
    full_self: int = 0
    over_limit: int = 0
    first_self: int = 0
    deductible: int = 0
    pooled: int = 0
    large: int = 0
    civil: int = 0
    enterprise: int = 0
    aid: int = 0
    other: int = 0
    hospital: int = 0
    balance: int = 0

    @property
    def in_scope(self) -> int:
        return self.total - self.full_self - self.over_limit - self.first_self

    @property
    def fund(self) -> int:
        return self.pooled + self.large + self.civil + self.enterprise + self.aid + self.other


def inpatient(dice: Dice, person: Person, *, serial: int, admitted: date) -> SettlementRecord:
    """One stay in hospital that begins on this day; one in twenty in another league's hospital."""
    region = person.region
    if dice.chance(500):
        region = dice.pick(tuple(league.region for league in LEAGUES.values() if league.region != region))
    facility = dice.pick(hospitals(region))
    return _stay(dice, person, serial=serial, admitted=admitted, facility=facility)


def _stay(dice: Dice, person: Person, *, serial: int, admitted: date, facility: Facility) -> SettlementRecord:
    days = dice.pick(_DAYS)
    code = _care_code(dice, days)
    diagnosis = dice.pick(_INJURIES if code == "22" else _PLANNED)
    # A product of three even draws around one: skewed to the right as bills are, its mean exactly known.
    factors = dice.between(400, 1600) * dice.between(400, 1600) * dice.between(400, 1600)
    daily_cost = DAILY_COST * factors // 10**9
    return _record(
        dice,
        person,
        serial,
        facility=facility,
        parts=_hospital_bill(dice, person, days * daily_cost, facility.level),
        care=("inpatient", code),
        dates=(admitted, admitted + timedelta(days=days)),
        inpatient_days=days,
        diagnoses=(diagnosis,),
    )


def transferred(dice: Dice, person: Person, first: SettlementRecord, *, serial: int) -> SettlementRecord:
    """A second stay at another hospital, entered on the day the first one ended or the day after."""
    admitted = cast(date, first.discharged_on) + timedelta(days=dice.below(2))
    others = [hospital for hospital in hospitals(person.region) if hospital.number != first.facility_no]
    return _stay(dice, person, serial=serial, admitted=admitted, facility=dice.pick(others))


def special_outpatient(dice: Dice, person: Person, *, serial: int, day: date) -> SettlementRecord:
    """A settlement of dialysis (血透) or of radio- or chemotherapy (放化疗) without a bed."""
    dialysis = dice.chance(5_500)
    total = dice.between(40_000, 60_000) * dice.between(4, 13) if dialysis else dice.between(180_000, 900_000)
    parts = _BillParts(total=total, full_self=total * dice.between(0, 30) // 1000)
    parts.first_self = total * dice.between(0, 40) // 1000
    parts.pooled = parts.in_scope * dice.between(780, 900) // 1000
    parts.balance = dice.below(200_000)
    return _record(
        dice,
        person,
        serial,
        facility=dice.pick(hospitals(person.region)[:4]),
        parts=parts,
        care=("outpatient_special", SPECIAL_CODE),
        dates=(day, day),
        diagnoses=("N18.900",) if dialysis else (dice.pick(_TUMOURS),),
    )


SPECIAL_CODE: Final = "140201"
"""The leagues' own code for dialysis, and for radio- and chemotherapy, without a bed."""

_EVERYDAY_CARE = (
    _spread({0: 45, 1: 14, 2: 36, 3: 5}),
    (("outpatient", "11"), ("outpatient_chronic", "140104"), ("pharmacy", "41"), ("emergency", "13")),
)


def everyday(dice: Dice, person: Person, *, serial: int, day: date) -> SettlementRecord:
    """An ordinary visit, a chronic one, an emergency, or a purchase in a pharmacy."""
    care = _EVERYDAY_CARE[1][dice.pick(_EVERYDAY_CARE[0])]
    shop = care[0] == "pharmacy"
    parts = _BillParts(total=dice.between(2_000, 30_000) if shop else dice.between(4_000, 90_000))
    parts.full_self = parts.total * dice.between(0, 150) // 1000
    parts.first_self = parts.total * dice.between(0, 80) // 1000
    if not shop:
        parts.pooled = parts.in_scope * dice.between(0, 600) // 1000
    parts.balance = dice.below(300_000)
    return _record(
        dice,
        person,
        serial,
        facility=dice.pick((pharmacies if shop else hospitals)(person.region)),
        parts=parts,
        care=care,
        dates=(day, day),
        diagnoses=() if shop else (dice.pick(_EVERYDAY),),
    )


def reversal_of(record: SettlementRecord, *, settled_at: datetime) -> SettlementRecord:
    """The full refund of a settlement: the same number, every amount negative, settled at the refund."""
    amounts = {name: getattr(record, name) for name in AMOUNT_FIELDS}
    taken_back = {name: None if amount is None else Money(-amount) for name, amount in amounts.items()}
    return msgspec.structs.replace(
        record, reversal=True, reverses=record.settlement_no, settled_at=settled_at, **taken_back
    )


def stays_of_year(
    dice: Dice, person: Person, *, first: date, last: date, serials: Iterator[int]
) -> list[SettlementRecord]:
    """Everything settled for one person between two days (both included), in order of settlement."""
    length = (last - first).days + 1
    days = IN_HOSPITAL[person.category] * length // 365
    records: list[SettlementRecord] = []
    if dice.chance(days):
        # Who enters before the first day may leave within it, and the last ones leave after the window. Stays do not
        # overlap; one in twenty goes on in another hospital.
        admitted = first + timedelta(days=dice.below(length) - 7)
        for _ in range(dice.pick(_STAYS)):
            records.append(inpatient(dice, person, serial=next(serials), admitted=admitted))
            if dice.chance(500):
                records.append(transferred(dice, person, records[-1], serial=next(serials)))
            admitted = _settled_on(records[-1]) + timedelta(days=dice.between(6, 60))
    if dice.chance(60):
        for at in range(dice.below(28), length, dice.between(14, 30)):
            day = first + timedelta(days=at)
            records.append(special_outpatient(dice, person, serial=next(serials), day=day))
    # Four ordinary visits a year on average.
    for _ in range(sum(dice.chance(3_333 * length // 365) for _ in range(12))):
        day = first + timedelta(days=dice.below(length))
        records.append(everyday(dice, person, serial=next(serials), day=day))
    settled = [record for record in records if first <= _settled_on(record) <= last]
    return sorted(settled, key=_settled_at)


def _settled_at(record: SettlementRecord) -> datetime:
    return cast(datetime, record.settled_at)


def _settled_on(record: SettlementRecord) -> date:
    return _settled_at(record).date()


def _care_code(dice: Dice, days: int) -> str:
    if days == 1:
        return "28"
    draw = dice.below(100)
    return "22" if draw < 5 else "24" if draw < 9 else "21"


def _hospital_bill(dice: Dice, person: Person, total: int, level: str) -> _BillParts:
    parts = _BillParts(total=total, full_self=total * dice.between(20, 120) // 1000)
    if dice.chance(3_000):
        parts.over_limit = total * dice.between(1, 20) // 1000
    parts.first_self = total * dice.between(20, 90) // 1000
    parts.deductible = min(parts.in_scope, _DEDUCTIBLES[level])
    # The pooled fund pays above the deductible, the large-amount fund above its limit, and others may add to it.
    rate = dice.between(760, 880) + (40 if person.category == "retired" else 0)
    shared = parts.in_scope - parts.deductible
    above = max(0, shared - _POOL_LIMIT)
    parts.pooled = (shared - above) * rate // 1000
    parts.large = above * 850 // 1000
    left = parts.in_scope - parts.fund
    if _is_civil_servant(person):
        parts.civil = left * 300 // 1000
    elif dice.chance(300):
        parts.enterprise = left * 100 // 1000
    elif dice.chance(100):
        parts.aid = left * 400 // 1000
    if dice.chance(1_000):
        parts.hospital = min(parts.total - parts.fund, total * dice.between(1, 25) // 1000)
    parts.balance = dice.below(400_000)
    return parts


def _is_civil_servant(person: Person) -> bool:
    return int(person.unit_no) % 13 == 0


def _record(
    dice: Dice,
    person: Person,
    serial: int,
    *,
    facility: Facility,
    parts: _BillParts,
    care: tuple[str, str],
    dates: tuple[date, date],
    diagnoses: tuple[str, ...],
    inpatient_days: int | None = None,
) -> SettlementRecord:
    region = facility.number[1:7]
    # Hospitals settle in office hours.
    second = dice.below(9 * 60 * 60)
    opened = datetime(dates[1].year, dates[1].month, dates[1].day, 8, tzinfo=SHANGHAI)
    return SettlementRecord(
        settlement_no=f"{region}G{serial:013d}",
        visit_no=f"{region}{serial * 7 + 3:013d}",
        care_region=region,
        facility_no=facility.number,
        facility_name=facility.name,
        facility_level=facility.level,
        care_type=care[0],
        care_type_code=care[1],
        admitted_on=dates[0],
        discharged_on=dates[1],
        inpatient_days=inpatient_days,
        settled_at=opened + timedelta(seconds=second),
        diagnosis_codes=diagnoses,
        settlement_kind="2",
        payment_place="2" if region == person.region else "3",
        **_who(person),
        **_amounts(parts),
    )


def _who(person: Person) -> dict[str, Any]:
    return {
        "person_no": person.person_no,
        "name": person.name,
        "id_type": person.id_type,
        "id_number": person.id_number,
        "sex": person.sex,
        "birth_date": person.birth_date,
        "insurance_type": "310",
        "person_type": ("12" if person.category == "retired" else "11") + ("02" if _is_civil_servant(person) else "01"),
        "employer_name": person.employer,
        "insured_region": person.region,
    }


def _amounts(parts: _BillParts) -> dict[str, Any]:
    """The amounts of a record, completed so that every identity holds to the fen."""
    personal = parts.total - parts.fund - parts.hospital
    account = min(personal, parts.balance)
    whole = {
        "total_amount": parts.total,
        "full_self_amount": parts.full_self,
        "over_limit_amount": parts.over_limit,
        "first_self_amount": parts.first_self,
        "in_scope_amount": parts.in_scope,
        "deductible_amount": parts.deductible,
        "pooled_fund_amount": parts.pooled,
        "civil_servant_amount": parts.civil,
        "large_amount_fund_amount": parts.large,
        "enterprise_amount": parts.enterprise,
        "critical_illness_amount": 0,
        "medical_aid_amount": parts.aid,
        "other_fund_amount": parts.other,
        "fund_paid_amount": parts.fund,
        "personal_amount": personal,
        "account_amount": account,
        "cash_amount": personal - account,
        "hospital_borne_amount": parts.hospital,
    }
    return {name: Money(fen) for name, fen in whole.items()}
