"""Every mapping that ships loads, every case beside it passes, and the README says what there is to say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from gateway.core.normalise import compile_mapping, normalise_lines
from gateway.core.normalise.language import ParserName
from gateway.core.normalise.problems import PAGE_CODES, ROW_CODES
from gateway.flow.studies.mapping_tests import read_cases, run_mapping_tests
from gateway.settings.mappings import ChecksSpec, FieldSpec, MappingSpec, load_mapping

MAPPINGS = Path(__file__).parents[2] / "mappings"
FILES = sorted(path for path in MAPPINGS.glob("*.toml") if not path.name.endswith(".test.toml"))
README = (MAPPINGS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_case_beside_a_mapping_passes(path: Path) -> None:
    compiled = compile_mapping(load_mapping(path).language())
    results = run_mapping_tests(compiled, path.with_name(f"{path.stem}.test.toml"))
    failed = [f"{result.name}\n{result.detail}" for result in results if not result.passed]
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_mapping_is_named_after_its_file_and_shows_a_record_and_a_reversal(path: Path) -> None:
    cases = read_cases(path.with_name(f"{path.stem}.test.toml")).cases
    records = [one.record for case in cases for one in case.expect if one.record]
    assert load_mapping(path).mapping == path.stem
    assert any(record.get("settlement_no") for record in records)
    assert any(record.get("reversal") is True for record in records)


def test_the_three_leagues_are_here() -> None:
    assert {"wuhai", "hinggan", "bayannur"} <= {path.stem for path in FILES}


def test_every_error_code_is_documented_with_its_sentence() -> None:
    missing = [code for code, text in (ROW_CODES | PAGE_CODES).items() if f"| `{code}` | {text} |" not in README]
    assert not missing


def test_every_parser_and_every_key_is_documented() -> None:
    keys = {name.rstrip("_") for spec in (FieldSpec, ChecksSpec, MappingSpec) for name in spec.model_fields}
    words = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`[^`\n]+`", README))))
    assert not (keys | set(get_args(ParserName))) - words


def test_the_samples_in_the_readme_are_read_as_written() -> None:
    samples = re.findall(r"```(json|csv)\n(.*?)```", README, re.DOTALL)
    leagues = ("wuhai", "hinggan", "bayannur")
    assert len(samples) == len(leagues)
    for league, (kind, text) in zip(leagues, samples, strict=True):
        compiled = compile_mapping(load_mapping(MAPPINGS / f"{league}.toml").language())
        content = text.replace("\n", "\r\n").encode("gb18030") if kind == "csv" else text.encode()
        (line,) = normalise_lines(compiled, content)
        assert line["record"]["fund_paid_amount"] == "9000.00"
        assert line["record"]["id_number"] == "150999198001010017"
