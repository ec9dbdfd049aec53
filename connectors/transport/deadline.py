"""One deadline for a whole exchange: connecting, TLS, headers that drip, `100 Continue` again and again, the body.

The library's own time-outs are for one operation each and begin anew with every byte. Here every operation on the
network is given what is left of the exchange it belongs to. The name service has a limit of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

import httpcore
import httpx

_SLICE: Final = 64 * 1024

# An exchange stays in the thread it began in, with all its reading and writing.
_ends_at: ContextVar[float | None] = ContextVar("exchange_ends_at", default=None)


@contextmanager
def one_deadline(seconds: float) -> Iterator[None]:
    """Everything a client of `DeadlineTransport` does in here is over after so many seconds, or raises a time-out."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def _left(timeout: float | None, otherwise: type[httpx.TimeoutException]) -> float | None:
    """How long one operation may take. Raises `otherwise` once the exchange's time is up."""
    ends_at = _ends_at.get()
    if ends_at is None:
        return timeout
    left = ends_at - time.monotonic()
    if left <= 0:
        raise otherwise("the exchange took too long")
    return left if timeout is None else min(timeout, left)


class DeadlineTransport(httpx.HTTPTransport):
    """The library's own transport, whose every operation asks how much time is left."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        pool: Any = self._pool
        # The pool takes a backend only when it is made, and the transport makes the pool.
        pool._network_backend = _Backend(pool._network_backend)


class _Backend:
    """Opens connections within the time that is left."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> _Stream:
        left = _left(timeout, httpx.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, timeout=left, **options))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _Stream:
    """A connection that is read and written within the time that is left.

    What is written goes together: the library hands over head and body apart, and each would wake the other side. It
    goes once it is a slice, and before anything is read; an exchange always ends with reading.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._unwritten = bytearray()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unwritten:
            # As the library does it: who would not take all of a request may have said why.
            with suppress(httpcore.WriteError):
                self._flush(timeout)
        content: bytes = self._stream.read(max_bytes, timeout=_left(timeout, httpx.ReadTimeout))
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unwritten += buffer
        if len(self._unwritten) >= _SLICE:
            self._flush(timeout)

    def _flush(self, timeout: float | None) -> None:
        content, self._unwritten = bytes(self._unwritten), bytearray()
        # In slices: whoever takes a few bytes at a time must not begin the time anew with each of them.
        for start in range(0, len(content), _SLICE):
            self._stream.write(content[start : start + _SLICE], timeout=_left(timeout, httpx.WriteTimeout))

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        left = _left(timeout, httpx.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()
