"""`hubao bench --stage assess` and `--stage simulate`, and the members they generate."""

from __future__ import annotations

from pathlib import Path

from gateway.bench.assess import bench_assess, bench_simulate
from gateway.bench.cases import patients, write_cases


def test_the_engine_alone() -> None:
    result = bench_assess(records=300, seed=1)
    assert 300 <= result.estimates < 310
    assert result.estimates_per_second > 0 < result.plain_per_second


def test_a_simulation_over_a_file() -> None:
    result = bench_simulate(records=501, processes=1, seed=1)
    assert (result.stays, result.refused) == (501, 0)
    assert result.difference > 0
    assert result.peak_rss_mb > 0


def test_parts_hold_different_people_and_exactly_the_stays_asked_for() -> None:
    held = [list(patients(stays=70, seed=5, part=part, parts=3)) for part in range(3)]
    assert [sum(len(each.records) for each in part) for part in held] == [70, 70, 70]
    people = [each.person.id_number for part in held for each in part]
    assert len(set(people)) == len(people)
    numbers = [record.settlement_no for part in held for each in part for record in each.records]
    assert len(set(numbers)) == len(numbers)


def test_the_same_seed_writes_the_same_bytes_and_nothing_that_says_who(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a", "b", "c")]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        write_cases(file, stays=50, seed=seed)
    first, again, other = [file.read_bytes() for file in files]
    assert first == again != other
    for patient in patients(stays=50, seed=1):
        assert patient.person.id_number.encode() not in first
        assert patient.person.name.encode() not in first
