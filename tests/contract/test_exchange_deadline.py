"""Whatever a far side does to take its time, an exchange is over when its time is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from connectors.transport.http import exchange, make_client
from gateway.errors import OutcomeUnknown, Unavailable

SECONDS = 0.3
PATIENCE = 10.0
"""How long a test waits at most; without a deadline each of these would last for ever."""


@contextmanager
def slow(first: bytes, again: bytes) -> Iterator[int]:
    """A port that sends `first` to whoever connects, and then `again` for as long as anybody listens."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            taken, _ = listening.accept()
            with taken:
                taken.sendall(first)
                while not over.wait(0.02):
                    taken.sendall(again)
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        over.set()
        listening.close()
        thread.join(5)


HANDSHAKE = (b"\x16\x03\x03\x40\x00", b"\x02")
SLOW = [
    ("http", b"", b"H"),
    ("http", b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
    ("http", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ("http", b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x"),
    ("http", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
]


@pytest.mark.parametrize(("scheme", "first", "again"), SLOW, ids=range(len(SLOW)))
def test_a_slow_answer_is_cut_off(scheme: str, first: bytes, again: bytes) -> None:
    began = time.monotonic()
    with slow(first, again) as port, make_client(timeout_seconds=SECONDS) as client, pytest.raises(OutcomeUnknown):
        exchange(client, "POST", f"{scheme}://127.0.0.1:{port}/", headers={}, content=b"claim")
    assert time.monotonic() - began < PATIENCE


def test_a_slow_handshake_is_cut_off_and_nothing_was_sent() -> None:
    began = time.monotonic()
    with slow(*HANDSHAKE) as port, make_client(timeout_seconds=SECONDS) as client, pytest.raises(Unavailable) as cut:
        exchange(client, "POST", f"https://127.0.0.1:{port}/", headers={}, content=b"claim")
    assert not isinstance(cut.value, OutcomeUnknown)
    assert time.monotonic() - began < PATIENCE


def test_a_request_that_nobody_reads_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, make_client(timeout_seconds=SECONDS) as client:
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            exchange(client, "POST", f"http://127.0.0.1:{deaf.getsockname()[1]}/", headers={}, content=bytes(64 << 20))
        assert time.monotonic() - began < PATIENCE


def test_the_time_of_one_exchange_is_not_the_next_ones() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    with make_client(timeout_seconds=SECONDS) as client:
        with slow(b"", b"H") as port, pytest.raises(OutcomeUnknown):
            exchange(client, "GET", f"http://127.0.0.1:{port}/", headers={})
        client.timeout = httpx.Timeout(20.0)
        with slow(answer, b"") as port:
            reply = exchange(client, "GET", f"http://127.0.0.1:{port}/", headers={})
    assert (reply.status, reply.body) == (200, b"ok")
