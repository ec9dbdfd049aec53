"""That a long command still works, and how far it is: on standard error, for people at a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from rich.status import Status

T = TypeVar("T")

PATIENCE: Final = 2.0
"""After how many seconds somebody at a terminal wants to see that something goes on."""
_EVERY: Final = 500


class Work:
    """What a command is doing, and how many of its items are done."""

    def __init__(self, words: str) -> None:
        self._words, self._many = words, 0
        self._shown: Status | None = None

    def counting(self, items: Iterable[T]) -> Iterator[T]:
        """The same items, counted as they pass."""
        for self._many, item in enumerate(items, 1):
            if self._shown is not None and self._many % _EVERY == 0:
                self._shown.update(self._text())
            yield item

    def begin_to_show(self) -> None:
        """Show from now on that something goes on."""
        from rich.console import Console

        self._shown = Console(stderr=True).status(self._text())
        self._shown.start()

    def end(self) -> None:
        """Show nothing any more."""
        if self._shown is not None:
            self._shown.stop()

    def _text(self) -> str:
        return f"{self._words}，已完成 {self._many:,}" if self._many else f"{self._words}……"


@contextmanager
def working(words: str, *, as_json: bool) -> Iterator[Work]:
    """While this lasts longer than a moment, a terminal shows that it does. Nothing is shown to machines: with --json,
    or where standard error is no terminal."""
    work = Work(words)
    if as_json or not sys.stderr.isatty():
        yield work
        return
    patience = Timer(PATIENCE, work.begin_to_show)
    patience.daemon = True
    patience.start()
    try:
        yield work
    finally:
        patience.cancel()
        patience.join()
        work.end()
