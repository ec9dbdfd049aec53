"""What older releases stored is rewritten in chunks, beside everything else, until nothing of the older form is left.

Both forms are read until then (`Office.digested`). A chunk is a transaction that changes form alone, never what a row
means; what is left to do the rows themselves say, so a crash at any place costs at most one chunk's work. When all is
rewritten the tables are written anew and the log of before is let go, since a changed row stands in them for long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.office import Office
from gateway.store import claims, rewriting
from gateway.store.engine import Tx
from gateway.store.rewriting import RewritingStep
from gateway.store.values import to_ms

_RUNS, _BACKUPS, _KIND, _NAME = "rewriting", "older_backups", "database", "database"
_AT_ONCE: Final = 500
_SAID_FOR: Final = timedelta(days=180)
"""For how long older backups are named: by then those that are thrown away in turn are gone."""

_TIDY: Final = "tidy"
_TABLES: Final = ("claim",)


def _stays(tx: Tx, office: Office) -> int:
    """Claims that say in words what they are about: digest and kind take their place."""
    rows = claims.with_words(tx, limit=_AT_ONCE)
    claims.put_digests(tx, [office.digested(row) for row in rows])
    return len(rows)


STEPS: Final[Mapping[str, Callable[[Tx, Office], int]]] = {"stays": _stays}
"""Step → what rewrites a chunk and says how many rows that were, 0 where none is left. In order."""


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
    rewritten = 0
    while True:
        with office.store.write() as tx:
            rows, now = STEPS[step](tx, office), office.now()
            rewriting.advance(tx, step, rows=rows, now=now)
            if rows == 0:
                rewriting.finish(tx, step, now=now)
                return rewritten
            rewritten += rows
            raise_(tx, Trouble(code=_RUNS, kind=_KIND, name=_NAME, count=rewritten), now=now)


def _tidy(office: Office) -> None:
    """Write the tables anew where anything was rewritten, and say what older backups hold."""
    with office.store.read() as tx:
        rewritten = sum(step.rows for name, step in rewriting.steps(tx).items() if name != _TIDY)
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
