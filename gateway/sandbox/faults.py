"""Faults on demand: what goes wrong on real lines, at a chosen call or by chance, repeatable by its seed."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from gateway.errors import WrongUse
from gateway.sandbox.people import Dice


class Fault(StrEnum):
    """What a server does wrong. Only `slow`, `broken` and `lost` carry out the request."""

    TIMEOUT = "timeout"
    ERROR = "error"
    BUSY = "busy"
    REFUSED = "refused"
    BROKEN = "broken"
    SLOW = "slow"
    LOST = "lost"


class Scripted(msgspec.Struct, frozen=True):
    """The nth call (from 1) of a point goes wrong in this way."""

    point: str
    nth: int
    fault: Fault


class Chance(msgspec.Struct, frozen=True):
    """So many calls in ten thousand of a point go wrong in this way."""

    point: str
    of_ten_thousand: int
    fault: Fault


class Faults:
    """Decides for every call of a server whether it goes wrong; may be asked from several threads.

    A point is what the server calls one of its doors: "5203" on the cloud line, "POST /claims" at the inbox.
    `hold_seconds` is how long a time-out is silent, `slow_seconds` how long a slow answer takes.
    """

    def __init__(
        self,
        planned: Iterable[Scripted | Chance] = (),
        *,
        seed: int = 0,
        hold_seconds: float = 5.0,
        slow_seconds: float = 0.5,
    ) -> None:
        self.hold_seconds = hold_seconds
        self.slow_seconds = slow_seconds
        self.happened: Counter[tuple[str, Fault]] = Counter()
        self._planned = tuple(planned)
        self._calls: Counter[str] = Counter()
        self._dice = Dice("faults", seed)
        self._lock = threading.Lock()

    @classmethod
    def parse(cls, texts: Iterable[str], *, seed: int = 0) -> Faults:
        """Faults written as "5203:2:timeout" (the second call) or "POST /claims:5%:lost". Raises WrongUse."""
        return cls([_planned(text) for text in texts], seed=seed)

    def next(self, point: str) -> Fault | None:
        """Counts one call of this point and says what goes wrong with it, if anything."""
        with self._lock:
            self._calls[point] += 1
            for plan in self._planned:
                if plan.point != point:
                    continue
                if isinstance(plan, Scripted):
                    happens = plan.nth == self._calls[point]
                else:
                    happens = self._dice.chance(plan.of_ten_thousand)
                if happens:
                    self.happened[point, plan.fault] += 1
                    return plan.fault
            return None

    def calls(self, point: str) -> int:
        """How many calls of this point there were."""
        return self._calls[point]


_PLAN = re.compile(r"(?P<point>.+):(?:(?P<nth>[1-9][0-9]{0,6})|(?P<percent>[0-9]{1,2})%):(?P<fault>[a-z]+)")


def _planned(text: str) -> Scripted | Chance:
    parts = _PLAN.fullmatch(text)
    if parts is None or parts["fault"] not in list(Fault):
        raise WrongUse(f"故障写法 (a fault is written): POINT:N:FAULT / POINT:N%:FAULT；FAULT = {'、'.join(Fault)}")
    fault = Fault(parts["fault"])
    if parts["nth"]:
        return Scripted(parts["point"], int(parts["nth"]), fault)
    return Chance(parts["point"], int(parts["percent"]) * 100, fault)
