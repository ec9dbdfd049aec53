"""A database whose driver fails once, at a statement or commit chosen beforehand, and then works again.

Every statement a process sends is counted where it enters the driver: SQLAlchemy's own, the bulk paths', begin and
commit. So no path of the program can be missed, and none has to know that it is watched.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

import psycopg
from sqlalchemy import event

from gateway.flow.office import Office

When = Literal["before", "after"]
"""Whether the statement that fails has been carried out (its answer was lost) or not."""


@dataclass
class Failing:
    """Counts statements; the one with the number `at` fails. `cut`: the connection is gone with it."""

    at: int = 0
    when: When = "before"
    cut: bool = False
    count: int = 0
    failed: list[str] = field(default_factory=list)
    _turn: Lock = field(default_factory=Lock)

    def arm(self, at: int, *, when: When = "before", cut: bool = False) -> None:
        """Count from one again, and fail at this statement; 0 fails at none."""
        self.at, self.when, self.cut, self.count = at, when, cut, 0
        self.failed.clear()

    def run(self, connection: Any, error: type[Exception], what: str, statement: Any) -> Any:
        """Carry a statement out, or not."""
        with self._turn:
            self.count += 1
            fails = self.count == self.at
            if fails:
                self.failed.append(what)
        if not fails:
            return statement()
        if self.when == "after":
            statement()
        if self.cut:
            connection.close()
        raise error("a passing error")


def watch(office: Office) -> Failing:
    """Let the connections of this office's store fail as the answer says. Those it has already are given back."""
    failing = Failing()
    make = _postgres(failing) if office.store.postgres else _sqlite(failing)
    office.store.engine.dispose()
    event.listen(office.store.engine, "do_connect", lambda dialect, record, args, named: make(*args, **named))
    return failing


def _sqlite(failing: Failing) -> Any:
    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, *values: Any) -> Any:
            run = super().execute
            return failing.run(self.connection, sqlite3.OperationalError, sql, lambda: run(sql, *values))

        def executemany(self, sql: str, *values: Any) -> Any:
            run = super().executemany
            return failing.run(self.connection, sqlite3.OperationalError, sql, lambda: run(sql, *values))

    class Connection(sqlite3.Connection):
        def cursor(self, *_: Any) -> Any:  # type: ignore[override]
            return super().cursor(Cursor)

        def commit(self) -> None:
            failing.run(self, sqlite3.OperationalError, "commit", super().commit)

    return lambda *args, **named: sqlite3.connect(*args, **{**named, "factory": Connection})


def _postgres(failing: Failing) -> Any:
    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *values: Any, **options: Any) -> Any:
            run = super().execute
            return failing.run(
                self.connection, psycopg.OperationalError, str(query), lambda: run(query, *values, **options)
            )

        def executemany(self, query: Any, *values: Any, **options: Any) -> Any:
            run = super().executemany
            return failing.run(
                self.connection, psycopg.OperationalError, str(query), lambda: run(query, *values, **options)
            )

        def copy(self, statement: Any, *values: Any, **options: Any) -> Any:
            run = super().copy
            return failing.run(
                self.connection, psycopg.OperationalError, str(statement), lambda: run(statement, *values, **options)
            )

    class Connection(psycopg.Connection[Any]):
        def commit(self) -> None:
            failing.run(self, psycopg.OperationalError, "commit", super().commit)

    def connect(*args: Any, **named: Any) -> Any:
        made = Connection.connect(*args, **named)
        made.cursor_factory = Cursor
        return made

    return connect
