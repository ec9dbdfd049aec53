"""The runner of `<league>.test.toml`: what passes, what fails, and what it says then."""

from __future__ import annotations

from pathlib import Path

import pytest
from normalise_samples import ID18, made, mapping

from gateway.errors import BadSettings
from gateway.flow.studies.mapping_tests import CaseResult, run_mapping_tests

BASE = '[base]\nsetl_id = "T1"\nmedfee_sumamt = 10.50\n'


def run(tmp_path: Path, cases: str, name: str = "") -> list[CaseResult]:
    path = tmp_path / "made.test.toml"
    path.write_text(BASE + cases, encoding="utf-8")
    return run_mapping_tests(mapping(name) if name else made(checks={"i3": "warn"}), path)


def case(body: str) -> str:
    return f'[[cases]]\nname = "c"\n{body}\n'


@pytest.mark.parametrize(
    "body",
    [
        'rows = [{}]\nexpect = [{ record = { settlement_no = "T1", total_amount = "10.50" }, absent = ["name"] }]',
        'rows = [{}, { setl_id = "T2" }]\nexpect = [{ record = {} }, { record = { settlement_no = "T2" } }]',
        'rows = [{ gend = "7", setl_id = "" }]\nexpect = [{ quarantined = ["unknown_code", "missing"] }]',
        'rows = [{}]\ndrop = ["medfee_sumamt"]\nexpect = [{ quarantined = ["missing"] }]',
        'rows = [{}]\nnull = ["setl_id"]\nexpect = [{ quarantined = ["missing"] }]',
        'rows = [{ psn_pay = 5, acct_pay = 1, cash_payamt = 1 }]\n'
        'expect = [{ record = {}, warnings = ["sum_mismatch_i3"] }]',
        'text = "{"\npage_error = "not_json"', 'text = "{}"', 'hex = "7b7d"', 'hex = "7b"\npage_error = "not_json"',
        'rows = [{ begndate = "2026-03-01" }]\nexpect = [{ record = { admitted_on = 2026-03-01 } }]',
    ],
)  # fmt: skip
def test_cases_that_pass(tmp_path: Path, body: str) -> None:
    assert run(tmp_path, case(body)) == [CaseResult(name="c", passed=True)]


@pytest.mark.parametrize(
    ("body", "difference"),
    [
        ('rows = [{}]\nexpect = [{ record = { settlement_no = "T2" } }]', "settlement_no: 'T1' ≠ 'T2'"),
        ('rows = [{}]\nexpect = [{ record = { name = "x" } }]', "name: None ≠ 'x'"),
        ('rows = [{}]\nexpect = [{ record = {}, absent = ["total_amount"] }]', "total_amount"),
        ('rows = [{}]\nexpect = [{ record = {}, warnings = ["sum_mismatch_i3"] }]', "warnings"),
        ('rows = [{}]\nexpect = [{ quarantined = ["missing"] }]', "quarantined: [] ≠ ['missing']"),
        ('rows = [{ setl_id = "" }]\nexpect = [{ record = {} }]', "did not become a record"),
        ('rows = [{ setl_id = "", gend = "7" }]\nexpect = [{ quarantined = ["missing"] }]', "quarantined"),
        ("rows = [{}]", "1 ≠ 0"), ("rows = [{}]\nexpect = [{ record = {} }, { record = {} }]", "1 ≠ 2"),
        ('rows = [{}]\npage_error = "not_json"', "page_error: None ≠ 'not_json'"),
        ('text = "{"\npage_error = "feed_error"', "'not_json' ≠ 'feed_error'"), ('text = "{"', "1 ≠ 0"),
    ],
)  # fmt: skip
def test_cases_that_fail_show_input_output_expected_and_the_first_difference(
    tmp_path: Path, body: str, difference: str
) -> None:
    (result,) = run(tmp_path, case(body))
    assert not result.passed
    assert difference in result.detail.splitlines()[0]
    assert [word for word in ("input", "output", "expected") if f"({word})" in result.detail] == [
        "input",
        "output",
        "expected",
    ]


def test_a_csv_case_is_shown_readable(tmp_path: Path) -> None:
    (result,) = run(tmp_path, case('text = "姓名"'), "hinggan")
    assert "姓名" in result.detail


@pytest.mark.parametrize(
    "text",
    ["[[cases]]\nname = 5", case(""), case('rows = [{}]\ntext = "x"'), case('hex = "zz"'), case('rwos = []'),
    "x = 1", "[["],
)  # fmt: skip
def test_a_file_that_is_wrong_itself_is_a_finding(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSettings) as caught:
        run(tmp_path, text)
    assert "made.test.toml" in str(caught.value)
    assert ID18 not in str(caught.value)
