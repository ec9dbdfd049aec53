"""What `scheme test` shows of a case that does not pass: how each amount came about, beside what was expected."""

from __future__ import annotations

from typing import Any

from schemes_builders import family

from gateway.flow.studies.scheme_tests import run_scheme_tests

CASE: dict[str, Any] = {
    "case": "c",
    "scheme": "nm-inpatient",
    "member": {"category": "active", "coverage": [{"from": "2021-06-01", "to": "2022-05-31"}]},
    "settlements": [
        {
            "settlement_no": "S1",
            "care_type": "inpatient",
            "facility_no": "H15010200001",
            "admitted_on": "2021-07-01",
            "discharged_on": "2021-07-05",
            "settled_at": "2021-07-05T10:00:00+08:00",
            "in_scope_amount": "8000.00",
            "fund_paid_amount": "0.00",
        }
    ],
}


def lines_of(expect: list[Any]) -> tuple[str, ...]:
    (result,) = run_scheme_tests({"cases": [CASE | {"expect": expect}]}, {"nm-inpatient": family()})
    return result.lines


def test_a_case_that_fails_shows_its_lines_beside_what_was_expected() -> None:
    """40 % of 8,000 and four days of ten yuan."""
    first, band, allowance = lines_of([{"payable": "3200.00"}])
    assert first == "第1条 S1: 3240.00（应为 expected 3200.00）"
    assert band.startswith("    band 3200.00  第十条第一项  ")
    assert allowance.startswith("    daily_allowance 40.00  第十条第五项  ")


def test_lines_are_shown_where_the_number_of_estimates_differs_too() -> None:
    assert lines_of([])[0] == "第1条 S1: 3240.00"


def test_a_case_that_passes_shows_none() -> None:
    assert lines_of([{"payable": "3240.00"}]) == ()
