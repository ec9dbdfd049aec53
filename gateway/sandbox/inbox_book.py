"""The inbox's memory: one SQLite file that survives any process, readable while the inbox runs.

An *effect* is what would make the association pay: a claim version taken in under a key it had not seen. When
everything is right each claim version has exactly one, however often it was sent.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.model.money import parse_yuan, yuan
from gateway.sandbox.servers import ServerReply, json_reply

FILE: Final = "inbox.db"
"""The name of the file inside the inbox's folder."""

_SCHEMA = """
create table if not exists effect (
    number integer primary key, idempotency_key text not null unique, claim_id text not null,
    version integer not null, status text not null, body blob not null, answer blob not null,
    answered integer not null, received_at text not null);
create index if not exists effect_claim on effect (claim_id, version);
create table if not exists attempt (
    number integer primary key, claim_id text not null, version integer not null,
    idempotency_key text not null, outcome text not null, at text not null);
"""


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """One POST that proved its sender: the key, what the body says it is, and the body."""

    key: str
    claim_id: str
    version: int
    status: str
    body: bytes


class InboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One claim version taken into effect. `effects` counts how often; more than once is a double payment."""

    claim_id: str
    version: int
    status: str
    received_at: str
    effects: int
    attempts: int
    claim: dict[str, Any]


class InboxBook:
    """What an association's inbox holds. Every write is on disk before its method returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False)
        self._lock = threading.Lock()
        with self._lock:
            self._database.execute("pragma journal_mode = wal")
            self._database.execute("pragma synchronous = full")
            self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._database.close()

    def take(self, came: Submitted, *, at: str) -> ServerReply:
        """Answers one submission by the rules of idempotency, and notes the attempt."""
        with self._writing() as database:
            reply, outcome = self._judge(database, came, at)
            self._note(database, came, outcome, at)
            return reply

    def take_all(self, came: Sequence[Submitted], *, at: str) -> list[ServerReply]:
        """Answers several submissions that came together, each for itself, and is on the disk once for all."""
        replies = []
        with self._writing() as database:
            for submission in came:
                reply, outcome = self._judge(database, submission, at)
                self._note(database, submission, outcome, at)
                replies.append(reply)
        return replies

    def note(self, came: Submitted, outcome: str, *, at: str) -> None:
        """Notes an attempt that was turned away before it was weighed."""
        with self._writing() as database:
            self._note(database, came, outcome, at)

    def latest(self, claim_id: str) -> tuple[int, str] | None:
        """Version and status of the latest version held of a claim."""
        rows = self._rows(_LATEST, claim_id)
        return (rows[0][0], rows[0][1]) if rows else None

    def held(self) -> list[InboxEntry]:
        """Every claim version held, the last received first."""
        attempts = {(row[0], row[1]): row[2] for row in self._rows(_ATTEMPTS)}
        return [
            InboxEntry(
                claim_id=row[0],
                version=row[1],
                status=row[2],
                received_at=row[3],
                effects=row[4],
                attempts=attempts.get((row[0], row[1]), 0),
                claim=msgspec.json.decode(row[5]),
            )
            for row in self._rows(_HELD)
        ]

    def current(self) -> list[InboxEntry]:
        """The latest version of each claim, the last received first."""
        newest: dict[str, InboxEntry] = {}
        for entry in self.held():
            if entry.claim_id not in newest or newest[entry.claim_id].version < entry.version:
                newest[entry.claim_id] = entry
        return list(newest.values())

    def outcomes(self) -> dict[str, int]:
        """How many attempts ended in which way."""
        return {row[0]: row[1] for row in self._rows("select outcome, count(*) from attempt group by outcome")}

    def summary(self) -> dict[str, Any]:
        """The counts a report or a test wants; `doubled` must be 0, `payable` is of the claims that stand."""
        entries, current, outcomes = self.held(), self.current(), self.outcomes()
        standing = [entry for entry in current if entry.status != "withdrawn"]
        return {
            "claims": len(current),
            "versions": len(entries),
            "withdrawn": len(current) - len(standing),
            "payable": yuan(sum(payable(entry) for entry in standing)),
            "effects": sum(entry.effects for entry in entries),
            "doubled": sum(entry.effects - 1 for entry in entries),
            "attempts": sum(outcomes.values()),
            "outcomes": outcomes,
        }

    def _judge(self, database: sqlite3.Connection, came: Submitted, at: str) -> tuple[ServerReply, str]:
        query = "select body, answer, answered from effect where idempotency_key = ?"
        first = database.execute(query, (came.key,)).fetchone()
        if first is not None and first[0] == came.body:
            return ServerReply(status=first[2], body=first[1]), "repeat"
        if first is not None:
            title = "同一幂等键内容不同 (same key, other body)"
            return problem(422, "key_reused", title, claim_id=came.claim_id), "key_reused"
        newest = database.execute("select max(version) from effect where claim_id = ?", (came.claim_id,)).fetchone()[0]
        if newest is not None and came.version < newest:
            return json_reply({"claim_id": came.claim_id, "version": newest}, status=409), "lower_version"
        # Here the claim takes effect: it has a number, and the association would pay.
        number = database.execute("select coalesce(max(number), 0) + 1 from effect").fetchone()[0]
        accepted = {"claim_id": came.claim_id, "version": came.version, "reference": f"SL{number:07d}"}
        reply = json_reply(accepted, status=201)
        row = (number, *msgspec.structs.astuple(came), reply.body, reply.status, at)
        database.execute("insert into effect values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return reply, "accepted"

    def _note(self, database: sqlite3.Connection, came: Submitted, outcome: str, at: str) -> None:
        database.execute(
            "insert into attempt (claim_id, version, idempotency_key, outcome, at) values (?, ?, ?, ?, ?)",
            (came.claim_id, came.version, came.key, outcome, at),
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction; when it ends well it is on disk, otherwise nothing of it is."""
        with self._lock, self._database:
            self._database.execute("begin immediate")
            yield self._database

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(query, values).fetchall()


_LATEST = "select version, status from effect where claim_id = ? order by version desc, number desc limit 1"
_HELD = """
select claim_id, version, status, max(received_at), count(*), body from effect
group by claim_id, version order by max(number) desc
"""
_ATTEMPTS = "select claim_id, version, count(*) from attempt group by claim_id, version"


def payable(entry: InboxEntry) -> int:
    """What a claim asks for, in fen."""
    return parse_yuan(str(entry.claim.get("payable", "0")))


def problem(status: int, code: str, title: str, **more: str) -> ServerReply:
    """A problem-details answer (RFC 9457) with a stable code. A no to a claim names it (`claim_id`); one that names
    none is a no to the request alone."""
    body = msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "code": code, **more})
    return ServerReply(status=status, body=body, content_type="application/problem+json")
