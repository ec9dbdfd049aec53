"""The shipped scheme files: they load, their tests pass, and what they leave open is what the engine knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.core.schemes.language.edition import OPEN_QUESTIONS
from gateway.flow.studies.scheme_tests import run_scheme_tests
from gateway.settings.files import read_toml
from gateway.settings.schemes import load_families, scheme_files, scheme_test_files

SCHEMES = Path(__file__).parents[2] / "config" / "schemes"
FAMILIES = load_families(SCHEMES)
CORE = Path(__file__).parents[2] / "gateway" / "core" / "schemes"


def test_the_editions_of_the_inpatient_scheme() -> None:
    editions = FAMILIES["nm-inpatient"].editions
    assert [edition.name for edition in editions] == ["2019", "2020", "2021", "2022"]
    starts = [str(edition.starts) for edition in editions]
    assert starts == ["2019-01-16", "2020-04-28", "2021-05-01", "2022-03-22"]


@pytest.mark.parametrize("path", scheme_test_files(SCHEMES), ids=lambda path: path.name)
def test_cases_beside_the_files(path: Path) -> None:
    results = run_scheme_tests(read_toml(path, shown_as=path.name), FAMILIES)
    assert [(result.case, result.differences) for result in results if not result.passed] == []
    assert len(results) > 5


def test_every_scheme_has_cases() -> None:
    tested = {path.name.removesuffix(".test.toml") for path in scheme_test_files(SCHEMES)}
    assert tested == set(FAMILIES)


def test_every_open_question_is_answered_in_some_file_and_asked_by_the_engine() -> None:
    answered = {name for path in scheme_files(SCHEMES) for name in read_toml(path, shown_as="-")["settings"]}
    assert sorted(set(OPEN_QUESTIONS) - answered) == []
    code = "".join(path.read_text(encoding="utf-8") for path in CORE.rglob("*.py") if path.name != "edition.py")
    assert [name for name in OPEN_QUESTIONS if f'"{name}"' not in code] == []


def test_the_readme_names_every_key() -> None:
    text = (SCHEMES / "README.md").read_text(encoding="utf-8")
    keys = {key for path in scheme_files(SCHEMES) for key in _keys(read_toml(path, shown_as="-"))}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []
    assert [name for name in OPEN_QUESTIONS if f"`{name}`" not in text] == []


def _keys(tables: dict[str, Any], at: str = "") -> set[str]:
    keys = set()
    for key, value in tables.items():
        place = f"{at}{key}"
        rows = value if isinstance(value, list) else [value]
        inner = [row for row in rows if isinstance(row, dict)]
        if key == "settings":
            keys.add("settings.<name>")
        elif inner:
            keys |= {one for row in inner for one in _keys(row, f"{place}.")}
        else:
            keys.add(place)
    return keys


GOOD = {"case": "c", "scheme": "nm-inpatient", "member": {}, "settlements": []}


@pytest.mark.parametrize(
    ("tables", "found"),
    [
        ({}, "只允许"),
        ({"cases": []}, "只允许"),
        ({"cases": [GOOD | {"expect": []}], "case": 1}, "只允许"),
        ({"cases": [{"expect": []}]}, "名称"),
        ({"cases": ["c"]}, "名称"),
        ({"cases": [GOOD]}, "expect_error"),
        ({"cases": [GOOD | {"expect": [], "expect_error": "x"}]}, "expect_error"),
        ({"cases": [GOOD | {"expect": [], "expected": []}]}, "未知键"),
        ({"cases": [GOOD | {"expect": [{"payable": "1.00"}]}]}, "estimates"),
        ({"cases": [GOOD | {"expect_error": "missing"}]}, "error.code"),
        ({"cases": [GOOD | {"scheme": "other", "expect": []}]}, "error"),
    ],
)
def test_a_test_file_can_fail(tables: dict[str, Any], found: str) -> None:
    (result,) = run_scheme_tests(tables, FAMILIES)
    assert not result.passed
    assert any(found in difference for difference in result.differences)


def test_a_difference_names_its_place() -> None:
    member = {"coverage": [{"from": "2021-06-01", "to": "2022-05-31"}]}
    row = {"settlement_no": "S1", "care_type": "pharmacy", "admitted_on": "2021-07-01"}
    case = GOOD | {"member": member, "settlements": [row], "expect": [{"flags": ["x"], "payable": "0.00"}]}
    (result,) = run_scheme_tests({"cases": [case]}, FAMILIES)
    assert result.differences == ("estimates[1].flags[1]: 应为 (expected) 'x'，得到 (found) 'not_payable_care'",)
