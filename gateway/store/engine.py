"""The door to the database: SQLite by default, PostgreSQL at scale, one behaviour.

A *write* transaction takes its locks up front (SQLite `begin immediate`; on PostgreSQL `lock`,
`people.lock` and the like inside it). A *read* transaction sees one snapshot and blocks no other.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock, get_ident
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Engine,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import StaticPool

from gateway.errors import Unavailable, WrongUse
from gateway.vault.modes import close_to_others, make_closed_file, make_closed_folder

Tx = Connection
"""An open transaction of `Store.read()` or `Store.write()`: what every function of this package takes first."""

_IN_CHUNK = 2000
_ROWS_A_STATEMENT = 50
_ROWS_CHANGED_TOGETHER = 256
_TYPES: dict[type, str] = {
    BigInteger: "int8",
    Integer: "int4",
    String: "text",
    Text: "text",
    LargeBinary: "bytea",
    Boolean: "bool",
    Float: "float8",
}


class _Turn:
    """A lock that says so, instead of waiting for ever, when its own thread comes again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holder: int | None = None

    def __enter__(self) -> None:
        if self._holder == get_ident():
            raise RuntimeError("a transaction inside a transaction")
        self._lock.acquire()
        self._holder = get_ident()

    def __exit__(self, *_: object) -> None:
        self._holder = None
        self._lock.release()


class Store:
    """One database. `read()` and `write()` give transactions; everything else in this package takes one of them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.postgres = engine.dialect.name == "postgresql"
        # SQLite forgets its page cache whenever another connection wrote. So a process has one connection to it,
        # and its threads take turns: a transaction inside a transaction would wait for itself.
        self._turn: AbstractContextManager[Any] = nullcontext() if self.postgres else _Turn()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may change things: commits at the end, rolls back on any error."""
        with _translated(), self._turn, self.engine.begin() as connection:
            self._begin(connection, "begin immediate")
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only looks."""
        with _translated(), self._turn, self.engine.begin() as connection:
            self._begin(connection, "begin")
            yield connection

    def _begin(self, connection: Connection, how: str) -> None:
        """SQLite begins as it is told. Said here, and not at an event of the engine: one that listens costs every
        statement more than most of them take."""
        if not self.postgres:
            with _driver_cursor(connection) as cursor:
                cursor.execute(how)

    def tidy(self, tables: Sequence[str]) -> bool:
        """Write these tables anew (SQLite: the whole file), so that nothing of what was changed or deleted stands in
        them, and let the log of before go. False where the server does not let us do the latter. Raises Unavailable
        where somebody else is reading or writing, or the disk is full."""
        with _translated(), self._turn:
            return _tidy_postgres(self.engine, tables) if self.postgres else _tidy_sqlite(self.engine)

    def close(self) -> None:
        """Give back every connection. On SQLite a transaction of another thread is let finish first."""
        with self._turn:
            self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    """Driver errors that mean "not now" become Unavailable; the rest are our own mistakes and stay loud."""
    try:
        yield
    except OperationalError as error:
        raise _unavailable(error.orig) from None
    except PoolTimeout:
        raise Unavailable("数据库连接已用尽 (no database connection is free)") from None
    except DBAPIError as error:
        if _is_corrupt(error.orig):
            raise Unavailable(_CORRUPT) from None
        error.hide_parameters = True
        raise


_CORRUPT: Final = (
    "数据库文件已损坏，或不是 SQLite 数据库；请停下网关，从备份恢复"
    " (the database file is corrupt, or no SQLite database: stop, and restore it from a backup)"
)


def _is_corrupt(error: BaseException | None) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def _unavailable(error: BaseException | None) -> Unavailable:
    # The driver's text may quote parameters, so only its type and code travel on.
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", "")
    return Unavailable(f"数据库不可用 (database unavailable): {type(error).__name__} {code}")


@contextmanager
def _driver_cursor(tx: Connection) -> Iterator[Any]:
    """The driver's own cursor for the bulk paths. SQLAlchemy does not see its errors, so they are translated here."""
    cursor: Any = tx.connection.cursor()
    driver: Any = tx.dialect.loaded_dbapi
    try:
        yield cursor
    except driver.OperationalError as error:
        raise _unavailable(error) from None
    except driver.DatabaseError as error:
        if _is_corrupt(error):
            raise Unavailable(_CORRUPT) from None
        raise
    finally:
        cursor.close()


