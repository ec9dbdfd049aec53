"""Ten answers make a scheme file that the language takes, with cases whose amounts were worked out by hand."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.errors import BadSettings, WrongUse
from gateway.flow.studies.scheme_tests import run_scheme_tests
from gateway.settings.schemes import load_families
from gateway.settings.schemes.questionnaire import SchemeAnswers, scheme_files_of

ANSWERS = SchemeAnswers(
    scheme="my-union",
    name="某市职工住院互助",
    source="某工发〔2026〕1号",
    starts=date(2026, 1, 1),
    categories="active",
    period="calendar_year",
    bands="10000:0.40,100000:0.70,1.00",
    allowance="20x30",
    cap="50000",
    claim_days=90,
)


def with_answers(**given: Any) -> SchemeAnswers:
    return msgspec.structs.replace(ANSWERS, **given)


def payable(answers: SchemeAnswers) -> list[str]:
    cases = tomllib.loads(scheme_files_of(answers)["my-union.test.toml"])["cases"]
    return [case["expect"][0]["payable"] for case in cases]


def test_the_cases_say_what_arithmetic_says() -> None:
    """Five nights at 20.00 are 100.00; 400 of 1,000, 4,000.70 of 10,001, 67,001 of 100,001, which the cap cuts."""
    assert payable(ANSWERS) == ["500.00", "4100.70", "50000.00", "0.00"]
    assert payable(with_answers(cap="0", allowance="0")) == ["400.00", "4000.70", "67001.00", "0.00"]
    assert payable(with_answers(bands="0.5", allowance="30x2", cap="0")) == ["560.00", "0.00"]


@pytest.mark.parametrize(
    "answers",
    [
        ANSWERS,
        with_answers(cap="0", allowance="0"),
        with_answers(bands="3000:0.3333,1", period="months_from_joining"),
        with_answers(bands="500:0.5，5000:0.25", categories="retired，active"),
        with_answers(name='引号"与\\反斜杠\n换行\x7f', starts=date(2024, 2, 29)),
    ],
)
def test_the_engine_answers_the_cases_so(answers: SchemeAnswers, tmp_path: Path) -> None:
    files = scheme_files_of(answers)
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    families = load_families(tmp_path)
    assert families["my-union"].name == answers.name
    results = run_scheme_tests(tomllib.loads(files["my-union.test.toml"]), families)
    assert [(result.case, result.differences) for result in results if not result.passed] == []


def test_what_the_regulation_does_not_say_is_named_as_open(tmp_path: Path) -> None:
    (tmp_path / "my-union-2026.toml").write_text(scheme_files_of(ANSWERS)["my-union-2026.toml"], encoding="utf-8")
    [edition] = load_families(tmp_path)["my-union"].editions
    assert {"rounding", "allowance.days", "proration.nights"} <= edition.assumed


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"bands": "10000:40"}, WrongUse),
        ({"bands": "0.4,10000:0.5"}, WrongUse),
        ({"bands": ""}, WrongUse),
        ({"bands": "10000:0.4,5000:0.5"}, BadSettings),
        ({"allowance": "twenty"}, WrongUse),
        ({"cap": "-1"}, WrongUse),
        ({"cap": "１"}, WrongUse),
        ({"categories": "everybody"}, BadSettings),
        ({"scheme": "../my-union"}, BadSettings),
        ({"claim_days": 100_000}, BadSettings),
        ({"source": ""}, BadSettings),
    ],
)
def test_answers_that_cannot_be_are_refused(given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        scheme_files_of(with_answers(**given))
