"""`hubao serve` in a process of its own: it answers, keeps quiet about who asked, and goes when told to."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from builders import EAST_AND_WEST, content, row, rows_of, who
from web_side import ENVIRONMENT, LEAGUE_SECRET, Side, wait_until

from gateway.errors import WrongUse
from gateway.flow.office import Office
from gateway.store import schema
from gateway.web.server import serve_site
from gateway.wiring import shanghai_now

if TYPE_CHECKING:
    from conftest import MakeOffice


class Served:
    """A running `hubao serve`."""

    def __init__(self, site: Path, log: Path) -> None:
        environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.log = log
        command = [sys.executable, "-P", "-m", "gateway", "--site", str(site), "serve"]
        with log.open("wb") as errors:
            self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert address, said + log.read_text()
        self.client = httpx.Client(base_url=address[0], trust_env=False, timeout=30)
        wait_until(self.answers, seconds=30)

    def answers(self) -> bool:
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    """A site on a free port, with nothing to fetch from."""
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    (office.site / "config" / "feeds" / "wuhai.toml").unlink()
    (office.site / "data" / "inbound" / "hinggan").mkdir(parents=True)
    set_port(office, 0)
    return office


def set_port(office: Office, port: int) -> None:
    file = office.site / "config" / "gateway.toml"
    text, many = re.subn(r"(?m)^listen_port = \d+", f"listen_port = {port}", file.read_text(encoding="utf-8"))
    assert many == 1
    file.write_text(text, encoding="utf-8")


@pytest.fixture
def served(office: Office, tmp_path: Path) -> Iterator[Served]:
    served = Served(office.site, tmp_path / "serve.log")
    yield served
    served.close()


def test_a_push_is_taken_worked_and_tried_to_be_delivered_and_nobody_is_named_in_the_log(
    served: Served, office: Office
) -> None:
    # The process reads the real clock, so the signature must too.
    body = content([row("S1", 1)])
    headers = Side(served.client, replace(office, clock=shanghai_now)).signed(body, secret=LEAGUE_SECRET)
    answer = served.client.post("/api/v1/feeds/east/push?name=" + who(1).name, content=body, headers=headers)
    assert (answer.status_code, "server" in answer.headers) == (202, False)
    wait_until(lambda: [each["state"] for each in rows_of(office, schema.page)] == ["done"])
    served.client.get("/nowhere?certno=" + who(1).id_number)
    assert served.end(signal.SIGTERM) == 0
    log = served.log.read_text(encoding="utf-8")
    assert who(1).name not in log
    assert who(1).id_number not in log
    assert "Traceback" not in log
    assert "/nowhere" not in log


def test_it_goes_quietly_when_interrupted(served: Served) -> None:
    assert served.end(signal.SIGINT) == 0
    assert "Traceback" not in served.log.read_text(encoding="utf-8")


def test_a_port_that_is_taken_is_said_to_be(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        set_port(office, taken.getsockname()[1])
        with pytest.raises(WrongUse, match="listen_port"):
            serve_site(office.site)


def test_where_it_listens_may_be_said_on_the_command_line(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with socket.create_server(("127.0.0.2", 0)) as taken, pytest.raises(WrongUse, match="--port"):
        serve_site(office.site, host="127.0.0.2", port=taken.getsockname()[1])


class Refusing(Served):
    """A `hubao serve` that must not open its site."""

    def answers(self) -> bool:
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False


def test_without_its_own_database_every_push_is_answered_503(office: Office, tmp_path: Path) -> None:
    office.store.close()
    (tmp_path / "test.db").rename(tmp_path / "away.db")
    served = Refusing(office.site, tmp_path / "serve.log")
    answer = served.client.post("/api/v1/feeds/east/push", content=content([row("S1", 1)]))
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert served.client.get("/readyz").status_code == 503
    assert served.end(signal.SIGTERM) == 2
    assert not (tmp_path / "test.db").exists()
    log = served.log.read_text(encoding="utf-8")
    assert "adopt-database" in log
    assert "Traceback" not in log
    served.close()
