"""When a reading of the clock is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.transport.dates import RemoteClocks
from gateway.core.timekeeping import LARGEST_STEP, ProcessStart, agreeing, in_line

NOW = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "believed"), [(0, True), (3, True), (-3, True), (3.01, False), (-3.01, False), (181, False)]
)
def test_a_step_of_more_than_three_days_is_not_believed(days: float, believed: bool) -> None:
    now = NOW + timedelta(days=days)
    assert in_line(now, NOW) is believed
    assert ProcessStart(process="p", at=now, known_before=NOW).vouches_for(now) is believed


def test_where_nothing_is_known_any_reading_is_believed() -> None:
    assert in_line(NOW, None)


def test_a_process_that_began_well_may_run_for_months() -> None:
    seconds = [0.0]
    start = ProcessStart(process="p", at=NOW, known_before=NOW, steady=lambda: seconds[0])
    seconds[0] = timedelta(days=100).total_seconds()
    assert start.vouches_for(NOW + timedelta(days=100))
    # The clock is set wrong while it runs.
    assert not start.vouches_for(NOW + timedelta(days=281))
    assert not start.vouches_for(NOW + timedelta(days=90))


def test_without_a_steady_counter_a_test_s_clock_moves_as_it_likes() -> None:
    assert ProcessStart(process="p", at=NOW, known_before=NOW).vouches_for(NOW + 100 * LARGEST_STEP)


def test_machines_agree_within_five_minutes() -> None:
    remote = {"b": NOW + timedelta(minutes=5), "a": NOW - timedelta(minutes=4), "c": NOW + timedelta(minutes=6)}
    assert agreeing(NOW, remote) == ["a", "b"]


def test_other_machines_clocks_go_on_from_their_last_answer() -> None:
    seconds = [100.0]
    clocks = RemoteClocks(lambda: seconds[0])
    clocks.note("line.example", "Mon, 30 Nov 2026 01:00:00 GMT")
    clocks.note("line.example", "nonsense")
    clocks.note("inbox.example", "")
    seconds[0] += 60
    assert clocks.present() == {"line.example": NOW + timedelta(minutes=1)}
    clocks.note("line.example", "Mon, 30 Nov 2026 01:02:00 GMT")
    assert clocks.present() == {"line.example": NOW + timedelta(minutes=2)}


@pytest.mark.parametrize("machine", ["localhost", "127.0.0.1", "127.8.0.1", "::1", "0.0.0.0", ""])
def test_this_machine_does_not_speak_for_itself(machine: str) -> None:
    clocks = RemoteClocks()
    clocks.note(machine, "Mon, 30 Nov 2026 01:00:00 GMT")
    assert clocks.present() == {}
