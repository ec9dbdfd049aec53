"""A small real HTTP server on loopback whose answers can go wrong on demand. Stdlib only, up at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self

import msgspec

from gateway.sandbox.faults import Fault, Faults

LARGEST_BODY = 16 * 1024 * 1024
"""A longer request is refused unread."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request: header names in lower case, the path without its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class ServerReply(msgspec.Struct, frozen=True, kw_only=True):
    """One answer."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


def json_reply(value: Any, *, status: int = 200) -> ServerReply:
    """A value as a JSON answer."""
    return ServerReply(status=status, body=msgspec.json.encode(value))


class App(Protocol):
    """What a server serves. `answer` may be called from several threads at once."""

    def point(self, request: Request) -> str:
        """The name of the door this request knocks at, for faults."""
        ...

    def answer(self, request: Request) -> ServerReply:
        """Carries the request out."""
        ...


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that hang up in the middle are part of the exercise and nothing to print."""


class LocalServer:
    """An app behind a port of 127.0.0.1, in threads of this process; also a context manager."""

    def __init__(self, app: App, *, port: int = 0, faults: Faults | None = None) -> None:
        stopping = threading.Event()
        handler = type("Handler", (_Handler,), {"app": app, "faults": faults or Faults(), "stopping": stopping})
        self._stopping = stopping
        self._server = _Threads(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="sandbox", daemon=True)
        self.port: int = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._thread.start()

    def stop(self) -> None:
        """Stops listening; open connections end."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Handler(BaseHTTPRequestHandler):
    app: ClassVar[App]
    faults: ClassVar[Faults]
    stopping: ClassVar[threading.Event]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60

    def do_GET(self) -> None:
        self._exchange()

    def do_POST(self) -> None:
        self._exchange()

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the terminal quiet: what came is in the server's own book."""

    def _exchange(self) -> None:
        request = self._read()
        if request is None or self.stopping.is_set():
            self._hang_up()
            return
        fault = self.faults.next(self.app.point(request))
        if fault is Fault.TIMEOUT:
            self.stopping.wait(self.faults.hold_seconds)
            self._hang_up()
            return
        if fault in _UNDONE:
            self._write(_UNDONE[fault])
            return
        if fault is Fault.SLOW:
            self.stopping.wait(self.faults.slow_seconds)
        reply = self.app.answer(request)
        if fault is Fault.LOST:
            self._hang_up()
        elif fault is Fault.BROKEN:
            self._write(msgspec.structs.replace(reply, body=reply.body[: len(reply.body) // 2]))
        else:
            self._write(reply)

    def _read(self) -> Request | None:
        """The request, or None when its body has no length we accept or did not come whole."""
        length = self.headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > LARGEST_BODY:
            return None
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            return None
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        return Request(method=self.command, path=path, headers=headers, body=body)

    def _write(self, reply: ServerReply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def _hang_up(self) -> None:
        """Ends the connection without a word, so that the caller cannot know what was done."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


_UNDONE = {
    Fault.ERROR: ServerReply(status=500, body=b'{"title":"internal error"}'),
    Fault.BUSY: ServerReply(status=503, body=b'{"title":"busy"}', headers={"Retry-After": "1"}),
    Fault.REFUSED: ServerReply(
        status=422, body=b'{"title":"refused","code":"refused"}', content_type="application/problem+json"
    ),
}
"""Answers that say no before anything was done."""
