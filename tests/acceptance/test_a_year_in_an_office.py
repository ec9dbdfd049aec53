"""A year in an office: three leagues, a roster renewed twice, and everything that goes wrong in a year.

At the end every member has exactly what an independent reckoning says, every oddity was found under its name, and
nothing else was ever left to act on. Each seed is another year: other people, amounts and days.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from office_year.oddities import everything
from office_year.site import ASSOCIATION, open_site
from office_year.town import HEADERS, ChangingWorld, build_town, roster_rows, write_roster
from office_year.year import Year, everyday, ordinary_stays
from stage import folder_in_memory

FIRST, LAST = date(2025, 1, 1), date(2026, 1, 10)
MEMBERS = {"hinggan": 46, "bayannur": 22, "wuhai": 8}
SEEDS = range(1, 21)
LONGEST_REST = 3
"""Where nothing happens but what happens every day, the office's machine runs every third night."""


# PostgreSQL has its turn among the long forms.
@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.full)])
def database(request: pytest.FixtureRequest) -> str | None:
    """The site's own SQLite file, or a PostgreSQL database."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@contextmanager
def planned_year(folder: Path, seed: int, database: str | None) -> Iterator[Year]:
    """A year that is planned and has not begun; its roster is imported."""
    town = build_town(seed, MEMBERS, FIRST)
    world = ChangingWorld([insured.person for insured in town.members.values() if insured.feed == "wuhai"], ())
    with open_site(folder, world, FIRST, database=database) as site:
        year = Year(seed, site, town, FIRST, LAST)
        everyday(year)
        everything(year)
        ordinary_stays(year, town.free())
        enrolled = [member for number, member in town.members.items() if number not in year.unenrolled]
        rows = roster_rows(enrolled, {member.number: member.periods for member in enrolled})
        roster = write_roster(folder / "roster.csv", HEADERS, rows)
        site.answer("roster", "import", str(roster), "--association", ASSOCIATION)
        yield year


def play(seed: int, database: str | None) -> None:
    with folder_in_memory() as folder, planned_year(folder, seed, database) as year:
        year.longest_rest = LONGEST_REST
        year.play()
        year.check_claims()
        year.check_foreseen()


def test_a_year_ends_with_what_every_member_is_owed(database: str | None) -> None:
    play(0, database)


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
def test_any_year_does(seed: int, database: str | None) -> None:
    play(seed, database)
