"""SIGKILL of the gateway's process while it delivers, one by one and in batches.

In the end every version is there, none twice in effect, none in another order.
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import delivering_child
import msgspec
import pytest
from web_side import ENVIRONMENT

from gateway.flow.office import Office, delivery_context
from gateway.sandbox.inbox import Inbox
from gateway.sandbox.inbox_book import FILE
from gateway.store import deliveries
from gateway.store.deliveries import Outgoing
from gateway.store.values import to_ms

if TYPE_CHECKING:
    from conftest import MakeOffice

SECRET = ENVIRONMENT["HUBAO_NM_SECRET"]
_A_LEASE = 7200.0
"""So far every next process is ahead: what a dead one held is free again."""

CHILDREN = multiprocessing.get_context("forkserver")
# What takes its time to load is loaded once.
CHILDREN.set_forkserver_preload(["gateway.wiring", "connectors.associations.http_json"])


class Stage:
    """One site, its inbox, and a clock both go by."""

    def __init__(self, office: Office, inbox: Inbox, ahead: list[float]) -> None:
        self.office, self.inbox, self._ahead = office, inbox, ahead

    def put(self, trial: int, random: Random) -> list[tuple[str, int]]:
        """Versions in the outbox, (idempotency key, person) in the order in which they were written: some claims have
        two, some members several."""
        key = self.office.vault.claim_key("nm", self.office.now().date().replace(day=1))
        rows, expected = [], []
        for number in range(12):
            person = 1000 * trial + number // random.choice((1, 2, 3))
            claim_id = f"HBKILL{trial:04d}{number:02d}"
            for version in range(1, random.choice((2, 3))):
                told = {"claim_id": claim_id, "version": version, "status": "proposed", "payable": "1.00"}
                sealed = key.seal(msgspec.json.encode(told), delivery_context(f"{claim_id}/{version}"))
                rows.append(
                    Outgoing(
                        claim_id=claim_id,
                        version=version,
                        association="nm",
                        sealed=sealed,
                        state="pending",
                        next_at=to_ms(self.office.now()) - 1000,
                        person_id=person,
                    )
                )
                expected.append((f"{claim_id}-v{version}", person))
        with self.office.store.write() as tx:
            deliveries.add(tx, rows)
        return expected

    def run(self, name: str, *, killed_after: float | None) -> bool:
        """One process; whether it came to its end by itself. It is killed so many seconds after its first request."""
        arguments = (str(self.office.site), dict(ENVIRONMENT), self._ahead[0], name)
        child = CHILDREN.Process(target=delivering_child.deliver, args=arguments)
        before = self.attempts()
        child.start()
        if killed_after is not None:
            while child.is_alive() and self.attempts() == before:
                time.sleep(0.001)
            time.sleep(killed_after)
            child.kill()
        child.join(240)
        if child.is_alive():
            child.kill()
            child.join()
        ended = child.exitcode == 0
        child.close()
        self._ahead[0] += _A_LEASE
        return ended

    def attempts(self) -> int:
        return int(self._asked("select count(*) from attempt")[0][0])

    def effects(self) -> list[str]:
        """What took effect, in order."""
        return [key for (key,) in self._asked("select idempotency_key from effect order by number")]

    def _asked(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.inbox_folder / FILE) as database:
            return database.execute(query).fetchall()

    @property
    def inbox_folder(self) -> Path:
        return self.office.site / "inbox"


@pytest.fixture(params=[1, 5], ids=["alone", "batches"])
def batch(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def stage(make_office: MakeOffice, database_url: str, batch: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    ahead = [0.0]
    office = make_office(database_url)
    with Inbox.start(office.site / "inbox", secret=SECRET, clock=lambda: time.time() + ahead[0]) as inbox:
        file = office.site / "config" / "associations" / "nm.toml"
        text = file.read_text(encoding="utf-8").replace("http://127.0.0.1:8610", inbox.address)
        file.write_text(text.replace("quick_tries = 2", f"quick_tries = 2\nbatch = {batch}"), encoding="utf-8")
        yield Stage(office, inbox, ahead)


def play(stage: Stage, trial: int) -> None:
    """One trial: one or two processes die in the middle."""
    random = Random(trial)
    before = len(stage.effects())
    expected = stage.put(trial, random)
    # What was sent and what is being written when the signal comes differs by a millisecond or two.
    for number in range(random.choice((1, 2))):
        stage.run(f"t{trial}k{number}", killed_after=random.random() * 0.03)
    assert any(stage.run(f"t{trial}e{number}", killed_after=None) for number in range(3)), f"trial {trial}"
    for number in range(12):
        if len(stage.effects()) - before == len(expected):
            break
        # What was in doubt waits its time, and later versions wait for it.
        stage.run(f"t{trial}w{number}", killed_after=None)
    arrived = stage.effects()[before:]
    keys = [key for key, _ in expected]
    assert sorted(arrived) == sorted(keys), f"trial {trial}: lost or doubled"
    for person in {owner for _, owner in expected}:
        written = [key for key, owner in expected if owner == person]
        assert [key for key in arrived if key in written] == written, f"trial {trial}: out of order"


@pytest.mark.full
@pytest.mark.parametrize("piece", range(25))
def test_a_hundred_processes_killed_while_they_deliver(stage: Stage, piece: int) -> None:
    """A trial on each database, alone and in batches, a piece."""
    play(stage, 100 + piece)
