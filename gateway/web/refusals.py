"""What is refused is told to the log, once a minute: whoever knocks without end must not fill the disk."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from gateway.errors import NotAuthentic

log = logging.getLogger("hubao.web")

_SECONDS: Final = 60.0
_MOST_KINDS: Final = 256
_NUMBER: Final = re.compile(r"[+-]?[0-9]+")


class OnceAMinute:
    """Lets one line of a kind through a minute, with how many were left out since the last one. Lines that differ in
    their numbers only are of one kind."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._lock = Lock()
        self._lines: dict[str, tuple[float, int]] = {}

    def line(self, text: str) -> str | None:
        """What is to be said now; None while the last line of this kind is not a minute old."""
        kind, now = _NUMBER.sub("#", text), self._steady()
        with self._lock:
            if kind not in self._lines and len(self._lines) >= _MOST_KINDS:
                kind = ""
            said_at, left_out = self._lines.get(kind, (-_SECONDS, 0))
            if kind in self._lines and now - said_at < _SECONDS:
                self._lines[kind] = said_at, left_out + 1
                return None
            self._lines[kind] = now, 0
        return f"{text}；此前另有 {left_out} 次 ({left_out} more before)" if left_out else text


_pace: Final = OnceAMinute()


def tell(text: str) -> None:
    """A warning in the log, at most once a minute."""
    line = _pace.line(text)
    if line is not None:
        log.warning("%s", line)


class Paced(logging.Filter):
    """Warnings of the web server and of its loop, at most once a minute: whoever is refused causes one each time."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep what has not been said this minute."""
        line = _pace.line(record.getMessage())
        if line is not None:
            record.msg, record.args = line, ()
        return line is not None


def pace_the_server_s_log() -> None:
    """From now on the web server's own log says each thing once a minute."""
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        if not any(isinstance(log_filter, Paced) for log_filter in logger.filters):
            logger.addFilter(Paced())


@contextmanager
def told_to_the_log(sender: str) -> Iterator[None]:
    """Which part of a request proves nothing is for whoever runs the gateway; the answer never says it."""
    try:
        yield
    except NotAuthentic as error:
        tell(f"{sender}: 验签未通过 (not proved): {error.part or '-'}")
        raise
