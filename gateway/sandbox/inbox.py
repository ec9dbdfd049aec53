"""An association's claims inbox as a real HTTP server: what it was sent it keeps, and shows on a page.

    POST /claims          a claim version, signed, with its Idempotency-Key
    POST /claims/batch    up to 100 of them, each answered for itself
    GET  /claims/{id}     which version is held (signed too)
    GET  /                the page for people        GET /api/summary    the counts for machines

The same key and body again gets the first answer again and has no effect; the same key with another body is
refused (422); a lower version than the one held is answered 409 with the version held. With a private key it also takes
bodies that are sealed to it (JWE, or SM2 and SM4-GCM); what it compares and keeps is what it opened.
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

from gateway.errors import BadInput, BrokenSeal
from gateway.model.clock import SHANGHAI
from gateway.model.money import parse_yuan
from gateway.sandbox.faults import Faults
from gateway.sandbox.inbox_book import InboxBook, Submitted, problem
from gateway.sandbox.inbox_page import page
from gateway.sandbox.servers import LocalServer, Request, ServerReply, json_reply
from gateway.sandbox.signing import sm_envelope_opened, webhook_is_authentic
from gateway.vault.jwe import open_jwe

_STATUSES = ("proposed", "amended", "withdrawn")
_MOST_IN_A_BATCH = 100
_NOBODY = Submitted(key="", claim_id="", version=0, status="", body=b"")


class _Head(msgspec.Struct):
    """As much of a claim as an inbox must understand."""

    claim_id: str
    version: int
    status: str
    payable: str = "0.00"


class _BatchItem(msgspec.Struct):
    """One claim of a batch, as it stands there: an object, or the text of one that is sealed."""

    idempotency_key: str
    claim: msgspec.Raw


class _ClaimBatch(msgspec.Struct):
    claims: list[_BatchItem]


class BodyReader(msgspec.Struct, frozen=True, kw_only=True):
    """The association's private keys: `jwe` in PEM, `sm2` as 32 bytes; None where it has none."""

    jwe: str | None = None
    sm2: bytes | None = None

    def opened(self, content_type: str, body: bytes) -> bytes:
        """A body, whatever it is sealed as. Raises ValueError for one that does not open."""
        if content_type == "application/jose" and self.jwe is not None:
            try:
                return open_jwe(self.jwe, body)
            except BrokenSeal:
                raise ValueError("a JWE that does not open") from None
        if content_type == "application/vnd.hubao.sm+json" and self.sm2 is not None:
            return sm_envelope_opened(self.sm2, body)
        return body

    def item(self, claim: bytes) -> bytes:
        """A claim of a batch: a JWE stands there as a text, an envelope as an object with its `enc`."""
        if claim.startswith(b'"'):
            return self.opened("application/jose", msgspec.json.decode(claim, type=str).encode())
        sealed = self.sm2 is not None and b'"enc":"SM4-GCM"' in claim[:200]
        return self.opened("application/vnd.hubao.sm+json" if sealed else "application/json", claim)


class InboxApp:
    """The inbox without its port: requests in, answers out, everything in the book."""

    def __init__(
        self, book: InboxBook, secret: str, clock: Callable[[], float], *, reader: BodyReader | None = None
    ) -> None:
        self._book = book
        self._reader = reader or BodyReader()
        self._secret = secret
        self._clock = clock

    def point(self, request: Request) -> str:
        """ "POST /claims", "GET /claims", or the path itself."""
        door = "/claims" if request.path.startswith("/claims") else request.path
        return f"{request.method} {door}"

    def answer(self, request: Request) -> ServerReply:
        """Routes one request."""
        if request.method == "POST" and request.path in ("/claims", "/claims/batch"):
            return self._receive(request) if request.path == "/claims" else self._receive_batch(request)
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
        try:
            body = self._reader.opened(request.headers.get("content-type", "").partition(";")[0], request.body)
        except ValueError:
            body = b""
        came = _submitted(request.headers.get("idempotency-key", ""), body)
        if came is None:
            self._book.note(_NOBODY, "bad_request", at=at)
            return _not_a_claim()
        return self._book.take(came, at=at)

    def _receive_batch(self, request: Request) -> ServerReply:
        """A no to one claim is no no to the others, and each is answered as if it had come alone."""
        at = datetime.fromtimestamp(self._clock(), tz=SHANGHAI).isoformat(timespec="seconds")
        if not self._is_authentic(request):
            self._book.note(_NOBODY, "not_authentic", at=at)
            return problem(401, "not_authentic", "验签未通过 (signature or timestamp is not right)")
        try:
            items = msgspec.json.decode(request.body, type=_ClaimBatch).claims
        except msgspec.DecodeError:
            return problem(400, "bad_request", "报文不是一批申领 (not a batch of claims)")
        if len(items) > _MOST_IN_A_BATCH:
            return problem(413, "too_many", f"一批至多{_MOST_IN_A_BATCH}份 (too many claims in a batch)")
        came = [self._item(item) for item in items]
        replies = iter(self._book.take_all([submission for submission in came if submission is not None], at=at))
        results = [
            _result(item, next(replies) if submission is not None else _not_a_claim())
            for item, submission in zip(items, came, strict=True)
        ]
        return json_reply({"results": results})

    def _item(self, item: _BatchItem) -> Submitted | None:
        try:
            return _submitted(item.idempotency_key, self._reader.item(bytes(item.claim)))
        except (ValueError, msgspec.DecodeError):
            return None

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


def _not_a_claim() -> ServerReply:
    return problem(400, "bad_request", "缺少幂等键或报文不完整 (no key, or not a claim)")


def _result(item: _BatchItem, reply: ServerReply) -> dict[str, Any]:
    """One line of the answer to a batch: the status and body the claim would have had alone."""
    return {"idempotency_key": item.idempotency_key, "status": reply.status, "body": msgspec.json.decode(reply.body)}


def _submitted(key: str, body: bytes) -> Submitted | None:
    """What was submitted, or None when the key is missing or the body is not a claim."""
    try:
        head = msgspec.json.decode(body, type=_Head)
        parse_yuan(head.payable)
    except (msgspec.DecodeError, BadInput):
        return None
    if not key or not head.claim_id or head.version < 1 or head.status not in _STATUSES:
        return None
    return Submitted(key=key, claim_id=head.claim_id, version=head.version, status=head.status, body=body)


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
        reader: BodyReader | None = None,
    ) -> Inbox:
        """Listens on 127.0.0.1 and keeps everything in `folder`. `secret` is whsec_ and base64; `reader` opens what is
        sealed to the association."""
        book = InboxBook(folder)
        return cls(book, LocalServer(InboxApp(book, secret, clock, reader=reader), port=port, faults=faults))

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
