"""Several rows are one member, several members may be one person: what must agree, and what happens else."""

from __future__ import annotations

from typing import Any

import pytest
from roster_files import csv_bytes, day, id_number, row

from gateway.core.roster import RosterFile, read_roster

SECOND = {"coverage_from": "2022-06-01", "coverage_to": "2023-05-31"}


def read(*rows: dict[str, Any]) -> RosterFile:
    return read_roster(csv_bytes(list(rows)))


def errors(file: RosterFile) -> list[tuple[int, str, str]]:
    return [(finding.row, finding.column, finding.code) for finding in file.errors]


def test_several_rows_are_several_periods_in_order() -> None:
    file = read(row(**SECOND), row(), row(scheme="other", coverage_from="2021-01-01", coverage_to="2030-12-31"))
    periods = [(period.scheme, period.first_day) for period in file.people[0].coverage]
    assert periods == [
        ("other", day("2021-01-01")),
        ("nm-inpatient", day("2021-06-01")),
        ("nm-inpatient", day("2022-06-01")),
    ]
    assert (len(file.people), file.findings) == (1, ())


def test_each_period_keeps_its_category_and_the_latest_is_the_members() -> None:
    person = read(row(**SECOND, category="参互退休"), row()).people[0]
    assert [period.category for period in person.coverage] == ["active", "retired"]
    assert person.category == "retired"


def test_telephone_and_unit_are_those_of_the_latest_period_that_has_them() -> None:
    rows = (
        row(**SECOND, phone="", unit_name="新厂"),
        row(phone="19900012345", unit_name="老厂", unit_no="7", league="乌海"),
    )
    person = read(*rows).people[0]
    assert (person.phone, person.unit_name, person.unit_no, person.league) == (
        "19900012345",
        "新厂",
        "7",
        "乌海",
    )


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"name": "包青"}, "name"),
        ({"id_number": id_number(serial=13)}, "id_number"),
        ({"opt_out": "是"}, "opt_out"),
    ],
)
def test_rows_of_one_member_must_agree(changed: dict[str, str], column: str) -> None:
    file = read(row(opt_out="否"), row(**SECOND, **changed))
    assert errors(file) == [(2, "member_no", "set_aside"), (3, column, "rows_disagree")]
    assert "第2行" in file.errors[1].message
    assert file.people == ()


@pytest.mark.parametrize("written", ["敖 云", "敖·云", "敖•云", "敖\u3000云"])
def test_spaces_and_dots_are_no_disagreement(written: str) -> None:
    assert len(read(row(), row(**SECOND, name=written)).people) == 1


@pytest.mark.parametrize(
    ("first", "last", "fine"),
    [
        ("2022-06-01", "2023-05-31", True),  # touches
        ("2022-07-01", "2023-05-31", True),
        ("2022-05-31", "2023-05-31", False),  # shares one day
        ("2021-06-01", "2022-05-30", False),  # the same first day
        ("2021-08-01", "2021-08-01", False),  # inside
        ("2020-01-01", "2030-01-01", False),  # around
        ("2020-06-01", "2021-05-31", True),
    ],
)
@pytest.mark.parametrize("other_number", [False, True])
def test_periods_of_one_scheme_may_touch_but_not_overlap(first: str, last: str, fine: bool, other_number: bool) -> None:
    """Under another member number they may: somebody enrolled in two units is asked about when it matters."""
    second = row(coverage_from=first, coverage_to=last, member_no="M002" if other_number else "M001")
    file = read(row(), second, row(scheme="other", coverage_from="2021-06-01"))
    if fine or other_number:
        assert (len(file.people), errors(file)) == (1 + other_number, [])
    else:
        assert (3, "coverage_from", "periods_overlap") in errors(file)
        assert file.people == ()


def test_an_overlap_behind_a_longer_period_is_found() -> None:
    periods = [("2021-01-01", "2025-12-31"), ("2021-02-01", "2021-02-28"), ("2024-01-01", "2024-12-31")]
    rows = [row(coverage_from=first, coverage_to=last) for first, last in periods]
    assert [code for _, _, code in errors(read(*rows))] == ["set_aside", "periods_overlap", "periods_overlap"]


def test_one_document_with_two_names_is_nobodys() -> None:
    other = row(member_no="M2", name="包青", scheme="other")
    file = read(row(), other, row(member_no="M3", id_number=id_number(serial=13)))
    assert errors(file) == [(2, "member_no", "set_aside"), (3, "id_number", "shared_id_number")]
    assert [person.member_no for person in file.people] == ["M3"]


def test_the_same_number_of_another_kind_of_document_is_another_person() -> None:
    number = id_number()
    file = read(row(), row(member_no="M2", name="包青", id_type="99", id_number=number))
    assert len(file.people) == 2


def test_a_member_with_one_bad_row_is_left_as_he_was() -> None:
    """Half of somebody's periods would be a wrong entitlement, so the sound row waits too and says so."""
    file = read(row(), row(**{**SECOND, "coverage_to": "?"}), row(member_no="M2", id_number=id_number(serial=13)))
    assert errors(file) == [(2, "member_no", "set_aside"), (3, "coverage_to", "not_a_date")]
    assert [person.member_no for person in file.people] == ["M2"]


def test_no_message_holds_what_a_person_owns() -> None:
    number, other = id_number(), id_number(serial=13)
    rows = [
        row(phone="1990001x"),
        row(name="包青山", id_number=other),
        row(**SECOND, name="额尔敦朝鲁", member_no="M9"),
    ]
    file = read(*rows, row(sex="女", birth_date="1999-09-09", member_no="M7"))
    said = " ".join(str(finding) for finding in file.findings)
    assert len(file.errors) >= 5
    for value in (number, other, "包青山", "额尔敦朝鲁", "敖云", "1990001x", "1999-09-09", "1980-01-01"):
        assert value not in said
