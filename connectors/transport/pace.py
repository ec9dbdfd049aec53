"""What a line can bear, as a promise kept by everybody who calls it: so many calls a second, evenly; so many a day; so
many at once.

What was called stands in small files of the site under a lock, as message ids do: threads, lookups beside a sweep,
other processes and restarts share one promise. Machines that call the same line each keep their own.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from gateway.errors import CallsSpent, Unavailable
from gateway.model.clock import SHANGHAI
from gateway.ports import Surroundings

_WAITING_SECONDS: Final = 60.0
"""A turn further away than this, and than a hundred others, was written by a clock that was ahead."""
_LOOK_AGAIN_SECONDS: Final = 0.02


class _Called(msgspec.Struct, array_like=True):
    """The state of a line: when the next call may go (seconds), and the calls of a day (Asia/Shanghai)."""

    free_at: float = 0.0
    day: str = ""
    calls: int = 0


class Pace:
    """The turns of one line. `sleep` and `wall_seconds` stand in for the machine's waiting and its clock."""

    def __init__(
        self,
        around: Surroundings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        wall_seconds: Callable[[], float] = time.time,
    ) -> None:
        self._gap, self._per_day, self._at_once = 1.0 / around.per_second, around.per_day, around.at_once
        self._clock, self._sleep, self._wall_seconds = around.clock, sleep, wall_seconds
        self._state = around.state_file(f"pace-{around.name}")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One call, begun when it is our turn; a pause is not saved up for a later burst.

        Raises CallsSpent where the day's calls are spent, Unavailable where it cannot be noted.
        """
        slot = self._slot()
        try:
            wait = self._noted()
            if wait > 0:
                self._sleep(wait)
            yield
        finally:
            if slot is not None:
                os.close(slot)

    def _noted(self) -> float:
        """Take the next turn; returns the seconds until it comes."""
        day, now = self._clock().astimezone(SHANGHAI).date().isoformat(), self._wall_seconds()
        try:
            with os.fdopen(_opened(self._state), "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                called = _read(file.read(128))
                if called.free_at - now > max(_WAITING_SECONDS, 100 * self._gap):
                    called.free_at = 0.0
                if called.day != day:
                    called.day, called.calls = day, 0
                if self._per_day is not None and called.calls >= self._per_day:
                    raise CallsSpent(f"今日{self._per_day}次调用已用完，明日继续 (the calls of today are spent)")
                turn = max(now, called.free_at)
                called.free_at, called.calls = turn + self._gap, called.calls + 1
                file.seek(0)
                file.write(msgspec.json.encode(called))
                file.truncate()
        except OSError as error:
            raise Unavailable(f"调用计数文件不可写 (the file that counts calls): {error.strerror}") from error
        return turn - now

    def _slot(self) -> int | None:
        """Hold one of the places for calls at once, whoever holds the others; None where there is no such limit."""
        while self._at_once is not None:
            for number in range(self._at_once):
                try:
                    place = _opened(self._state.with_name(f"{self._state.name}.{number}"))
                except OSError as error:
                    raise Unavailable(f"调用计数文件不可写 (the file that counts calls): {error.strerror}") from error
                try:
                    fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(place)
                except OSError as error:
                    # Waiting for a lock that no disk here can give would never end.
                    os.close(place)
                    raise Unavailable(f"调用计数文件不能加锁 (cannot be locked): {error.strerror}") from error
                else:
                    return place
            time.sleep(_LOOK_AGAIN_SECONDS)
        return None


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _read(content: bytes) -> _Called:
    """What stands in the file; a new beginning where nothing readable does."""
    try:
        return msgspec.json.decode(content, type=_Called)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return _Called()
