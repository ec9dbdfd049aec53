"""Invented members with their stays as JSON lines of `hubao scheme assess`, as many as wanted, for simulations.

One line a member: a coverage year or two, one to four stays in hospital and now and then a month of special
outpatient care. The same seed and part write the same bytes; parts hold different people.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from gateway.model.member import Coverage
from gateway.model.record import SettlementRecord, record_to_json
from gateway.sandbox.people import LEAGUES, MOST_PEOPLE, Dice, Person, person_at
from gateway.sandbox.roster import SCHEME, coverage_of, member_no
from gateway.sandbox.stays import inpatient, special_outpatient

DAY: Final = date(2022, 5, 31)
"""The last day of the year in which everybody here is in hospital."""

_FIRST: Final = date(2021, 6, 1)
_LEAGUES: Final = tuple(LEAGUES)
_STAYS: Final = (1,) * 76 + (2,) * 15 + (3,) * 6 + (4,) * 3
# A bill needs nothing that says whose it is.
_LEFT_OUT: Final = ("name", "id_type", "id_number", "person_no", "employer_name", "facility_name", "birth_date", "sex")


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """A member, his coverage periods, and what was settled for him within the year."""

    person: Person
    coverage: tuple[Coverage, ...]
    records: tuple[SettlementRecord, ...]


def patients(*, stays: int, seed: int, part: int = 0, parts: int = 1) -> Iterator[Patient]:
    """Members until there are so many settlements; part `part` of `parts`."""
    dice, made, index = Dice("simulation", seed, part), 0, part
    while made < stays:
        person = person_at(seed, index % MOST_PEOPLE, league=_LEAGUES[index % len(_LEAGUES)], as_of=DAY)
        records: list[SettlementRecord] = []
        many = min(dice.pick(_STAYS), stays - made)
        day = _FIRST + timedelta(days=dice.below(330))
        for serial in range(index * 10, index * 10 + many):
            if dice.chance(600):
                records.append(special_outpatient(dice, person, serial=serial, day=day))
            else:
                records.append(inpatient(dice, person, serial=serial, admitted=day))
            day = cast(date, records[-1].discharged_on) + timedelta(days=dice.between(6, 60))
        made += len(records)
        index += parts
        yield Patient(person=person, coverage=coverage_of(person, day=DAY, seed=seed), records=tuple(records))


def write_cases(file: Path, *, stays: int, seed: int, part: int = 0, parts: int = 1) -> int:
    """Write one case a line; returns how many members there are."""
    members = 0
    with file.open("wb", buffering=1 << 20) as lines:
        for patient in patients(stays=stays, seed=seed, part=part, parts=parts):
            lines.write(msgspec.json.encode(_case(patient)) + b"\n")
            members += 1
    return members


def _case(patient: Patient) -> dict[str, Any]:
    person = patient.person
    return {
        "case": member_no(person),
        "scheme": SCHEME,
        "member": {
            "member_no": member_no(person),
            "league": person.league,
            "category": person.category,
            "sex": person.sex,
            "birth_date": person.birth_date,
            "coverage": [{"from": period.first_day, "to": period.last_day} for period in patient.coverage],
        },
        "settlements": [
            {name: value for name, value in record_to_json(record).items() if name not in _LEFT_OUT}
            for record in patient.records
        ],
    }
