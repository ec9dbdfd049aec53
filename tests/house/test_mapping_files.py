"""Every mapping that ships loads, and every case beside it passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.normalise import compile_mapping
from gateway.flow.mapping_tests import read_cases, run_mapping_tests
from gateway.settings.mappings import load_mapping

MAPPINGS = Path(__file__).parents[2] / "mappings"
FILES = sorted(path for path in MAPPINGS.glob("*.toml") if not path.name.endswith(".test.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_case_beside_a_mapping_passes(path: Path) -> None:
    compiled = compile_mapping(load_mapping(path).language())
    results = run_mapping_tests(compiled, path.with_name(f"{path.stem}.test.toml"))
    failed = [f"{result.name}\n{result.detail}" for result in results if not result.passed]
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_mapping_is_named_after_its_file_and_has_cases_for_good_and_bad(path: Path) -> None:
    cases = read_cases(path.with_name(f"{path.stem}.test.toml")).cases
    expected = [one for case in cases for one in case.expect]
    assert load_mapping(path).mapping == path.stem
    assert any(one.record for one in expected)


def test_the_three_leagues_are_here() -> None:
    assert {"wuhai", "hinggan", "bayannur"} <= {path.stem for path in FILES}
