"""The gateway as a process that dies when a test says so; the test drives it over two pipes.

    python mortal.py          one JSON request a line in, two JSON answers a line out: {"pid"}, then {"status", …}

A request runs `hubao` with these arguments in a fork of this process: the same `main`, loaded beforehand, its
clock moved by so many seconds, perhaps with a file for every log line down to DEBUG, and with a place of death:
the nth time it is about to commit a change, has committed one, or has asked for a file to be on disk. There it
sends itself SIGKILL, which nobody can catch: nothing that was still to be done is done.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import settings_once

from gateway import wiring
from gateway.cli import main as command_line
from gateway.store.engine import Store

PLACES = ("before_commit", "after_commit", "fsync")


class Fate:
    """Counts the places this process passes, and ends it at the chosen one."""

    def __init__(self, place: str | None, nth: int) -> None:
        self.passed: Counter[str] = Counter()
        self._place, self._nth = place, nth

    def passes(self, place: str) -> None:
        """One more time at this place; perhaps the last."""
        self.passed[place] += 1
        if place == self._place and self.passed[place] == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)


def move_clock(seconds: float) -> None:
    """Every office opened from now on lives so much later or earlier."""
    real = wiring.shanghai_now
    defaults: dict[str, Any] = {"clock": lambda: real() + timedelta(seconds=seconds)}
    wiring.open_office.__kwdefaults__ = defaults
    wiring.office_of.__kwdefaults__ = dict(defaults)


def watch(fate: Fate) -> None:
    """Let every commit of a change and every fsync pass by `fate`."""
    write, fsync = Store.write, os.fsync

    @contextmanager
    def watched(self: Store) -> Iterator[Any]:
        with write(self) as tx:
            yield tx
            fate.passes("before_commit")
        fate.passes("after_commit")

    def synced(file: Any) -> None:
        fsync(file)
        fate.passes("fsync")

    Store.write = watched  # type: ignore[method-assign]
    os.fsync = synced  # type: ignore[assignment]


def live(request: dict[str, Any]) -> None:
    """The life of one fork; never returns."""
    os.setsid()
    for number, name in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
        os.dup2(os.open(name, os.O_RDWR | os.O_APPEND), number)
    if request["log"]:
        logging.basicConfig(level=logging.DEBUG, filename=request["log"], format="%(levelname)s %(name)s %(message)s")
    fate = Fate(request.get("place"), request.get("nth", 0))
    move_clock(request["seconds"])
    watch(fate)
    sys.argv = ["hubao", *request["arguments"]]
    code = _ended(command_line.main)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(request["passed"], "w") as file:  # noqa: PTH123 - nothing but builtins after a fork.
        json.dump(fate.passed, file)
    os._exit(code)


def _ended(main: Callable[[], None]) -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def serve() -> None:
    """Fork once for every line that comes in."""
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            live(request)
        answer({"pid": pid})
        end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert end is not None
        answer({"code": end.si_status if end.si_code == os.CLD_EXITED else -end.si_status})
        # The test may still send its signal; until it has read the answer the number belongs to nobody else.
        sys.stdin.readline()
        os.waitpid(pid, 0)


def answer(value: dict[str, Any]) -> None:
    """One line to the test."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def load() -> None:
    """Import what the commands import when they run and parse the shipped settings: a fork begins with its work."""

    settings_once.install()
    settings_once.read_beforehand(Path(__file__).parents[2])
    # What is loaded stays: no fork looks through it for garbage.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    load()
    serve()
