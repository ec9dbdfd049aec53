"""A real HTTP server on loopback that can misbehave on the wire as other organisations' servers do."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self

Wire = Literal["whole", "hang", "drop", "half", "drip", "drip-headers", "continue", "no-end", "no-length"]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What to answer, and how it goes over the wire.

    "hang" never answers, "drop" closes instead, "half" closes in the middle of the body, "drip" sends a byte
    at a time for ever, "drip-headers" does so with headers, "continue" says `100 Continue` again and again, "no-end"
    sends the body over and over as fast as it is taken, "no-length" sends it without saying how long it is.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: Wire = "whole"


class QuietServer(ThreadingHTTPServer):
    """A server that expects its callers to hang up."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class LocalServer:
    """Serves `answer` on a free port until the block ends, and keeps what it saw."""

    def __init__(self, answer: Callable[[Seen], Reply]) -> None:
        self.seen: list[Seen] = []
        self.closing = threading.Event()
        self._answer = answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, self.rfile.read(length))
                outer.seen.append(seen)
                outer.write(self, outer._answer(seen))

            do_GET = do_POST = handle_one  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Be quiet."""

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.close_connection = reply.wire != "whole"
        if reply.wire == "hang":
            self.closing.wait(5)
        if reply.wire in ("hang", "drop"):
            return
        try:
            self._write(handler, reply)
        except OSError:
            handler.close_connection = True

    def _write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        while reply.wire == "continue" and not self.closing.wait(0.02):
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        handler.send_response(reply.status)
        if reply.wire == "drip-headers":
            handler.flush_headers()
        while reply.wire == "drip-headers" and not self.closing.wait(0.02):
            handler.wfile.write(b"x: y\r\n")
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if reply.wire in ("no-length", "no-end"):
            handler.send_header("connection", "close")
        else:
            promised = {"half": len(reply.body) * 2, "drip": 10**6}.get(reply.wire, len(reply.body))
            handler.send_header("content-length", str(promised))
        handler.end_headers()
        if reply.wire != "drip":
            handler.wfile.write(reply.body)
        while reply.wire == "drip" and not self.closing.wait(0.02):
            handler.wfile.write(b" ")
        while reply.wire == "no-end" and not self.closing.is_set():
            handler.wfile.write(reply.body)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def closed_port() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
