"""A roster row that leaves its period open gets it by the scheme's own rule, or says by row why it cannot."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roster_files import csv_bytes, id_number, row

from gateway.core.roster import RosterFile, read_roster
from gateway.core.schemes.units.joining import coverage_from
from gateway.settings.schemes import load_families

FAMILIES = load_families(Path(__file__).parents[2] / "config" / "schemes")


def read(*rows: dict[str, Any], **options: Any) -> RosterFile:
    return read_roster(csv_bytes(list(rows)), **{"families": FAMILIES, **options})


def joined(on: str, scheme: str, **changed: Any) -> dict[str, Any]:
    """A row that states the day of joining and neither day of the period."""
    return row(scheme=scheme, coverage_from="", coverage_to="", joined_on=on, **changed)


def periods(file: RosterFile) -> list[tuple[str, str]]:
    assert file.errors == ()
    return [(each.first_day.isoformat(), each.last_day.isoformat()) for each in file.people[0].coverage]


def findings(file: RosterFile) -> list[tuple[int, str, str]]:
    return [(finding.row, finding.column, finding.code) for finding in file.errors]


@pytest.mark.parametrize(
    ("scheme", "on", "period"),
    [
        ("nm-women", "2022-03-01", ("2022-03-02", "2023-03-01")),
        ("sh-active-3y", "2003-02-10", ("2003-02-11", "2006-02-10")),
        ("jingan", "2003-05-05", ("2003-05-05", "2003-12-31")),
        # Twelve months from a day that the last February does not have.
        ("sh-active", "2024-02-28", ("2024-02-29", "2025-02-28")),
    ],
)
def test_the_day_of_joining_makes_the_period(scheme: str, on: str, period: tuple[str, str]) -> None:
    assert periods(read(joined(on, scheme))) == [period]


def test_an_open_end_is_counted_from_the_first_day_as_written() -> None:
    given_first = row(scheme="nm-women", coverage_from="2022-03-01", coverage_to="")
    assert periods(read(given_first)) == [("2022-03-01", "2023-02-28")]
    # The first day of the period stands before the day of joining.
    assert periods(read({**given_first, "joined_on": "2022-06-01"})) == [("2022-03-01", "2023-02-28")]


def test_what_is_written_stands() -> None:
    both = row(scheme="nm-women", coverage_from="2022-03-01", coverage_to="2022-12-31", joined_on="2022-01-15")
    assert periods(read(both)) == [("2022-03-01", "2022-12-31")]
    only_end = row(scheme="nm-women", coverage_from="", coverage_to="2022-12-31", joined_on="2022-01-15")
    assert periods(read(only_end)) == [("2022-01-16", "2022-12-31")]


def test_columns_nobody_filled_may_be_missing() -> None:
    bare = {name: value for name, value in joined("2022-03-01", "nm-women").items() if "coverage" not in name}
    assert periods(read(bare)) == [("2022-03-02", "2023-03-01")]
    neither = {name: value for name, value in bare.items() if name != "joined_on"}
    assert findings(read(neither)) == [(1, "coverage_from", "missing_columns")]
    del bare["scheme"]
    assert findings(read(bare)) == [(1, "scheme", "missing_columns")]
    assert periods(read(bare, scheme_default="nm-women")) == [("2022-03-02", "2023-03-01")]


def test_each_row_that_cannot_be_told_says_so() -> None:
    file = read(
        joined("2022-03-01", "nm-women"),
        joined("", "nm-women", member_no="M002", id_number=id_number(serial=13)),
        joined("2001-01-01", "nm-women", member_no="M003", id_number=id_number(serial=15)),
        joined("soon", "nm-women", member_no="M004", id_number=id_number(serial=17)),
        row(scheme="nm-women", coverage_from="2022-03-01", coverage_to="x", member_no="M005", id_number=id_number()),
        joined("2022-03-01", "unknown", member_no="M006", id_number=id_number(serial=19)),
    )
    assert findings(file) == [
        (3, "coverage_from", "missing"),
        (4, "joined_on", "no_period_rule"),
        (5, "joined_on", "not_a_date"),
        (6, "coverage_to", "not_a_date"),
        (7, "joined_on", "no_period_rule"),
    ]
    assert [person.member_no for person in file.people] == ["M001"]


def test_periods_made_by_rule_may_not_overlap_either() -> None:
    file = read(joined("2022-03-01", "nm-women"), joined("2023-02-01", "nm-women"))
    assert findings(file) == [(2, "member_no", "set_aside"), (3, "coverage_from", "periods_overlap")]
    touching = read(joined("2022-03-01", "nm-women"), joined("2023-03-01", "nm-women"))
    assert periods(touching) == [("2022-03-02", "2023-03-01"), ("2023-03-02", "2024-03-01")]


def test_who_opted_out_needs_no_period() -> None:
    file = read(joined("2022-03-01", "nm-women", opt_out="是"))
    assert (file.errors, file.people[0].coverage, file.people[0].opt_out) == ((), (), True)


def test_without_the_schemes_both_days_must_stand_there() -> None:
    assert findings(read(joined("2022-03-01", "nm-women"), families=None)) == [
        (2, "coverage_from", "missing"),
        (2, "coverage_to", "missing"),
    ]


@given(st.dates(date(2022, 1, 1), date(2030, 12, 31)), st.sampled_from(sorted(FAMILIES)))
def test_a_row_means_what_the_rule_says(on: date, scheme: str) -> None:
    made = coverage_from(on, FAMILIES[scheme])
    file = read(joined(on.isoformat(), scheme))
    if made is None:
        assert findings(file) == [(2, "joined_on", "no_period_rule")]
    else:
        assert [(each.first_day, each.last_day) for each in file.people[0].coverage] == [
            (made.first_day, made.last_day)
        ]
