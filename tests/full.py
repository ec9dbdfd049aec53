"""The long forms within a budget: `make full BUDGET=12m`.

Every test marked `full`, the search for what a night leaves behind, and all properties with examples of their own.
Parts share the time evenly; one that has reached its end leaves its share to the others, and the properties take what
is left, with new examples every time. Seeds and order follow from the commit. What was reached at this commit is
remembered in `build/full.json`, so the next call goes on behind it.

The time is kept: what still runs when it is over is stopped and counts as not reached. The first failure ends the run.

As a plugin (`pytest -p full`) this file writes down what a slice of tests has reached, test by test.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
STATE = Path("build/full.json")
LEAK_TEST = "tests/acceptance/test_nothing_personal_at_rest.py"
PROPERTIES = "properties"
REACHED = "HUBAO_FULL_REACHED"
COLLECTED = "HUBAO_FULL_COLLECTED"
"""In the environment of a process of tests: the file to which the plugin writes what it reached, or what there is."""

LAST_CALL = 0.03
"""This last share of the time belongs to clearing up: at its beginning what still runs is asked to stop."""

GRACE = 15.0
"""So many seconds it has for that at most."""


@dataclass
class Part:
    """One long form. `waiting`: tests not reached in this round, in the order of this commit; `total`: reached at this
    commit in all rounds, `now`: by this run."""

    name: str
    tests: list[str]
    waiting: list[str]
    reached: list[str] = field(default_factory=list)
    seconds: float = 0.0
    total: int = 0
    round: int = 0
    now: int = 0
    stopped: int = 0

    @property
    def mean(self) -> float:
        """What a test of it takes, by what is known; a guess before the first."""
        return self.seconds / self.total if self.total else 5.0


class Budget:
    """So many seconds from now, and the moments at which slices are stopped and killed."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._began = seconds, time.monotonic()

    @property
    def left(self) -> float:
        """Seconds until the last call."""
        return self._began + self.seconds * (1 - LAST_CALL) - time.monotonic()

    @property
    def spent(self) -> float:
        return time.monotonic() - self._began

    @property
    def grace(self) -> float:
        return min(GRACE, 2 * LAST_CALL * self.seconds)

    @property
    def slice_seconds(self) -> float:
        """How long a slice should take: long enough to be worth starting, short enough to share."""
        return min(max(self.seconds / 16, 5.0), 90.0)