def open_store(url: str, *, site: Path) -> Store:
    """A store for `sqlite:///path` (relative to the site) or `postgresql://…`. Raises WrongUse for anything else."""
    if (path := database_file(url, site=site)) is not None:
        _close_to_others(path, site=site)
        return Store(_sqlite(path))
    if url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        # Every query of the hot path is by key. Planning one anew for its two thousand keys costs four times what
        # finding them does, and a plan made while a table was empty must not walk through it when it is full.
        options = {"options": "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off"}
        address = "postgresql+psycopg://" + url.split("://", 1)[1]
        return Store(
            create_engine(
                address, connect_args=options, hide_parameters=True, pool_pre_ping=True, pool_size=4, max_overflow=16
            )
        )
    raise WrongUse("数据库地址应为 sqlite:///… 或 postgresql://… (database URL)")


def _close_to_others(path: Path, *, site: Path) -> None:
    """The file of a database, its logs and its folder are its owner's alone. SQLite makes its logs with the file's own
    mode. A folder outside of the site may be somebody else's, and the site's own is."""
    make_closed_folder(path.parent)
    make_closed_file(path)
    for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        close_to_others(file)
    if site in path.parent.parents:
        close_to_others(path.parent)


def database_file(url: str, *, site: Path) -> Path | None:
    """Where the file of a SQLite database stands, or would; None for a database on a server. Nothing is made."""
    if not url.startswith("sqlite:///"):
        return None
    path = Path(url.removeprefix("sqlite:///"))
    return path if path.is_absolute() else site / path


