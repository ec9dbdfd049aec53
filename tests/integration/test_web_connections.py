"""Whoever connects and says nothing, or half of it, holds neither probes nor memory nor the log."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from builders import EAST_AND_WEST, content, only, row
from web_side import ENVIRONMENT, Side, page_states, served, wait_until

from gateway import wiring
from gateway.flow.office import Office
from gateway.web import connections, refusals
from gateway.web.app import make_app
from gateway.web.refusals import OnceAMinute
from gateway.web.running import Running

if TYPE_CHECKING:
    from conftest import MakeOffice

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(refusals, "_pace", OnceAMinute())


@pytest.fixture
def side(make_office: MakeOffice, sqlite_url: str) -> Iterator[Side]:
    office: Office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    with served(make_app(office, wiring.doors(), start_scheduler=False), office) as side:
        yield side


@contextmanager
def connected(side: Side, said: bytes = b"") -> Iterator[socket.socket]:
    address = urlsplit(str(side.client.base_url))
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=20) as line:
        line.sendall(said)
        yield line


def was_closed(line: socket.socket) -> bool:
    """Whether the other side goes without a word."""
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True


def answer_to(side: Side, said: bytes) -> bytes:
    """All that is answered until the other side closes."""
    with connected(side, said) as line:
        heard = b""
        while part := line.recv(65536):
            heard += part
        return heard


def half_a_push(side: Side) -> bytes:
    """A head that looks right, and the first part of a body of 16 MiB."""
    headers = {"host": "gateway", "content-length": str(16 * MIB)} | side.signed(b"x", secret="whsec_" + "A" * 32)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /api/v1/feeds/east/push HTTP/1.1\r\n{head}\r\n".encode()


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nhost: x\r\n"])
def test_a_head_has_a_deadline(side: Side, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    began = time.monotonic()
    with connected(side, said) as line:
        assert was_closed(line)
    assert 0.2 < time.monotonic() - began < 5


def test_a_head_that_drips_gets_no_more_time(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    with connected(side, b"GET /healthz HTTP/1.1\r\n") as line, pytest.raises(OSError):
        for number in range(50):
            line.sendall(f"x-{number}: y\r\n".encode())
            time.sleep(0.1)


def test_a_body_has_a_deadline_and_leaves_nothing(
    side: Side, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.3)
    with connected(side, half_a_push(side) + b"{") as line:
        assert was_closed(line)
    assert page_states(side.office) == []
    assert "报文 (body)" in caplog.text


def too_long_a_push(side: Side) -> bytes:
    """A head that is refused for the length it tells."""
    return half_a_push(side).replace(str(16 * MIB).encode(), str(1000 * MIB).encode())


def test_who_is_refused_by_the_head_and_goes_on_sending_reads_the_answer(side: Side) -> None:
    with connected(side, too_long_a_push(side)) as line:
        # The answer is under way, and the sender has not looked yet.
        time.sleep(0.2)
        for _ in range(32):
            line.sendall(bytes(MIB // 8))
            time.sleep(0.005)
        heard = b""
        while part := line.recv(65536):
            heard += part
    assert heard.startswith(b"HTTP/1.1 413")
    assert heard.endswith(b"}")


@pytest.mark.parametrize(("bound", "value"), [("LINGER_BYTES", MIB), ("LINGER_SECONDS", 0.3)])
def test_what_is_thrown_away_after_a_refusal_has_an_end(
    side: Side, monkeypatch: pytest.MonkeyPatch, bound: str, value: float
) -> None:
    monkeypatch.setattr(connections, bound, value)
    with connected(side, too_long_a_push(side)) as line, pytest.raises(OSError):
        for _ in range(500):
            line.sendall(bytes(MIB // 8))
            time.sleep(0.01 if bound == "LINGER_SECONDS" else 0)
    # Whoever comes next is served.
    assert side.client.get("/healthz").status_code == 200


def test_a_request_after_another_has_its_own_deadline(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(side, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n") as line:
        heard = b""
        while not heard.endswith(b"}"):
            heard += line.recv(65536)
        assert heard.startswith(b"HTTP/1.1 200")
        monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
        line.sendall(b"GET /healthz HTTP/1.1\r\n")
        began = time.monotonic()
        assert was_closed(line)
        assert time.monotonic() - began < 3, "the time-out between requests is five seconds"


def test_half_open_requests_in_any_number_stop_no_probe_and_fill_no_log(
    side: Side, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 20)
    with caplog.at_level(logging.DEBUG), ExitStack() as open_lines:
        for _ in range(120):
            open_lines.enter_context(connected(side, b"GET /healthz HTTP/1.1\r\nhost: x\r\n"))
        assert side.client.get("/healthz").status_code == 200
        assert side.push(row("S1", 1)).status_code == 202
    lines = [record for record in caplog.records if record.name in ("hubao.web", "uvicorn.error", "asyncio")]
    assert len([record for record in lines if record.levelno >= logging.WARNING]) == 1


def test_half_sent_pushes_hold_no_more_than_the_budget(side: Side) -> None:
    app = make_app(side.office, wiring.doors(), start_scheduler=False)
    budget = app.state.desk.in_flight
    budget.left = 4 * MIB
    with served(app, side.office) as narrow, ExitStack() as open_lines:
        lines = [open_lines.enter_context(connected(narrow, half_a_push(narrow))) for _ in range(3)]
        for line in lines[:2]:
            line.sendall(bytes(2 * MIB - 1000))
        wait_until(lambda: budget.left <= 2000 + 131072)
        lines[2].sendall(bytes(MIB))
        heard = lines[2].recv(65536)
        assert heard.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 30" in heard
        assert budget.left >= 0
        assert narrow.client.get("/readyz").status_code == 200
    wait_until(lambda: budget.left == 4 * MIB)


def test_what_was_held_is_free_again_after_every_answer(side: Side) -> None:
    app = make_app(side.office, wiring.doors(), start_scheduler=False)
    before = app.state.desk.in_flight.left
    with served(app, side.office) as other:
        assert other.push(row("S1", 1)).status_code == 202
        assert other.push_bytes(content([row("S2", 2)]), headers={}).status_code == 401
        other.post("lookups", {"member_no": "M1"})
    assert app.state.desk.in_flight.left == before


def test_an_answer_s_body_does_not_wait_for_its_head_to_be_acknowledged(side: Side) -> None:
    app = make_app(side.office, wiring.doors(), start_scheduler=False)
    server = Running.start(app)
    with socket.create_connection(("127.0.0.1", int(server.address.rpartition(":")[2]))) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 200")
        connection: Any = only(list(server._server.server_state.connections))
        own_end = connection.transport.get_extra_info("socket")
        assert own_end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    server.stop()


LINE = b"POST /api/v1/feeds/east/push HTTP/1.1\r\nhost: x\r\n"
AMBIGUOUS = {
    "both lengths": LINE + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "both the other way round": LINE + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nhost: x\n\n",
    "one bare line feed": b"GET /healthz HTTP/1.1\r\nhost: x\nx-more: y\r\n\r\n",
    "a bare one at the end": b"GET /healthz HTTP/1.1\r\nhost: x\r\n\n",
}


@pytest.mark.parametrize("said", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_a_head_two_readers_could_read_differently_is_refused(side: Side, said: bytes) -> None:
    assert answer_to(side, said).startswith(b"HTTP/1.1 400")


def test_a_head_in_pieces_is_read_like_one(side: Side) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    with connected(side) as line:
        for at in range(0, len(whole), 7):
            line.sendall(whole[at : at + 7])
            time.sleep(0.01)
        assert line.recv(65536).startswith(b"HTTP/1.1 200")


def test_line_feeds_in_a_body_are_the_sender_s_own(side: Side) -> None:
    assert side.push_bytes(b"a\nb\n\nc").status_code == 202
