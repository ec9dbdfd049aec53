"""An association's claims system that answers at once and keeps nothing: what a sender is measured against.

`python -m gateway.bench.receiver` prints its address as one JSON line and runs until it is told to stop. It takes what
is sent for good, checks no signature, and answers one claim in a fraction of the time that a sender needs.
"""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from typing import Any

import msgspec

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")
_KEY = re.compile(rb"(?i)\r\nidempotency-key: *(\S+)")
_STATUS_LINE = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: "


class _Item(msgspec.Struct):
    idempotency_key: str


class _Batch(msgspec.Struct):
    claims: list[_Item]


_batch = msgspec.json.Decoder(_Batch)


class _Receiver(asyncio.Protocol):
    """One connection, kept open: request after request."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(_HEAD_END)) >= 0:
            head = bytes(self._received[:end])
            length = _LENGTH.search(head)
            whole = end + len(_HEAD_END) + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            body = bytes(self._received[end + len(_HEAD_END) : whole])
            del self._received[:whole]
            self._transport.write(_answer(head, body))


def _answer(head: bytes, body: bytes) -> bytes:
    if head.startswith(b"POST /claims/batch"):
        keys = [item.idempotency_key for item in _batch.decode(body).claims]
        told: Any = {"results": [{"idempotency_key": key, "status": 201, "body": _told(key)} for key in keys]}
    else:
        key = _KEY.search(head)
        told = _told(key[1].decode("ascii") if key else "-v0")
    text = msgspec.json.encode(told)
    return _STATUS_LINE + str(len(text)).encode() + _HEAD_END + text


def _told(key: str) -> dict[str, Any]:
    claim_id, _, version = key.rpartition("-v")
    return {"claim_id": claim_id, "version": int(version)}


async def _serve() -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    server = await loop.create_server(_Receiver, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(msgspec.json.encode({"address": f"http://127.0.0.1:{port}"}).decode() + "\n")
    sys.stdout.flush()
    await over.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
