"""An association's claims inbox as a real HTTP server: what it was sent it keeps, and shows on a page.

    POST /claims          a claim version, signed, with its Idempotency-Key
    GET  /claims/{id}     which version is held (signed too)
    GET  /                the page for people        GET /api/summary    the counts for machines

The same key and body again gets the first answer again and has no effect; the same key with another body is
refused (422); a lower version than the one held is answered 409 with the version held.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from gateway.errors import BadInput
from gateway.model.clock import SHANGHAI
from gateway.model.money import parse_yuan
from gateway.sandbox.faults import Faults
from gateway.sandbox.inbox_book import InboxBook, Submitted, problem
from gateway.sandbox.inbox_page import page
from gateway.sandbox.servers import LocalServer, Request, ServerReply, json_reply
from gateway.sandbox.signing import webhook_is_authentic

_STATUSES = ("proposed", "amended", "withdrawn")
_NOBODY = Submitted(key="", claim_id="", version=0, status="", body=b"")


class _Head(msgspec.Struct):
    """As much of a claim as an inbox must understand."""

    claim_id: str
    version: int
    status: str
    payable: str = "0.00"


class InboxApp:
    """The inbox without its port: requests in, answers out, everything in the book."""

    def __init__(self, book: InboxBook, secret: str, clock: Callable[[], float]) -> None:
        self._book = book
        self._secret = secret
        self._clock = clock

    def point(self, request: Request) -> str:
        """ "POST /claims", "GET /claims", or the path itself."""
        door = "/claims" if request.path.startswith("/claims") else request.path
        return f"{request.method} {door}"

    def answer(self, request: Request) -> ServerReply:
        """Routes one request."""
        if request.path == "/claims" and request.method == "POST":
            return self._receive(request)
        if request.method != "GET":
            return problem(405, "method_not_allowed", "不支持的方法 (method not allowed)")
        if request.path.startswith("/claims/"):
            return self._tell(request)
        if request.path == "/api/summary":
            return json_reply(self._book.summary())
        if request.path == "/":
            return ServerReply(body=page(self._book).encode(), content_type="text/html; charset=utf-8")
        return problem(404, "not_found", "没有此地址 (no such address)")

    def _receive(self, request: Request) -> ServerReply:
        at = datetime.fromtimestamp(self._clock(), tz=SHANGHAI).isoformat(timespec="seconds")
        if not self._is_authentic(request):
            self._book.note(_NOBODY, "not_authentic", at=at)
            return problem(401, "not_authentic", "验签未通过 (signature or timestamp is not right)")
        came = _submitted(request)
        if came is None:
            self._book.note(_NOBODY, "bad_request", at=at)
            return problem(400, "bad_request", "缺少幂等键或报文不完整 (no key, or not a claim)")
        return self._book.take(came, at=at)

    def _tell(self, request: Request) -> ServerReply:
        if not self._is_authentic(request):
            return problem(401, "not_authentic", "验签未通过 (signature or timestamp is not right)")
        claim_id = request.path.removeprefix("/claims/")
        latest = self._book.latest(claim_id)
        if latest is None:
            return problem(404, "unknown_claim", "没有此申领 (no such claim)", claim_id=claim_id)
        return json_reply({"claim_id": claim_id, "version": latest[0], "status": latest[1]})

    def _is_authentic(self, request: Request) -> bool:
        return webhook_is_authentic(self._secret, request.headers, request.body, now=self._clock())


def _submitted(request: Request) -> Submitted | None:
    """What was submitted, or None when the key is missing or the body is not a claim."""
    key = request.headers.get("idempotency-key", "")
    try:
        head = msgspec.json.decode(request.body, type=_Head)
        parse_yuan(head.payable)
    except (msgspec.DecodeError, BadInput):
        return None
    if not key or not head.claim_id or head.version < 1 or head.status not in _STATUSES:
        return None
    return Submitted(key=key, claim_id=head.claim_id, version=head.version, status=head.status, body=request.body)


class Inbox:
    """A running inbox in a thread of this process; also a context manager."""

    def __init__(self, book: InboxBook, server: LocalServer) -> None:
        self.book = book
        self.address = server.address
        self.port = server.port
        self._server = server

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        secret: str,
        port: int = 0,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Inbox:
        """Listens on 127.0.0.1 and keeps everything in `folder`. `secret` is whsec_ and base64."""
        book = InboxBook(folder)
        return cls(book, LocalServer(InboxApp(book, secret, clock), port=port, faults=faults))

    def summary(self) -> dict[str, Any]:
        """See `InboxBook.summary`."""
        return self.book.summary()

    def stop(self) -> None:
        """Stops listening and closes the book."""
        self._server.stop()
        self.book.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def main(arguments: list[str] | None = None) -> int:
    """`python -m gateway.sandbox.inbox`: prints its address as one JSON line, runs until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m gateway.sandbox.inbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--secret-env", required=True, metavar="NAME")
    parser.add_argument("--fault", action="append", default=[], metavar="POINT:N:FAULT")
    asked = parser.parse_args(arguments)
    secret = os.environ.get(asked.secret_env, "")
    if not secret:
        sys.stderr.write(f"环境变量 {asked.secret_env} 未设置 (environment variable is not set)\n")
        return 2
    faults = Faults.parse(asked.fault)
    inbox = Inbox.start(asked.folder, secret=secret, port=asked.port, faults=faults)
    sys.stdout.write(msgspec.json.encode({"address": inbox.address}).decode() + "\n")
    sys.stdout.flush()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    inbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
