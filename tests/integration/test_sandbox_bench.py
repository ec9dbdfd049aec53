"""The benchmark's input: the workload the benchmark promises, repeatable, and read by the shipped mapping."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.bench.data import BenchPlan, write_bench
from gateway.core.normalise import Normal, compile_mapping
from gateway.core.roster.reading import read_roster
from gateway.settings.mappings import load_mapping

RECORDS, MEMBERS = 24_000, 6_000


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> BenchPlan:
    folder = tmp_path_factory.mktemp("bench")
    return write_bench(folder, records=RECORDS, members=MEMBERS, hit_rate=0.2, seed=7)


@pytest.fixture(scope="module")
def rows(plan: BenchPlan) -> list[dict[str, Any]]:
    return [row for page in plan.pages for row in json.loads(page.read_bytes())["setlinfo"]]


def test_pages_hold_2000_rows_of_about_45_fields(plan: BenchPlan, rows: list[dict[str, Any]]) -> None:
    assert [len(json.loads(page.read_bytes())["setlinfo"]) for page in plan.pages] == [2000] * 12
    assert len(rows) == plan.records == RECORDS
    assert 43 <= len(rows[0]) <= 50
    assert plan.bytes == sum(page.stat().st_size for page in plan.pages)


def test_the_plan_counts_what_is_there(plan: BenchPlan, rows: list[dict[str, Any]]) -> None:
    assert plan.member_rows + plan.stranger_rows == RECORDS
    assert plan.reversals == sum(row["refd_setl_flag"] == "1" for row in rows)
    people = read_roster(plan.roster.read_bytes()).people
    members = {member.id_number for member in people}
    assert len(members) == plan.members == MEMBERS
    broken = sum(row["certno"] not in members for row in rows) - plan.stranger_rows
    assert 0 <= broken <= plan.bad, "only a spoiled id number makes a member's row look like a stranger's"


def test_the_mix_is_the_promised_one(plan: BenchPlan, rows: list[dict[str, Any]]) -> None:
    assert plan.member_rows / RECORDS == pytest.approx(0.2, abs=0.01)
    assert plan.reversals / RECORDS == pytest.approx(0.05, abs=0.007)
    assert plan.bad / RECORDS == pytest.approx(0.01, abs=0.004)
    people = {member.id_number for member in read_roster(plan.roster.read_bytes()).people}
    theirs = [row for row in rows if row["certno"] in people]
    kinds = Counter(
        "inpatient" if row["clr_type"] == "21" else "special" if row["med_type"] == "140201" else "other"
        for row in theirs
    )
    assert kinds["inpatient"] / len(theirs) == pytest.approx(0.60, abs=0.03)
    assert kinds["special"] / len(theirs) == pytest.approx(0.05, abs=0.012)
    stays = Counter(row["certno"] for row in theirs)
    assert len(set(stays.values())) >= 4, "the number of stays per member varies"


def test_the_national_mapping_reads_every_page(plan: BenchPlan) -> None:
    mappings = Path(__file__).parents[2] / "mappings"
    compiled = compile_mapping(load_mapping(mappings / f"{plan.mapping}.toml").language())
    refused = reversals = 0
    for page in plan.pages[:4]:
        content = compiled.read(page.read_bytes())
        compiled.identify(content, 0, len(content))
        for index in range(len(content)):
            normalised = compiled.record(content, index)
            refused += not isinstance(normalised, Normal)
            reversals += isinstance(normalised, Normal) and normalised.record.reversal
    assert refused / 8_000 == pytest.approx(0.01, abs=0.005)
    assert reversals / 8_000 == pytest.approx(0.05, abs=0.01)


def test_a_refund_follows_its_original_and_nothing_is_refunded_twice(rows: list[dict[str, Any]]) -> None:
    seen: set[tuple[str, str]] = set()
    for row in rows:
        key = (row["setl_id"], row["refd_setl_flag"])
        assert key not in seen
        seen.add(key)
        if row["refd_setl_flag"] == "1":
            assert (row["setl_id"], "0") in seen
            assert row["medfee_sumamt"] < 0


def test_the_roster_is_clean_and_covers_the_year(plan: BenchPlan) -> None:
    found = read_roster(plan.roster.read_bytes())
    assert [finding for finding in found.findings if finding.severity == "error"] == []
    assert found.rows == plan.roster_rows
    assert all(member.coverage[-1].last_day == date(2022, 5, 31) for member in found.people)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    def written(name: str, seed: int) -> list[bytes]:
        options = {"records": 700, "members": 50, "hit_rate": 0.5, "rows_per_page": 300}
        made = write_bench(tmp_path / name, seed=seed, **options)
        return [path.read_bytes() for path in (made.roster, *made.pages)]

    assert written("a", 1) == written("b", 1) != written("c", 2)


@pytest.mark.parametrize("hit_rate", [0.0, 1.0])
def test_the_edges_of_the_hit_rate(tmp_path: Path, hit_rate: float) -> None:
    made = write_bench(tmp_path, records=300, members=10, hit_rate=hit_rate, seed=1)
    assert made.member_rows == round(300 * hit_rate)
