"""A rate limit as a promise: so many calls in a second, evenly, for all callers together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """At most `per_second` turns a second, one at once; a pause is not saved up for a later burst."""

    def __init__(
        self,
        per_second: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gap = 1.0 / per_second
        self._sleep = sleep
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self) -> None:
        """Return when it is our turn."""
        with self._lock:
            now = self._monotonic()
            turn = max(now, self._free_at)
            self._free_at = turn + self._gap
        if turn > now:
            self._sleep(turn - now)