def _sqlite(path: Path) -> Engine:
    # A batch of a night asks some hundred statements, each in a few lengths; they stay prepared.
    arguments = {"timeout": 60, "check_same_thread": False, "cached_statements": 512}
    engine = create_engine(f"sqlite:///{path}", connect_args=arguments, hide_parameters=True, poolclass=StaticPool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        # The driver must not begin transactions by itself: what `Store.write` begins is what locks.
        connection.isolation_level = None
        # What is deleted is overwritten where its page is written anyway.
        # A larger log before it is copied into the file: the same index pages are then written once, not ten times.
        pragmas = (
            "journal_mode=WAL",
            "synchronous=FULL",
            "cache_size=-65536",
            "wal_autocheckpoint=8000",
            "secure_delete=fast",
        )
        for pragma in pragmas:
            connection.execute(f"pragma {pragma}")

    return engine


def _tidy_sqlite(engine: Engine) -> bool:
    # On the driver's connection, because SQLAlchemy would begin a transaction first.
    connection: Any = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("vacuum")
        (busy, *_) = cursor.execute("pragma wal_checkpoint(truncate)").fetchone()
    except sqlite3.OperationalError as error:
        raise _unavailable(error) from None
    finally:
        connection.close()
    if busy:
        raise Unavailable(
            "数据库正被别的进程读取，日志未能清空 (another process reads the database: its log is not empty)"
        )
    return True


_SWITCH: Final = "select pg_logical_emit_message(false, 'hubao', ''), pg_switch_wal()"
_LET_LOG_GO: Final[tuple[str, ...]] = (
    # Behind the last change of before; then the server has no use for the segments it stands in, and takes them for
    # later as they are; then each of them is written and left, which fills it with zeros.
    _SWITCH,
    "checkpoint",
    f"{_SWITCH} from pg_ls_waldir()",
    "checkpoint",
)


def _tidy_postgres(engine: Engine, tables: Sequence[str]) -> bool:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.exec_driver_sql(f'vacuum full "{table}"')
        try:
            for statement in _LET_LOG_GO:
                connection.exec_driver_sql(statement)
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != "42501":
                raise
            return False
    return True


def is_postgres(tx: Connection) -> bool:
    """Whether this transaction speaks to PostgreSQL."""
    return tx.dialect.name == "postgresql"


def sessions_waiting(tx: Connection) -> int | None:
    """How many sessions of this database wait for a lock at this moment; None of SQLite, which does not tell."""
    if not is_postgres(tx):
        return None
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return int(tx.execute(text(waiting)).scalar_one())


def lock(tx: Connection, name: str) -> None:
    """Hold a named lock until the transaction ends. On SQLite the write transaction is that lock already."""
    if is_postgres(tx):
        tx.execute(text("select pg_advisory_xact_lock(:number)"), {"number": lock_number(name)})


def lock_number(name: str) -> int:
    """The number that stands for a named lock on PostgreSQL."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def insert_many(tx: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert many rows at once: COPY on PostgreSQL, one prepared statement on SQLite. Values fit the column types."""
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    with _driver_cursor(tx) as cursor:
        if is_postgres(tx):
            with cursor.copy(f'copy "{table.name}" ({names}) from stdin (format binary)') as copy:
                copy.set_types(_types(table, tuple(columns)))
                for row in rows:
                    copy.write_row(row)
        else:
            head = f'insert into "{table.name}" ({names}) values '
            _insert_sqlite(cursor, head, "(" + ", ".join("?" * len(columns)) + ")", rows)


@lru_cache(maxsize=64)
def _types(table: Table, columns: tuple[str, ...]) -> list[str]:
    """The PostgreSQL types of these columns, as binary COPY wants to know them."""
    return [_TYPES[type(table.c[name].type)] for name in columns]


def _insert_sqlite(cursor: Any, head: str, places: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Many rows a statement: the driver lets other threads run at every statement, which costs more than a row."""
    whole = len(rows) - len(rows) % _ROWS_A_STATEMENT
    many = head + ", ".join([places] * _ROWS_A_STATEMENT)
    for start in range(0, whole, _ROWS_A_STATEMENT):
        cursor.execute(many, [value for row in rows[start : start + _ROWS_A_STATEMENT] for value in row])
    cursor.executemany(head + places, rows[whole:])


def select_in(
    tx: Connection, query: str, keys: Iterable[Any], *, kind: str, first: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Rows of `query`, whose `{keys}` stands for the keys wanted and `?` for the parameters in `first`.

    One round trip for every 2,000 keys. `kind` is the keys' type: bytea or bigint or text.
    """
    values = list(keys)
    if not values:
        return []
    with _driver_cursor(tx) as cursor:
        if is_postgres(tx):
            sql = query.format(keys=f"= any(%b::{kind}[])").replace("?", "%s")
            return cursor.execute(sql, (*first, values), prepare=True, binary=True).fetchall()  # type: ignore[no-any-return]
        if len(values) > _IN_CHUNK:
            # The same key in two statements would find its rows twice.
            values = list(dict.fromkeys(values))
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(values), _IN_CHUNK):
            rows += _sqlite_chunk(cursor, query, values[start : start + _IN_CHUNK], first)
        return rows


def _sqlite_chunk(cursor: Any, query: str, chunk: list[Any], first: Sequence[Any]) -> list[tuple[Any, ...]]:
    sql, padded = _sqlite_in(query, chunk)
    return cursor.execute(sql, (*first, *padded)).fetchall()  # type: ignore[no-any-return]


def _sqlite_in(query: str, chunk: list[Any]) -> tuple[str, list[Any]]:
    # Padding to powers of two keeps the number of distinct statements small, so that they stay prepared.
    size = 1 << (len(chunk) - 1).bit_length()
    padded = chunk + [chunk[0]] * (size - len(chunk))
    return query.format(keys="in (" + ",".join("?" * size) + ")"), padded


def change_in(tx: Connection, sql: str, keys: Iterable[Any], *, kind: str) -> None:
    """Run one statement, whose `{keys}` stands for the keys concerned, once for every 2,000 keys. `kind` is the keys'
    type: bytea or bigint or text."""
    values = list(keys)
    if not values:
        return
    with _driver_cursor(tx) as cursor:
        if is_postgres(tx):
            cursor.execute(sql.format(keys=f"= any(%b::{kind}[])"), (values,), prepare=True)
            return
        for start in range(0, len(values), _IN_CHUNK):
            chunk = values[start : start + _IN_CHUNK]
            cursor.execute(*_sqlite_in(sql, chunk))


def change_many(tx: Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run one statement with `?` places once for each row of values."""
    if not rows:
        return
    with _driver_cursor(tx) as cursor:
        cursor.executemany(sql.replace("?", "%s") if is_postgres(tx) else sql, rows)


def change_together(
    tx: Connection, sql: str, rows: Sequence[tuple[Any, ...]], *, kinds: Sequence[str], last: Sequence[Any] = ()
) -> None:
    """Run one statement, whose `{rows}` stands for rows of values of these `kinds`, for many rows at a time; `last` are
    the parameters behind them. The same row twice must do no harm."""
    places = "(" + ", ".join("?" * len(kinds)) + ")"
    typed = "(" + ", ".join(f"?::{kind}" for kind in kinds) + ")" if is_postgres(tx) else places
    with _driver_cursor(tx) as cursor:
        for start in range(0, len(rows), _ROWS_CHANGED_TOGETHER):
            chunk = rows[start : start + _ROWS_CHANGED_TOGETHER]
            # A few lengths, so that the statements stay prepared.
            size = 1 << (len(chunk) - 1).bit_length()
            values = [value for row in (*chunk, *[chunk[-1]] * (size - len(chunk))) for value in row]
            statement = sql.format(rows=", ".join([typed, *[places] * (size - 1)]))
            cursor.execute(statement.replace("?", "%s") if is_postgres(tx) else statement, (*values, *last))


def insert_for(tx: Connection, table: Any) -> Any:
    """The dialect's insert, which knows `on conflict`."""
    return (postgresql if is_postgres(tx) else sqlite).insert(table)


@cache
def upsert(table: Table, *, postgres: bool, unique: str = "", changing: tuple[str, ...] = ()) -> Any:
    """The statement, built once, that inserts a row of a table or writes what it says now over what it said.

    Rows are told apart by the primary key, or by a column that is `unique`; `changing` are written over, or all are.
    """
    new = (postgresql if postgres else sqlite).insert(table)
    known_by = [table.c[unique]] if unique else list(table.primary_key.columns)
    content = changing or [column.name for column in table.c if not column.primary_key]
    return new.on_conflict_do_update(index_elements=known_by, set_={name: new.excluded[name] for name in content})


def new_ids(tx: Connection, table: Table, how_many: int) -> range | list[int]:
    """Ids for rows about to be inserted in bulk."""
    column = next(iter(table.primary_key.columns)).name
    if is_postgres(tx):
        query = text("select nextval(pg_get_serial_sequence(:name, :column)) from generate_series(1, :many)")
        return list(tx.execute(query, {"name": table.name, "column": column, "many": how_many}).scalars())
    highest = tx.execute(select(func.coalesce(func.max(table.c[column]), 0))).scalar_one()
    return range(highest + 1, highest + 1 + how_many)


def keys_open(tx: Connection, table: Table, keys: Collection[bytes]) -> Collection[bytes]:
    """Those of these keys under which an item of a table (quarantine, review) may be open.

    Few are open and many are asked for, night after night: then the open ones are read once, out of their own index,
    instead of looking for each key. To read one costs a sixth of looking for one.
    """
    query = f'select "key" from {table.name} where state = \'open\' and "key" is not null limit {len(keys) + 1}'
    with _driver_cursor(tx) as cursor:
        still_open = cursor.execute(query).fetchall()
    if len(still_open) > len(keys):
        return keys
    return sorted({bytes(key) for (key,) in still_open}.intersection(keys))
