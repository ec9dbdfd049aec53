"""The night's guests: whatever the seed, each row ends as its label says, judged by the roster and the line alone."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from gateway.core.match.measuring.trying import Trial
from gateway.core.roster import RosterMember
from gateway.model.national_id import checksum_ok, normalise_id
from gateway.model.person import Subject
from gateway.sandbox.night_kinds import ENROLLED_TWICE, FIRST_GUEST, SENDING, Guest, Guests, invite
from gateway.sandbox.people import Person
from gateway.sandbox.roster import member_no
from gateway.sandbox.truth_errors import SpoiledLine
from gateway.sandbox.truth_limits import label_holds
from gateway.sandbox.truth_people import TruthPerson
from gateway.settings.matching import load_model

DAY = date(2022, 3, 10)
MODEL = load_model(Path(__file__).parents[2] / "config" / "matching")
ENDS = {
    "member": {"matched"},
    "open": {"matched", "review"},
    "review": {"review"},
    "stranger": {"none"},
    "quarantined": {"none"},
}


def on_roster(person: Person, guests: Guests) -> RosterMember:
    return RosterMember(
        member_no=member_no(person),
        name=person.name,
        id_type=person.id_type,
        id_number=person.id_number,
        sex=person.sex,
        birth_date=person.birth_date,
        phone=person.phone,
        unit_no=person.unit_no,
        unit_name=person.employer,
        opt_out=person.index in guests.opted_out,
    )


def seen(line: SpoiledLine) -> Subject:
    """The line as a mapping shows it to the matching."""
    number = normalise_id(line.id_number or "") or None
    return Subject(
        id_type=line.id_type,
        id_number=number,
        name=(line.name or "").strip() or None,
        sex=line.sex,
        birth_date=line.birth_date,
        person_no=line.person_no,
        employer_name=line.employer_name,
    )


@pytest.mark.parametrize("seed", range(40))
def test_every_row_ends_as_its_label_says(seed: int) -> None:
    guests = invite(seed, DAY, ())
    # Coverage tells the night that a former enrolment is the same person's; here it is left out.
    now = [on_roster(person, guests) for person in guests.members if person.index not in guests.former]
    trial = Trial(now, MODEL)
    for guest in guests.rows:
        decision = trial.decide(seen(guest.line))
        assert decision.outcome in ENDS[guest.end], (guest.kind, decision.reasons)
        if decision.member is not None:
            assert decision.member.member_no == member_no(guest.person), guest.kind


def test_without_coverage_who_is_enrolled_twice_is_for_a_person() -> None:
    guests = invite(7, DAY, ())
    trial = Trial([on_roster(person, guests) for person in guests.members], MODEL)
    twice = [guest for guest in guests.rows if guest.kind == ENROLLED_TWICE]
    assert len(twice) == len(guests.former) > 0
    for guest in twice:
        assert trial.decide(seen(guest.line)).reasons[-1] == "several_people"


def test_nobody_is_drawn_twice_and_nobodys_number_is_taken() -> None:
    first = invite(7, DAY, ())
    assert invite(7, DAY, ()) == first
    indexes = [person.index for person in first.members]
    assert len(set(indexes)) == len(indexes)
    assert min(indexes) >= FIRST_GUEST
    assert Counter(guest.league for guest in first.rows) == dict.fromkeys(SENDING, len(first.rows) // 2)
    taken = {guest.person.id_number for guest in first.rows} | {_sound(guest) for guest in first.rows}
    second = invite(7, DAY, taken)
    assert taken.isdisjoint({guest.person.id_number for guest in second.rows} | {_sound(each) for each in second.rows})


def _sound(guest: Guest) -> str:
    number = seen(guest.line).id_number or ""
    return number if checksum_ok(number) else guest.person.id_number


def test_numbers_are_of_the_region_that_does_not_exist() -> None:
    for seed in range(5):
        guests = invite(seed, DAY, ())
        numbers = [person.id_number for person in guests.members] + [_sound(guest) for guest in guests.rows]
        sound = [number for number in numbers if checksum_ok(number)]
        assert {number[3:6] for number in sound} == {"999"}
        assert len({number[:6] for number in sound}) <= 5


def a_member(**particulars: str) -> TruthPerson:
    known = {"index": 1, "role": "plain", "sex": "M", "birth_date": date(1980, 1, 1), "phone": "", "unit_no": "U1"}
    return TruthPerson(
        **{**known, "name": "王伟", "id_number": "150999198001010017", "unit_name": "晨光"} | particulars
    )


@pytest.mark.parametrize(
    ("kind", "member", "line", "holds"),
    [
        ("number_one_wrong", {}, {"employer_name": "晨光"}, True),
        ("number_one_wrong", {}, {}, False),
        ("number_masked", {}, {}, True),
        ("number_one_wrong", {}, {"employer_name": "远山"}, False),
        ("name_homophone", {"name": "王赟"}, {"name": "王云"}, False),
        ("name_homophone", {"name": "王喆"}, {"name": "王哲"}, True),
        ("name_cut", {"name": "古丽娜尔·买买提"}, {"name": "古丽娜尔"}, False),
        ("name_cut", {"name": "古丽娜尔·买买提"}, {"name": "古丽娜尔·买"}, True),
        ("twin", {}, {"id_number": "150999198001010037"}, False),
        ("twin", {}, {"id_number": "150999198001010107"}, False),
        ("twin", {}, {"id_number": "150999198001010036"}, True),
        ("same_name_and_birth_unproved", {}, {"id_number": "1509**************"}, True),
        ("same_name_and_birth_unproved", {}, {"id_number": "**************9017"}, False),
        ("same_name_and_birth_unproved", {"id_number": "E12345678"}, {"id_number": "1509**************"}, False),
        ("name_typo", {}, {"name": "王炜"}, True),
    ],
)
def test_where_a_label_holds(kind: str, member: dict[str, str], line: dict[str, str], holds: bool) -> None:
    assert label_holds(kind, SpoiledLine(settlement_no="", **line), a_member(**member)) is holds
