"""`make full`: what it has reached it remembers, what fails ends it, and its budget is kept."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

FULL = Path(__file__).parents[1] / "full.py"
sys.path.insert(0, str(FULL.parent))
from full import PROPERTIES, Budget, Part, Run, State, in_order, part_of, seconds_of  # noqa: E402

HEAD = "import time\nimport pytest\n"
LONG = "@pytest.mark.full\n@pytest.mark.parametrize('case', range(4))\ndef test_long(case):\n    {}\n"


def full(folder: Path, budget: str, body: str) -> subprocess.CompletedProcess[str]:
    """The long forms of a folder of tests with this one file."""
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests/test_all.py").write_text(HEAD + body, encoding="utf-8")
    environment = os.environ | {"HUBAO_TEST_POSTGRES_URL": "", "PYTEST_ADDOPTS": "-q -p no:cacheprovider"}
    command = [sys.executable, "-P", str(FULL), budget, "--root", str(folder), "--workers", "1"]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=300)


@pytest.mark.full
def test_what_was_reached_at_this_commit_is_not_done_again(tmp_path: Path) -> None:
    first = full(tmp_path, "5m", LONG.format("assert case >= 0"))
    assert (first.returncode, "4 of     4 reached, 4 now" in first.stdout) == (0, True), first.stdout + first.stderr
    again = full(tmp_path, "5m", LONG.format("assert case >= 0"))
    assert (again.returncode, "4 of     4 reached, 0 now" in again.stdout) == (0, True), again.stdout + again.stderr


def test_a_failure_ends_it_and_is_shown(tmp_path: Path) -> None:
    done = full(tmp_path, "5m", LONG.format("assert case != 2, 'wrong here'"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "wrong here" in done.stdout
    assert full(tmp_path, "5m", LONG.format("assert case >= 0")).returncode == 0


def test_the_budget_is_kept(tmp_path: Path) -> None:
    began = time.monotonic()
    done = full(tmp_path, "5s", LONG.format("time.sleep(120)"))
    assert time.monotonic() - began < 60
    assert (done.returncode, " 0 of     4 reached, 0 now" in done.stdout) == (0, True), done.stdout + done.stderr


def test_properties_are_done_again_with_other_examples_and_never_end(tmp_path: Path) -> None:
    tests = [f"t{number}" for number in range(30)]
    part = Part(PROPERTIES, tests, waiting=list(tests))
    run = Run([part], Budget(100.0), 7, State(tmp_path / "state.json", "commit"), tmp_path)
    slices = []
    while part.round < 3:
        taken = run._next_slice()
        assert taken is not None
        slices += taken[1]
    assert sorted(slices) == sorted(tests * 3)
    assert slices[:30] != slices[30:60]


def test_the_order_follows_from_the_seed() -> None:
    tests = [f"t{number}" for number in range(50)]
    assert in_order(tests, 1) == in_order(reversed(tests), 1) != in_order(tests, 2)
    assert sorted(in_order(tests, 1)) == sorted(tests)


def test_parts_are_files_and_databases() -> None:
    assert part_of("tests/unit/test_oracle_schemes.py::test_a[nm-1]") == "oracle schemes"
    assert part_of("tests/acceptance/test_killed.py::test_a[postgres-1]") == "killed, postgres"


@pytest.mark.parametrize(("written", "seconds"), [("90s", 90), ("12m", 720), ("1h", 3600)])
def test_budgets_are_written_with_their_unit(written: str, seconds: int) -> None:
    assert seconds_of(written) == seconds


@pytest.mark.parametrize("written", ["12", "", "1.5h", "m", "-3m"])
def test_a_budget_without_a_unit_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="write 90s, 12m or 1h"):
        seconds_of(written)
