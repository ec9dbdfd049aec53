"""Faults happen when they were ordered, and what was not ordered works."""

from __future__ import annotations

import threading
from collections import Counter

import httpx
import pytest

from gateway.errors import WrongUse
from gateway.sandbox.faults import Chance, Fault, Faults, Scripted
from gateway.sandbox.servers import LocalServer, Request, ServerReply


class Echo:
    """Counts what it carried out."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()

    def point(self, request: Request) -> str:
        return request.path

    def answer(self, request: Request) -> ServerReply:
        self.done[request.path] += 1
        return ServerReply(body=b'{"answer":"complete"}')


def ask(server: LocalServer, path: str = "/a") -> str:
    """The outcome of one call in a word."""
    try:
        reply = httpx.post(server.address + path, content=b"x", timeout=1.5, trust_env=False)
    except httpx.ReadTimeout:
        return "timeout"
    except httpx.TransportError:
        return "lost"
    return "broken" if reply.status_code == 200 and not reply.text.endswith("}") else str(reply.status_code)


@pytest.mark.parametrize(
    ("fault", "outcome", "carried_out"),
    [
        (Fault.TIMEOUT, "timeout", 0),
        (Fault.ERROR, "500", 0),
        (Fault.BUSY, "503", 0),
        (Fault.REFUSED, "422", 0),
        (Fault.BROKEN, "broken", 1),
        (Fault.SLOW, "200", 1),
        (Fault.LOST, "lost", 1),
    ],
)
def test_the_second_call_goes_wrong_and_the_others_do_not(fault: Fault, outcome: str, carried_out: int) -> None:
    faults, echo = Faults([Scripted("/a", 2, fault)], hold_seconds=2.0, slow_seconds=0.05), Echo()
    with LocalServer(echo, faults=faults) as server:
        assert [ask(server), ask(server, "/b"), ask(server), ask(server)] == ["200", "200", outcome, "200"]
    assert echo.done["/a"] == 2 + carried_out
    assert faults.happened == Counter({("/a", fault): 1})
    assert faults.calls("/a") == 3


def test_chance_is_repeatable_and_about_as_frequent_as_asked() -> None:
    def drawn(seed: int) -> list[Fault | None]:
        faults = Faults([Chance("x", 2_000, Fault.LOST)], seed=seed)
        return [faults.next("x") for _ in range(3_000)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 500 < sum(fault is Fault.LOST for fault in drawn(1)) < 700


def test_calls_of_several_threads_are_counted_once_each() -> None:
    faults = Faults([Scripted("x", 150, Fault.LOST)])
    threads = [threading.Thread(target=lambda: [faults.next("x") for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults.calls("x") == 400
    assert faults.happened.total() == 1


def test_faults_are_written_as_text() -> None:
    faults = Faults.parse(["POST /claims:3:lost", "5203:100:timeout", "5201:99%:slow"], seed=4)
    assert [faults.next("POST /claims") for _ in range(4)] == [None, None, Fault.LOST, None]
    assert sum(faults.next("5201") is Fault.SLOW for _ in range(100)) > 90


@pytest.mark.parametrize("text", ["", "5203", "5203:0:lost", "5203:1:explode", "5203:x%:lost", "a:1:"])
def test_a_fault_nobody_knows_is_refused(text: str) -> None:
    with pytest.raises(WrongUse, match="POINT:N:FAULT"):
        Faults.parse([text])


def test_a_server_is_up_at_once_and_down_at_once() -> None:
    with LocalServer(Echo()) as server:
        assert ask(server) == "200"
    assert ask(server) == "lost"


@pytest.mark.parametrize("length", ["-1", "x", "99999999999", "²"])
def test_a_length_that_makes_no_sense_ends_the_connection(length: str) -> None:
    import socket

    with LocalServer(Echo()) as server, socket.create_connection(("127.0.0.1", server.port), timeout=2) as line:
        line.sendall(f"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert line.recv(100) == b""
