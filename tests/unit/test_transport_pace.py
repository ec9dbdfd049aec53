"""What a line can bear is a promise of the site's: kept by every thread, every process and after every restart."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.transport.pace import Pace
from gateway.errors import CallsSpent, Unavailable
from gateway.model.clock import SHANGHAI
from gateway.ports import Surroundings


class Watch:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now, self.slept = datetime(2026, 3, 1, 2, tzinfo=SHANGHAI), list[float]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += timedelta(seconds=seconds)

    def seconds(self) -> float:
        return self.now.timestamp()

    def pace(self, site: Path, **bears: Any) -> Pace:
        around = Surroundings(
            name="line", site=site, clock=lambda: self.now, read_secret=str, kept_name=str, **{"per_second": 4, **bears}
        )
        return Pace(around, sleep=self.sleep, wall_seconds=self.seconds)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def call(pace: Pace, times: int = 1) -> None:
    for _ in range(times):
        with pace.turn():
            pass


def test_turns_come_evenly_and_a_pause_saves_nothing_up(tmp_path: Path, watch: Watch) -> None:
    pace = watch.pace(tmp_path)
    call(pace, 3)
    watch.now += timedelta(seconds=10)
    call(pace, 2)
    assert watch.slept == [0.25, 0.25, 0.25]


def test_two_who_call_the_same_line_share_its_rate(tmp_path: Path, watch: Watch) -> None:
    call(watch.pace(tmp_path))
    call(watch.pace(tmp_path))
    assert watch.slept == [0.25]


def test_the_calls_of_a_day_are_counted_over_restarts_and_begin_anew_at_midnight(tmp_path: Path, watch: Watch) -> None:
    call(watch.pace(tmp_path, per_day=3), 2)
    pace = watch.pace(tmp_path, per_day=3)
    call(pace)
    with pytest.raises(CallsSpent, match="今日3次"):
        call(pace)
    watch.now = datetime(2026, 3, 2, 0, 0, tzinfo=SHANGHAI)
    call(pace, 3)
    with pytest.raises(CallsSpent):
        call(pace)


def test_what_was_refused_for_the_day_leaves_its_place_at_once(tmp_path: Path, watch: Watch) -> None:
    pace = watch.pace(tmp_path, per_day=1, at_once=1)
    call(pace)
    for _ in range(3):
        with pytest.raises(CallsSpent):
            call(pace)


def test_never_more_at_once_than_the_line_bears(tmp_path: Path, watch: Watch) -> None:
    paces = [watch.pace(tmp_path, per_second=1000, at_once=2) for _ in range(6)]
    at_once, most, guard = [0], [0], threading.Lock()
    begun = threading.Barrier(6)

    def caller(pace: Pace) -> None:
        begun.wait()
        for _ in range(3):
            with pace.turn():
                with guard:
                    at_once[0] += 1
                    most[0] = max(most[0], at_once[0])
                threading.Event().wait(0.005)
                with guard:
                    at_once[0] -= 1

    threads = [threading.Thread(target=caller, args=(pace,)) for pace in paces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [2]


def test_a_place_is_free_again_when_its_process_was_killed(tmp_path: Path, watch: Watch) -> None:
    holder = """
import os, sys
from datetime import datetime
from pathlib import Path
from connectors.transport.pace import Pace
from gateway.ports import Surroundings
around = Surroundings(name="line", site=Path(sys.argv[1]), clock=lambda: datetime.now().astimezone(), read_secret=str,
    kept_name=str, at_once=1)
with Pace(around).turn():
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-P", "-c", holder, str(tmp_path)], check=False).returncode == -9
    call(watch.pace(tmp_path, at_once=1))


@pytest.mark.parametrize("content", [b"", b"{", b"[1", b"\xff\xfe", b'["x", 1, 2]', b'[99999999999, "", 0]'])
def test_a_file_that_says_nothing_sensible_begins_anew(tmp_path: Path, watch: Watch, content: bytes) -> None:
    pace = watch.pace(tmp_path)
    (tmp_path / "data" / "pace-line").write_bytes(content)
    call(pace, 2)
    assert watch.slept == [0.25]


def test_what_cannot_be_noted_is_not_called(tmp_path: Path, watch: Watch) -> None:
    pace = watch.pace(tmp_path)
    (tmp_path / "data" / "pace-line").mkdir()
    with pytest.raises(Unavailable, match="调用计数"):
        call(pace)


def test_a_place_that_cannot_be_held_is_said_and_not_waited_for(tmp_path: Path, watch: Watch) -> None:
    pace = watch.pace(tmp_path, at_once=1)
    (tmp_path / "data" / "pace-line.0").mkdir()
    with pytest.raises(Unavailable, match="调用计数"):
        call(pace)
