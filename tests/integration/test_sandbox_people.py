"""Invented people: nobody real, nobody twice, the same for the same seed; and the roster they stand in."""

from __future__ import annotations

import csv
import itertools
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.roster.reading import read_roster
from gateway.sandbox.people import LEAGUES, MOST_PEOPLE, Dice, other_name, person_at
from gateway.sandbox.roster import HEADERS, coverage_of, member_no, period_around, write_roster

DAY = date(2022, 5, 20)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def checksum_holds(number: str) -> bool:
    """GB 11643 in its own words: the weighted sum with the check character is 1 modulo 11."""
    last = 10 if number[17] == "X" else int(number[17])
    return (sum(int(d) * w for d, w in zip(number[:17], WEIGHTS, strict=True)) + last) % 11 == 1


@settings(max_examples=200)
@given(seed=st.integers(0, 10**6), index=st.integers(0, MOST_PEOPLE - 1), league=st.sampled_from(sorted(LEAGUES)))
def test_everybody_is_consistent_in_himself(seed: int, index: int, league: str) -> None:
    person = person_at(seed, index, league=league, as_of=DAY)
    assert person == person_at(seed, index, league=league, as_of=DAY)
    assert person.id_number.startswith("150999")
    assert checksum_holds(person.id_number)
    assert person.id_number[6:14] == person.birth_date.strftime("%Y%m%d")
    assert (int(person.id_number[16]) % 2 == 1) == (person.sex == "M")
    assert person.phone.startswith("199000")
    assert len(person.phone) == 11
    assert len(person.name) >= 2
    assert other_name(person, seed)[0] != person.name[0]


def test_nobody_shares_an_id_number_or_a_person_number() -> None:
    people = [person_at(3, index, league="hinggan", as_of=DAY) for index in range(30_000)]
    assert len({person.id_number for person in people}) == len(people)
    assert len({person.person_no for person in people}) == len(people)
    assert len({person.name for person in people}) > 5_000


def test_mongolian_names_are_as_frequent_as_in_the_league() -> None:
    people = [person_at(3, index, league="hinggan", as_of=DAY) for index in range(5_000)]
    mongols = [person for person in people if person.nation == "02"]
    assert 0.39 < len(mongols) / len(people) < 0.45
    assert any("·" in person.name for person in mongols)


def test_an_index_beyond_the_last_person_is_refused() -> None:
    with pytest.raises(ValueError, match="index"):
        person_at(1, MOST_PEOPLE, league="wuhai", as_of=DAY)


@settings(max_examples=50)
@given(seed=st.integers(), limit=st.integers(1, 2**32))
def test_dice_stay_inside_their_limit_and_repeat(seed: int, limit: int) -> None:
    first, second = Dice("t", seed), Dice("t", seed)
    drawn = [first.below(limit) for _ in range(40)]
    assert drawn == [second.below(limit) for _ in range(40)]
    assert all(0 <= each < limit for each in drawn)


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        (date(2022, 5, 31), date(2021, 6, 1), date(2022, 5, 31)),
        (date(2022, 6, 1), date(2022, 6, 1), date(2023, 5, 31)),
        (date(2026, 3, 1), date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_the_coverage_year_around_a_day(day: date, first: date, last: date) -> None:
    assert period_around(day) == (first, last)


def test_periods_of_a_member_never_overlap_and_the_last_holds_the_day() -> None:
    for index in range(500):
        person = person_at(1, index, league="wuhai", as_of=DAY)
        periods = coverage_of(person, day=DAY, seed=1)
        assert periods[-1].last_day == date(2022, 5, 31)
        for earlier, later in itertools.pairwise(periods):
            assert (later.first_day - earlier.last_day).days == 1


@pytest.mark.parametrize(
    ("name", "encoding"), [("a.csv", "utf-8"), ("b.csv", "gb18030"), ("c.csv", "utf-8-sig"), ("d.xlsx", "")]
)
def test_the_roster_reader_takes_every_form(tmp_path: Path, name: str, encoding: str) -> None:
    people = [person_at(1, index, league="bayannur", as_of=DAY) for index in range(60)]
    path = tmp_path / name
    rows = write_roster(
        path,
        people,
        periods=lambda person: coverage_of(person, day=DAY, seed=1),
        encoding=encoding or "utf-8",
        opted_out=frozenset({4}),
    )
    found = read_roster(path.read_bytes())
    assert [finding for finding in found.findings if finding.severity == "error"] == []
    assert found.rows == rows
    by_number = {member.member_no: member for member in found.people}
    for person in people:
        member = by_number[member_no(person)]
        assert (member.name, member.id_number, member.sex) == (person.name, person.id_number, person.sex)
        assert (member.category, member.phone, member.unit_no) == (person.category, person.phone, person.unit_no)
        assert member.coverage == coverage_of(person, day=DAY, seed=1)
        assert member.opt_out == (person.index == 4)


def test_the_csv_has_one_row_for_each_period(tmp_path: Path) -> None:
    people = [person_at(1, index, league="bayannur", as_of=DAY) for index in range(50)]
    path = tmp_path / "roster.csv"
    write_roster(path, people, periods=lambda person: coverage_of(person, day=DAY, seed=1))
    with path.open(encoding="utf-8", newline="") as file:
        listed = list(csv.reader(file))
    assert tuple(listed[0]) == HEADERS
    assert len(listed) - 1 == sum(len(coverage_of(person, day=DAY, seed=1)) for person in people) > len(people)
