"""What the clocks of other machines read, by the Date headers of their answers (RFC 9110 §6.6.1).

Nothing more is kept than the newest of each machine: by its name, so that two ports of one machine are one, and never
of this machine itself, which would only say what our own clock says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Final

_THIS_MACHINE: Final = ("localhost", "::1", "0.0.0.0", "::", "")  # noqa: S104 - names to leave out, nothing is bound
_MOST_MACHINES: Final = 256


def http_date(text: str) -> datetime | None:
    """The instant of a Date header, None for anything else."""
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parsed if parsed.tzinfo is not None else None


class RemoteClocks:
    """Machine → what its clock read, and when that was by a counter no change of our clock touches."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._lock = Lock()
        self._read: dict[str, tuple[datetime, float]] = {}

    def note(self, machine: str, date: str) -> None:
        """Remember the Date header of an answer of this machine; one that is no date is left out."""
        if machine in _THIS_MACHINE or machine.startswith("127.") or (instant := http_date(date)) is None:
            return
        with self._lock:
            if machine in self._read or len(self._read) < _MOST_MACHINES:
                self._read[machine] = instant, self._steady()

    def present(self) -> dict[str, datetime]:
        """Machine → what its clock reads now, reckoned from its last answer."""
        with self._lock:
            now = self._steady()
            return {
                machine: instant + timedelta(seconds=now - noted) for machine, (instant, noted) in self._read.items()
            }


remote_clocks: Final = RemoteClocks()
"""Those that answered this process."""
