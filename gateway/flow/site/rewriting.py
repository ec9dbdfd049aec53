"""What older releases stored is rewritten in chunks, beside everything else, until nothing of the older form is left.

Both forms are read until then (`Office.digested`). A chunk is a transaction that changes form alone, never what a row
means; what is left to do the rows themselves say, so a crash at any place costs at most one chunk's work. When all is
rewritten the tables are written anew and the log of before is let go, since a changed row stands in them for long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final

import msgspec

from gateway.flow.changes import fact_boxes
from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.office import Office, member_context
from gateway.flow.opening import DOES_NOT_OPEN
from gateway.store import claims, facts, members, rewriting
from gateway.store.rewriting import RewritingStep
from gateway.store.values import to_ms

_RUNS, _BACKUPS, _KIND, _NAME = "rewriting", "older_backups", "database", "database"
_AT_ONCE: Final = 500
_KEYS_AT_ONCE: Final = 50
_SAID_FOR: Final = timedelta(days=180)
"""For how long older backups are named: by then those that are thrown away in turn are gone."""

_TIDY: Final = "tidy"
_TABLES: Final = ("claim", "fact")


class Chunk(msgspec.Struct, frozen=True):
    """What a step rewrote in one go, and the number behind which it goes on; None where it has come to its end."""

    rows: int
    last: int | None


def _stays(office: Office, _: int) -> Chunk:
    """Claims that say in words what they are about: digest and kind take their place."""
    with office.store.write() as tx:
        rows = claims.with_words(tx, limit=_AT_ONCE)
        claims.put_digests(tx, [office.digested(row) for row in rows])
    return Chunk(len(rows), 0 if rows else None)


def _facts(office: Office, after: int) -> Chunk:
    """Facts under the roster's key, which never ends: each is given a key of its own. One that does not open waits as
    it is."""
    with office.store.read() as tx:
        rows = facts.under_keys(tx, office.vault.roster_key_numbers(), after=after, limit=_KEYS_AT_ONCE)
    resealed = []
    for row in rows:
        with suppress(*DOES_NOT_OPEN):
            # Keys are made before the transaction: each is several flushes of the disk.
            resealed.append((row, fact_boxes.seal_box(office, row, fact_boxes.open_box(office, row))))
    with office.store.write() as tx:
        facts.reseal(tx, resealed)
    return Chunk(len(resealed), rows[-1].fact_id if rows else None)


def _members(office: Office, after: int) -> Chunk:
    """Members whose boxes are bound to their number alone: to what stands beside them too."""
    key = office.vault.roster_key()
    with office.store.write() as tx:
        rows = members.unbound(tx, after=after, limit=_AT_ONCE)
        bound = []
        for row in rows:
            with suppress(*DOES_NOT_OPEN):
                plain = office.vault.open(row.sealed, member_context(row.place))
                sealed_once = msgspec.structs.replace(row, sealing=1)
                box = key.seal(plain, member_context(sealed_once.place))
                bound.append(msgspec.structs.replace(sealed_once, sealed=box))
        members.bind(tx, bound)
    return Chunk(len(bound), rows[-1].member_id if rows else None)


STEPS: Final[Mapping[str, Callable[[Office, int], Chunk]]] = {"stays": _stays, "facts": _facts, "members": _members}
"""Step → what rewrites the chunk behind a number. In order."""

_WERE_OPEN: Final = ("stays", "facts")
"""Steps after which what stood there before must go from the files too."""


def go_on(office: Office) -> int:
    """Rewrite what is left; returns how many rows that were. Safe to run at any time, and again after a crash."""
    with office.store.read() as tx:
        before = rewriting.steps(tx)
    rows = 0
    if _unfinished(before, _TIDY) or any(_unfinished(before, step) for step in STEPS):
        rows = sum(_rewrite(office, step) for step in STEPS if _unfinished(before, step))
        _tidy(office)
    elif before[_TIDY].rows:
        _forget_backups(office, before[_TIDY])
    return rows


def _unfinished(steps: Mapping[str, RewritingStep], step: str) -> bool:
    return step not in steps or steps[step].finished_at is None


def _rewrite(office: Office, step: str) -> int:
    """One step to its end. That it runs is said as soon as there is something to rewrite."""
    rewritten = after = 0
    while True:
        chunk = STEPS[step](office, after)
        rewritten += chunk.rows
        with office.store.write() as tx:
            now = office.now()
            rewriting.advance(tx, step, rows=chunk.rows, now=now)
            if chunk.last is None:
                rewriting.finish(tx, step, now=now)
                return rewritten
            raise_(tx, Trouble(code=_RUNS, kind=_KIND, name=_NAME, count=rewritten), now=now)
        after = chunk.last


def _tidy(office: Office) -> None:
    """Write the tables anew where anything was rewritten, and say what older backups hold."""
    with office.store.read() as tx:
        rewritten = sum(step.rows for name, step in rewriting.steps(tx).items() if name in _WERE_OPEN)
    log_is_gone = office.store.tidy(_TABLES) if rewritten else True
    with office.store.write() as tx:
        now = office.now()
        rewriting.advance(tx, _TIDY, rows=rewritten, now=now)
        rewriting.finish(tx, _TIDY, now=now)
        close(tx, _RUNS, _KIND, (_NAME,), now=now)
        if rewritten:
            detail = "" if log_is_gone else "数据库账号无权清理日志，请由管理员执行 checkpoint (ask for a checkpoint)"
            raise_(tx, Trouble(code=_BACKUPS, kind=_KIND, name=_NAME, detail=detail), now=now)


def _forget_backups(office: Office, tidied: RewritingStep) -> None:
    now = office.now()
    if tidied.finished_at is not None and tidied.finished_at < to_ms(now - _SAID_FOR):
        with office.store.write() as tx:
            close(tx, _BACKUPS, _KIND, (_NAME,), now=now)
