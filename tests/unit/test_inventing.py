"""A first test file from a sample: nobody of the sample is in it, the amounts are, and it passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from unknown_leagues import LEAGUES, SURNAMES, League, bills

from gateway.core.normalise import compile_mapping
from gateway.errors import BadInput
from gateway.flow.studies.inferring import infer
from gateway.flow.studies.inventing import test_file_from as first_test_file
from gateway.flow.studies.mapping_tests import read_cases, run_mapping_tests
from gateway.model.national_id import checksum_ok
from gateway.settings.mappings import load_mapping


@pytest.mark.parametrize("league", LEAGUES, ids=lambda league: league.name)
def test_nobody_of_the_sample_is_in_it_and_it_passes(league: League, tmp_path: Path) -> None:
    mapping, tests = tmp_path / "north.toml", tmp_path / "north.test.toml"
    mapping.write_text(infer(league.content, mapping="north", name="北方").text, encoding="utf-8")
    compiled = compile_mapping(load_mapping(mapping).language())
    tests.write_text(first_test_file(compiled, league.content), encoding="utf-8")
    results = run_mapping_tests(compiled, tests)
    assert len(results) >= 2
    assert [result.detail for result in results if not result.passed] == []
    text = tests.read_text(encoding="utf-8")
    people = [bill.person for seed in range(1, 9) for bill in bills(seed)]
    assert not [person for person in people if person.id_number in text or person.person_no in text]
    assert not [sign for sign in SURNAMES if f'"{sign}' in text]
    records = [row.record or {} for case in read_cases(tests).cases for row in case.expect]
    assert all(checksum_ok(record["id_number"]) and record["name"].startswith("测试") for record in records)
    totals = {f"{bill.money['total']:.2f}" for seed in range(1, 9) for bill in bills(seed)}
    assert {record["total_amount"] for record in records} <= totals


def test_a_sample_of_which_nothing_becomes_a_record_is_refused() -> None:
    league = next(league for league in LEAGUES if league.name == "pinyin")
    compiled = compile_mapping(load_mapping(Path(__file__).parents[2] / "mappings/national.toml").language())
    with pytest.raises(BadInput):
        first_test_file(compiled, league.content)
