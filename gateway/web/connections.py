"""How long and how much the web server bears with whoever connects: deadlines for a request's head and body, a number
of connections at which the slowest makes room, and no head that two readers could read differently.

The library has a time-out between requests only; its protocol is extended where it takes bytes in.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from typing import Any, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.web import refusals

HEAD_SECONDS: Final = 10.0
"""Within this a request's head must be here, from connecting or from its first byte on."""

BODY_SECONDS: Final = 120.0
"""Within this a request's body must be here: 16 MiB over a line of 2 Mbit/s take 70 s."""

MOST_CONNECTIONS: Final = 256
"""Far below the 1,024 open files many systems allow a process: the database and the vault need some, too."""

LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 32 * 1024 * 1024
"""For so long, and so much, of a request that is refused by its head is read and thrown away after the answer."""

_BACKLOG: Final = 128
_BARE_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")
_LENGTH: Final = re.compile(rb"^content-length[ \t]*:", re.IGNORECASE | re.MULTILINE)
_CHUNKED: Final = re.compile(rb"^transfer-encoding[ \t]*:", re.IGNORECASE | re.MULTILINE)


class LingeringTransport:
    """A connection that `close` ends in two steps where a request is still being sent (RFC 9112, 9.6): ours at once,
    the sender's when its rest was read and thrown away, or after `LINGER_SECONDS` or `LINGER_BYTES` of it. Closed
    with bytes unread it would be reset, and the sender might lose the answer that says why it was refused."""

    def __init__(self, line: asyncio.Transport, protocol: BoundedProtocol) -> None:
        self._line, self._protocol = line, protocol
        self.left: int | None = None
        """How many bytes more are thrown away; None while nothing is."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)

    def is_closing(self) -> bool:
        """Whether nothing more is said on it."""
        return self.left is not None or self._line.is_closing()

    def close(self) -> None:
        """End it, once the sender has had the time to read the answer."""
        unread = self._protocol.conn.their_state in (h11.SEND_BODY, h11.ERROR)
        if self.is_closing() or not unread or not self._line.can_write_eof():
            self._line.close()
            return
        self.left = LINGER_BYTES
        self._line.write_eof()
        self._protocol.flow.resume_reading()
        self._protocol.linger(self._line)

    def throw_away(self, data: bytes) -> None:
        """Bytes of the refused request."""
        self.left = (self.left or 0) - len(data)
        if self.left <= 0:
            self._line.abort()


class BoundedProtocol(H11Protocol):
    """One connection, with deadlines."""

    waiting_since: float | None = None
    """Since when the rest of a request is waited for; None while none is."""

    _phase: Any = None
    _deadline: asyncio.TimerHandle | None = None
    _head = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, and have the slowest make room where there are too many."""
        line = transport.get_extra_info("socket")
        if line is not None and line.family in (socket.AF_INET, socket.AF_INET6):
            # An answer leaves as head and body: without this the body waits until the head is acknowledged, 40 ms.
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lingering = LingeringTransport(transport, self)
        super().connection_made(self._lingering)  # type: ignore[arg-type]
        self._wait_for(h11.IDLE)
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait_for(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in, unless the head they are part of is ambiguous, or nothing more is listened to."""
        if self._lingering.left is not None:
            self._lingering.throw_away(data)
            return
        if self.conn.their_state is h11.IDLE and self._is_ambiguous(data):
            refusals.tell("请求头有歧义，已拒绝 (refused: bare line feeds, or Content-Length with Transfer-Encoding)")
            self.send_400_response("Ambiguous HTTP request.")
            return
        super().data_received(data)
        state = self.conn.their_state
        self._wait_for(state if state in (h11.IDLE, h11.SEND_BODY) else None)

    def linger(self, line: asyncio.Transport) -> None:
        """The answer is sent; what still comes is thrown away for a while. It makes room before whoever is served."""
        self._wait_for(h11.MUST_CLOSE)
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(LINGER_SECONDS, line.abort)

    def _is_ambiguous(self, data: bytes) -> bool:
        """Whether another reader (a proxy before us) could see another request in this head."""
        head, end, _ = (self._head + data).partition(b"\r\n\r\n")
        # A carriage return may wait for its line feed. h11 itself limits how long a head may be.
        self._head = b"" if end else head
        return bool(_BARE_LINE_FEED.search(head) or (_LENGTH.search(head) and _CHUNKED.search(head)))

    def _wait_for(self, phase: Any) -> None:
        if phase is self._phase:
            return
        self._phase = phase
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline, self.waiting_since = None, None
        if phase is not None:
            seconds = HEAD_SECONDS if phase is h11.IDLE else BODY_SECONDS
            self._deadline, self.waiting_since = self.loop.call_later(seconds, self._too_late), time.monotonic()

    def _too_late(self) -> None:
        part = "请求头 (head)" if self._phase is h11.IDLE else "报文 (body)"
        refusals.tell(f"连接已断开：{part}迟迟未到 (closed: it did not come in time)")
        self.transport.abort()

    def _make_room(self) -> None:
        """The one who has kept us waiting longest goes, so that whoever comes with a whole request is answered."""
        slow = [line for line in self.connections if isinstance(line, BoundedProtocol) and line.waiting_since]
        # This one waits too, so there is always one; whoever is being answered stays.
        slowest = min(slow, key=lambda line: line.waiting_since or 0.0)
        refusals.tell("连接过多，已断开等待最久的 (too many connections: the slowest was closed)")
        self.connections.discard(slowest)
        slowest.transport.abort()


def server_for(app: Any, **options: Any) -> uvicorn.Server:
    """A server with these bounds: no access log (addresses may name people) and no word about the software."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        http=BoundedProtocol,
        ws="none",
        backlog=_BACKLOG,
        **options,
    )
    refusals.pace_the_server_s_log()
    return uvicorn.Server(config)