class Run:
    """All parts, worked by a few threads at once; each slice is a process of its own."""

    def __init__(self, parts: list[Part], budget: Budget, seed: int, state: State, root: Path) -> None:
        self._parts, self._budget, self._seed, self._state, self._root = parts, budget, seed, state, root
        self._lock = threading.Lock()
        self._busy: dict[str, float] = {}
        self._running: set[subprocess.Popen[str]] = set()
        self._numbers = iter(range(1_000_000))
        self.failures: list[str] = []

    def work(self, workers: int) -> None:
        """To the end of the budget, of all parts, or at the first failure."""
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self) -> None:
        """Ask every slice to end; they are in sessions of their own, so that a terminal does not reach them."""
        for process in list(self._running):
            _signal(process, signal.SIGINT)

    def _work(self) -> None:
        while self._budget.left > 1 and not self.failures:
            with self._lock:
                taken = self._next_slice()
            if taken is None:
                return
            self._run_slice(*taken)

    def _next_slice(self) -> tuple[Part, list[str], float] | None:
        """(part, tests, seconds expected): as many tests as fill a slice, of the part that had the least time.

        None when all are done or under way.
        """
        open_parts = [part for part in self._parts if part.waiting]
        if not open_parts:
            return None
        part = min(open_parts, key=lambda part: part.seconds + self._busy.get(part.name, 0.0))
        many = max(1, int(self._budget.slice_seconds / max(part.mean, 0.05)))
        tests, part.waiting = part.waiting[:many], part.waiting[many:]
        expected = len(tests) * part.mean
        self._busy[part.name] = self._busy.get(part.name, 0.0) + expected
        if part.name == PROPERTIES and not part.waiting:
            # The same tests once more are other examples.
            part.round += 1
            part.reached, part.waiting = [], in_order(part.tests, self._seed + part.round)
        return part, tests, expected

    def _run_slice(self, part: Part, tests: list[str], expected: float) -> None:
        began = time.monotonic()
        file = self._root / STATE.parent / f"full-{os.getpid()}-{next(self._numbers)}.reached"
        output, code, in_time = self._started(part, tests, file)
        reached = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        with self._lock:
            part.seconds += time.monotonic() - began
            self._busy[part.name] -= expected
            if in_time and code in (0, 5):
                reached = tests
            part.reached += reached
            part.total += len(reached)
            part.now += len(reached)
            if not in_time:
                part.stopped += len(tests) - len(reached)
            left = [test for test in tests if test not in reached]
            part.waiting = left + [test for test in part.waiting if test not in left]
            if in_time and code not in (0, 5) and not self.failures:
                self.failures.append(f"{part.name}\n{output}")
                self.stop()
            self._state.save(self._parts)

    def _started(self, part: Part, tests: list[str], file: Path) -> tuple[str, int, bool]:
        """(what it printed, its exit code, whether it came to its end by itself)."""
        command = [sys.executable, "-m", "pytest", "-p", "full", "-x", "--no-header", *tests]
        if part.name == PROPERTIES:
            command += ["--hypothesis-profile", "random", f"--hypothesis-seed={self._seed + part.round}"]
        process = subprocess.Popen(
            command,
            cwd=self._root,
            env=os.environ | {REACHED: str(file), "PYTHONPATH": _python_path(self._root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._running.add(process)
        try:
            try:
                output, _ = process.communicate(timeout=max(self._budget.left, 0.1))
                return output, process.returncode, not self.failures
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGINT)
            try:
                process.communicate(timeout=self._budget.grace)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.communicate()
            return "", 0, False
        finally:
            self._running.discard(process)


def _signal(process: subprocess.Popen[str], number: int) -> None:
    """To a slice; a kill reaches whatever it started, too."""
    try:
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except ProcessLookupError:
        return


class State:
    """What was reached at this commit, in a file that git does not see."""

    def __init__(self, file: Path, commit: str) -> None:
        self._file, self._commit = file, commit

    def load(self) -> dict[str, dict[str, Any]]:
        """Part → what was reached; empty after another commit."""
        try:
            held = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return held["parts"] if held.get("commit") == self._commit else {}

    def save(self, parts: Iterable[Part]) -> None:
        """Written whole or not at all."""
        plain = {
            p.name: {"reached": p.reached, "total": p.total, "seconds": p.seconds, "round": p.round} for p in parts
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(".part")
        unfinished.write_text(json.dumps({"commit": self._commit, "parts": plain}), encoding="utf-8")
        unfinished.replace(self._file)


def seconds_of(budget: str) -> float:
    """12m, 90s, 1h. Raises ValueError."""
    written = re.fullmatch(r"([0-9]+)([smh])", budget)
    if written is None:
        raise ValueError(f"BUDGET={budget}: write 90s, 12m or 1h")
    return float(written[1]) * {"s": 1, "m": 60, "h": 3600}[written[2]]


def in_order(tests: Iterable[str], seed: int) -> list[str]:
    """The same order for the same seed."""
    listed = sorted(set(tests))
    random.Random(seed).shuffle(listed)
    return listed


def part_of(test: str) -> str:
    """The name of the part a test belongs to: its file, and the database where it runs on both."""
    file = Path(test.partition("::")[0]).stem.removeprefix("test_").replace("_", " ")
    case = test.partition("[")[2]
    return file + next((f", {name}" for name in ("sqlite", "postgres") if name in case), "")


def parts_of(root: Path, seed: int, before: dict[str, dict[str, Any]]) -> list[Part]:
    """Every part with the tests that were not reached yet."""
    names: dict[str, list[str]] = {}
    tests_of = collected(root)
    for test in tests_of["full"]:
        names.setdefault(part_of(test), []).append(test)
    # Where all had the same time, the first in the list has its turn: the long forms, each commit another one.
    order = [*in_order(names, seed), PROPERTIES]
    names[PROPERTIES] = tests_of["properties"]
    return [_part(name, names[name], seed, before.get(name, {})) for name in order if names[name]]


def _part(name: str, tests: list[str], seed: int, before: dict[str, Any]) -> Part:
    reached, times = before.get("reached", []), before.get("round", 0)
    waiting = [test for test in in_order(tests, seed + times) if test not in set(reached)]
    seconds, total = before.get("seconds", 0.0), before.get("total", 0)
    return Part(name, tests, waiting, reached=reached, total=total, seconds=seconds, round=times)


def collected(root: Path) -> dict[str, list[str]]:
    """The node ids of the long forms and of the properties, collected by a process of its own."""
    file = root / STATE.parent / f"full-{os.getpid()}.collected"
    file.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "full", "--collect-only"],
        check=False,
        cwd=root,
        env=os.environ | {COLLECTED: str(file), "PYTHONPATH": _python_path(root)},
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 5):
        sys.exit(f"tests cannot be collected:\n{done.stdout}{done.stderr}")
    found: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()
    return found


def _python_path(root: Path) -> str:
    return os.pathsep.join((str(root), str(Path(__file__).parent)))


def commit_of(root: Path) -> str:
    """The commit and what was changed since, as one word; without git always the same."""
    told = []
    for words in (("rev-parse", "HEAD"), ("diff", "HEAD")):
        done = subprocess.run(["git", *words], check=False, cwd=root, capture_output=True, text=True)
        told.append(done.stdout if done.returncode == 0 else "")
    return hashlib.sha256("".join(told).encode()).hexdigest()


@contextmanager
def one_postgres(parts: list[Part]) -> Iterator[None]:
    """One server for all slices, unless there is one already: starting it takes longer than most tests."""
    if "HUBAO_TEST_POSTGRES_URL" in os.environ or not any("postgres" in part.name for part in parts):
        yield
        return
    sys.path.insert(0, str(Path(__file__).parent))
    import conftest

    with conftest._wheel_server() as url:
        conftest._run(url, *conftest.QUICK_AND_LOSSY)
        os.environ["HUBAO_TEST_POSTGRES_URL"] = url
        try:
            yield
        finally:
            del os.environ["HUBAO_TEST_POSTGRES_URL"]


def main() -> int:
    """0: what was reached is right. 1: something is not."""
    parser = argparse.ArgumentParser(description="The long forms of the tests, within a budget.")
    parser.add_argument("budget", help="90s, 12m, 1h")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    chosen = parser.parse_args()
    try:
        budget = Budget(seconds_of(chosen.budget))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    commit = commit_of(chosen.root)
    seed, state = int(commit[:8], 16), State(chosen.root / STATE, commit)
    parts = parts_of(chosen.root, seed, state.load())
    print(f"full: {chosen.budget}, seed {seed}, {len(parts)} parts, {chosen.workers} at a time", flush=True)
    run = Run(parts, budget, seed, state, chosen.root)
    with one_postgres(parts):
        try:
            run.work(chosen.workers)
        except KeyboardInterrupt:
            run.stop()
            return 130
    _report(parts, budget)
    for failure in run.failures:
        print(f"\nFAILED: {failure}")
    return 1 if run.failures else 0


def _report(parts: list[Part], budget: Budget) -> None:
    for part in parts:
        rounds = f", round {part.round + 1}" if part.name == PROPERTIES else ""
        stopped = f", {part.stopped} stopped" if part.stopped else ""
        reached = f"{len(set(part.reached)):5} of {len(part.tests):5} reached, {part.now} now"
        print(f"  {part.name:45} {reached}, {part.seconds:.0f} s{rounds}{stopped}")
    print(f"full: {budget.spent:.0f} of {budget.seconds:.0f} s")


def pytest_collection_finish(session: Any) -> None:
    """The plugin: which tests are long forms, and which properties."""
    file = os.environ.get(COLLECTED)
    if file:
        found: dict[str, list[str]] = {"full": [], "properties": []}
        for item in session.items:
            if item.get_closest_marker("full") or item.nodeid.startswith(LEAK_TEST):
                found["full"].append(item.nodeid)
            elif item.get_closest_marker("hypothesis"):
                found["properties"].append(item.nodeid)
        Path(file).write_text(json.dumps(found), encoding="utf-8")


def pytest_runtest_logreport(report: Any) -> None:
    """The plugin: a test that passed, or was skipped, is reached."""
    file = os.environ.get(REACHED)
    if file and ((report.when == "call" and report.passed) or report.skipped):
        with Path(file).open("a", encoding="utf-8") as out:
            out.write(report.nodeid + "\n")


if __name__ == "__main__":
    sys.exit(main())
