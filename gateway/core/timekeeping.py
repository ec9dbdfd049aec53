"""When a reading of the clock may be believed: beside what was known before, and beside other machines' clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

LARGEST_STEP: Final = timedelta(days=3)
"""A site that works leaves an instant every day; from one to the next a clock does not go further than this."""

AGREEMENT: Final = timedelta(minutes=5)
MACHINES: Final = 2


def in_line(now: datetime, newest: datetime | None) -> bool:
    """Whether a reading follows from the newest instant that is known. Where none is, any reading does."""
    return newest is None or abs(now - newest) <= LARGEST_STEP


def agreeing(now: datetime, remote_times: Mapping[str, datetime]) -> list[str]:
    """The machines (by name) whose clocks read the same as ours."""
    return sorted(machine for machine, instant in remote_times.items() if abs(instant - now) <= AGREEMENT)


class ProcessStart(msgspec.Struct, frozen=True, kw_only=True):
    """How a process began: its random name, what its clock read, and the newest instant committed before it.

    `steady` counts seconds that no change of the clock touches; None where the clock is a test's or a simulation's.
    """

    process: str
    at: datetime
    known_before: datetime | None = None
    steady: Callable[[], float] | None = None
    steady_at: float = 0.0

    def vouches_for(self, now: datetime) -> bool:
        """Whether this reading follows from what was known before the process began, and from the time passed since."""
        if not in_line(self.at, self.known_before):
            return False
        return self.steady is None or in_line(now, self.at + timedelta(seconds=self.steady() - self.steady_at))
