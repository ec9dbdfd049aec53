"""Bodies in and out: read within a limit, decoded strictly, answered as JSON that nobody may cache."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec
from fastapi import Request, Response

from gateway.core.normalise.unpacking import ungzipped
from gateway.web.problems import Problem

S = TypeVar("S", bound=msgspec.Struct)

_PLACE = re.compile(r"at `\$\.([a-z_]{1,40})")


_GZIP: Final = ("gzip", "x-gzip")
_BUSY_SECONDS: Final = "30"


def check_head(request: Request, *, limit: int) -> None:
    """Refuse a body by what is said of it, unread. Raises Problem: "unsupported_encoding", "too_large"."""
    if _encoding(request) not in ("", "identity", *_GZIP):
        raise Problem("unsupported_encoding", headers={"accept-encoding": "gzip"})
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:18]) > limit:
        raise _too_large(limit)


def _encoding(request: Request) -> str:
    return ",".join(request.headers.getlist("content-encoding")).strip().lower()


def is_packed(request: Request) -> bool:
    """Whether a body comes as gzip."""
    return _encoding(request) in _GZIP


def unpacked(request: Request, body: bytes, *, limit: int) -> bytes:
    """The body without its gzip, at most `limit` bytes of it. The signature is over what was sent, so it is proved
    first. Raises BadInput: "too_large", "not_gzip"."""
    return ungzipped(body, limit=limit) if is_packed(request) else body


class BodyBudget:
    """How many bytes of bodies may be held at one time, over all requests. Belongs to the server's own thread."""

    def __init__(self, limit: int = 128 * 1024 * 1024) -> None:
        self.left = limit

    @contextmanager
    def share(self) -> Iterator[BodyShare]:
        """What one request takes of it, until it is answered."""
        share = BodyShare(self)
        try:
            yield share
        finally:
            self.left += share.taken


class BodyShare:
    """The bytes one request holds."""

    def __init__(self, budget: BodyBudget) -> None:
        self.taken, self._budget = 0, budget

    def take(self, size: int) -> None:
        """Hold so many more. Raises Problem("unavailable") where too many are held already: the sender comes again."""
        if size > self._budget.left:
            headers = {"retry-after": _BUSY_SECONDS, "connection": "close"}
            raise Problem("unavailable", "同时到达的报文过多 (too many bodies at one time)", headers=headers)
        self._budget.left -= size
        self.taken += size


async def read_body(request: Request, share: BodyShare, *, limit: int) -> bytes:
    """The body as it came, at most `limit` bytes; no more than that is ever held. Raises Problem as `check_head` and
    `BodyShare.take`."""
    check_head(request, limit=limit)
    body = bytearray()
    async for chunk in request.stream():
        share.take(len(chunk))
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


async def stream_body(request: Request, *, limit: int) -> AsyncIterator[bytes]:
    """The body in pieces as it came, never held whole; more than `limit` bytes are refused. Raises Problem as
    `check_head`."""
    check_head(request, limit=limit)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if chunk:
            yield chunk


def _too_large(limit: int) -> Problem:
    return Problem("too_large", f"最多 {limit} 字节 (at most {limit} bytes)", headers={"connection": "close"})


def decode(body: bytes, kind: type[S]) -> S:
    """A JSON body as this struct. Raises Problem("not_valid") that names a key of ours and nothing that was sent."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        keys, place = kind.__struct_fields__, _PLACE.search(str(error))
        wrong = f"{place[1]} 的值不合要求 (its value is not valid)；" if place and place[1] in keys else ""
        raise Problem("not_valid", f"{wrong}请求体的键 (keys of the body): {'、'.join(keys)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem("bad_request", "请求体应为 JSON (the body must be JSON)") from None


def json_answer(value: Any, *, status: int = 200) -> Response:
    """A value as a JSON answer."""
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")
