"""The database feed on SQLite, PostgreSQL and MariaDB: the suite of all pull feeds, and what views are like."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bad_line import BadLine, free_port
from by_hand import database
from pull_suite import SECRET, PullLeague, PullSuite, taken
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from connectors.feeds.database import Database, DatabaseSpec
from connectors.registry import REGISTRY
from gateway.errors import Refused, Unavailable, WrongUse
from gateway.model.clock import SHANGHAI
from gateway.model.page import Fetched

NOW = datetime(2026, 3, 10, 3, 0, tzinfo=SHANGHAI)
_numbers = itertools.count(1)

moment = datetime.fromisoformat
"""An instant as warehouses write it: without a zone."""

TABLES = (
    "create table setl_d (setl_id varchar(30), mdtrt_id varchar(30), amount numeric(16,2), setl_time time, "
    "opt_time {instant}, vali_flag varchar(3), updt_time {instant})",
    "create table mdtrt_d (mdtrt_id varchar(30), med_type varchar(6), hosp_lv integer)",
)


class View(PullLeague):
    """A warehouse of two tables. Every row that is put is a minute younger than the last, unless told otherwise."""

    def __init__(self, writing: URL, reading: str, line: BadLine | None = None) -> None:
        self.engine = create_engine(writing, poolclass=NullPool)
        self.reading, self._line = reading, line
        self.at = moment("2026-03-09T09:00")
        self.password: str | None = writing.password
        kinds = {"sqlite": "text", "postgresql": "timestamp"}
        instant = kinds.get(writing.get_backend_name(), "datetime(6)")
        self.run("drop table if exists setl_d", "drop table if exists mdtrt_d")
        self.run(*(statement.format(instant=instant) for statement in TABLES))

    def run(self, *statements: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement), values)

    def put(self, *numbers: str) -> None:
        first, self.at = self.at, self.at + timedelta(minutes=len(numbers))
        self.add_all([(number, first + timedelta(minutes=place)) for place, number in enumerate(numbers, start=1)])

    def add(self, number: str | None, at: datetime, amount: str = "12.30", visit: str | None = None) -> None:
        self.add_all([(number, at)], amount, visit)

    def add_all(self, rows: list[tuple[str | None, datetime]], amount: str = "12.30", visit: str | None = None) -> None:
        values = [
            {"number": number, "visit": visit or f"V{number}", "amount": amount, "at": str(at), "mark": str(at)}
            for number, at in rows
        ]
        with self.engine.begin() as connection:
            statement = "insert into setl_d values (:number, :visit, :amount, '10:00:00', :at, '1', :mark)"
            connection.execute(text(statement), values)

    def feed(self, **options: Any) -> Database:
        return database(
            **{
                **msgspec.structs.asdict(self.spec()),
                "rows_per_page": 10,
                "clock": lambda: NOW,
                "sleep": lambda _: None,
                **options,
            }
        )

    def spec(self) -> DatabaseSpec:
        return DatabaseSpec(
            url=self.reading,
            password=self.password,
            table="setl_d",
            joined="mdtrt_d",
            joined_on=("mdtrt_id",),
            watermark="updt_time",
            key=("setl_id",),
            only={"vali_flag": "1"},
            dated_by={"setl_time": "opt_time"},
        )

    def spec_of_nobody(self) -> DatabaseSpec:
        url = make_url(self.reading)
        url = url.set(port=free_port()) if url.host else url.set(database="/not/there.db")
        return msgspec.structs.replace(self.spec(), url=url.render_as_string(hide_password=False))

    def numbers(self, page: Fetched) -> list[str]:
        return [row["setl_id"] for row in rows_of(page)]

    def hang(self) -> None:
        if self._line is None:
            super().hang()
        self._line.mood = "hang"

    def drip(self) -> None:
        if self._line is None:
            super().drip()
        self._line.mood = "drip"

    def feed_with_wrong_credentials(self) -> Database:
        if self._line is None or not self.password:
            super().feed_with_wrong_credentials()
        with suppress(SQLAlchemyError), create_engine(self.engine.url.set(password="nobody's")).connect():
            pytest.skip("this server believes every password (trust in pg_hba.conf)")
        return self.feed(password=SECRET)

    def put_broken(self) -> None:
        self.add("B00001", self.at + timedelta(minutes=1), visit="V\x01\ufffd")


def rows_of(page: Fetched) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = msgspec.json.decode(page.content)["rows"]
    return rows


@contextmanager
def on_sqlite(folder: Path) -> Iterator[View]:
    file = folder / "view.db"
    with closing(sqlite3.connect(file)):
        yield View(make_url(f"sqlite:///{file}"), f"sqlite:///{file}")


@contextmanager
def on_server(admin: URL, *, is_mysql: bool) -> Iterator[URL]:
    """A database and a reader of its own on a server of this machine. Skips where no such server answers."""
    name = f"hubao_view_{os.getpid()}_{next(_numbers)}"
    engine = create_engine(admin, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    make = (
        (f"create database {name} character set utf8mb4", f"create user {name}@'%' identified by 'reading'",
         f"create user {name}@localhost identified by 'reading'",
         f"grant all on {name}.* to {name}@'%'", f"grant all on {name}.* to {name}@localhost")
        if is_mysql
        else (f"create role {name} login password 'reading'", f"create database {name} owner {name}")
    )  # fmt: skip
    unmake = (
        (f"drop database {name}", f"drop user {name}@'%'", f"drop user {name}@localhost")
        if is_mysql
        else (f"drop database {name} with (force)", f"drop role {name}")
    )
    try:
        with engine.connect() as connection:
            for statement in make:
                connection.execute(text(statement))
    except SQLAlchemyError as error:
        pytest.skip(f"no {admin.get_backend_name()} server at {admin.host}:{admin.port} ({type(error).__name__})")
    yield admin.set(database=name, username=name, password="reading")
    with engine.connect() as connection:
        for statement in unmake:
            connection.execute(text(statement))


POSTGRES = os.environ.get("HUBAO_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
MARIADB = "mysql+pymysql://root@127.0.0.1:3306/mysql"


@pytest.fixture(scope="module")
def postgres() -> Iterator[URL]:
    with on_server(make_url("postgresql+psycopg://" + POSTGRES.split("://", 1)[1]), is_mysql=False) as url:
        yield url


@pytest.fixture(scope="module")
def mariadb() -> Iterator[URL]:
    with on_server(make_url(MARIADB), is_mysql=True) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def league(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[View]:
    if request.param == "sqlite":
        with on_sqlite(tmp_path) as view:
            yield view
        return
    url: URL = request.getfixturevalue(request.param)
    with BadLine(url.host or "", url.port or 0) as line:
        reading = url.set(host="127.0.0.1", port=line.port, password=None)
        yield View(url, reading.render_as_string(hide_password=False), line)


class TestDatabase(PullSuite):
    """The suite on all three."""


def test_the_registry_knows_it() -> None:
    assert REGISTRY.feeds["database"].make is Database


def test_a_row_is_written_the_same_whatever_the_driver_calls_its_types(league: View) -> None:
    league.run("insert into mdtrt_d values ('VS1', '21', 3)")
    league.add("S1", moment("2026-03-09T10:00"))
    (page,) = taken(league.feed())[0]
    (row,) = rows_of(page)
    assert row["setl_time"] == "10:00:00"
    assert row["setl_time_dated"] == "2026-03-09 10:00:00"
    assert row["amount"] in ("12.30", "12.3")
    assert (row["med_type"], row["hosp_lv"]) == ("21", 3)
    assert row["updt_time"].startswith("2026-03-09 10:00:00")


def test_equal_watermarks_at_the_border_of_a_page_lose_nothing(league: View) -> None:
    at = moment("2026-03-09T21:00")
    numbers = [f"S{number:05d}" for number in range(45)]
    league.add_all([(number, at) for number in numbers])
    pages, cursor = taken(league.feed())
    assert sorted(number for page in pages for number in league.numbers(page)) == numbers
    assert taken(league.feed(), cursor)[0] == []


def test_many_rows_with_one_key_and_watermark_do_not_hold_the_rest_up(league: View) -> None:
    at = moment("2026-03-09T21:00")
    for serial in range(25):
        league.add("SAME", at, amount=f"{serial}.00")
    league.add("ZLAST", at)
    pages, _ = taken(league.feed())
    told = [number for page in pages for number in league.numbers(page)]
    assert "ZLAST" in told


def test_a_row_committed_late_is_read_within_the_overlap_and_nothing_else_twice(league: View) -> None:
    league.put(*(f"S{number}" for number in range(20)))
    _, cursor = taken(league.feed(overlap_minutes=30))
    league.add("LATE", league.at - timedelta(minutes=15))
    league.add("TOO LATE", league.at - timedelta(minutes=45))
    pages, _ = taken(league.feed(overlap_minutes=30), cursor)
    assert [number for page in pages for number in league.numbers(page)] == ["LATE"]


def test_a_row_that_changed_comes_again(league: View) -> None:
    league.put("S1", "S2")
    _, cursor = taken(league.feed())
    league.run("update setl_d set amount = 99 where setl_id = 'S1'")
    pages, _ = taken(league.feed(), cursor)
    assert [(row["setl_id"], float(row["amount"])) for page in pages for row in rows_of(page)] == [("S1", 99.0)]


def test_rows_without_a_key_are_counted_and_not_read(league: View) -> None:
    league.put("S1")
    league.add(None, league.at)
    feed = league.feed()
    pages, _ = taken(feed)
    assert [number for page in pages for number in league.numbers(page)] == ["S1"]
    assert [(notice.kind, notice.count) for notice in feed.notices()] == [("rows_without_key", 1)]


def test_rows_that_are_not_valid_are_left_out(league: View) -> None:
    league.put("S1", "S2")
    league.run("update setl_d set vali_flag = '0' where setl_id = 'S2'")
    pages, _ = taken(league.feed())
    assert [number for page in pages for number in league.numbers(page)] == ["S1"]


def test_a_watermark_that_becomes_a_text_is_read_on(league: View) -> None:
    if league.engine.dialect.name == "sqlite":
        pytest.skip("SQLite keeps instants as texts anyway")
    league.put("S1", "S2")
    _, cursor = taken(league.feed())
    as_text = "using to_char(updt_time, 'YYYY-MM-DD HH24:MI:SS')"
    league.run(
        "alter table setl_d alter column updt_time type varchar(19) " + as_text
        if league.engine.dialect.name == "postgresql"
        else "alter table setl_d modify updt_time varchar(30)"
    )
    league.put("S3")
    pages, cursor = taken(league.feed(), cursor)
    told = {number for page in pages for number in league.numbers(page)}
    assert "S3" in told
    assert taken(league.feed(), cursor)[0] == []


def test_a_column_that_becomes_a_text_is_read_on(league: View) -> None:
    if league.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no types to drift")
    league.run("insert into mdtrt_d values ('VS1', '21', 3)")
    change = (
        "alter column hosp_lv type varchar(3)"
        if league.engine.dialect.name == "postgresql"
        else "modify hosp_lv varchar(3)"
    )
    league.run(f"alter table mdtrt_d {change}")
    league.put("S1")
    (page,) = taken(league.feed())[0]
    assert rows_of(page)[0]["hosp_lv"] == "3"


def test_a_line_that_drops_in_the_middle_is_taken_up_again(league: View) -> None:
    if league._line is None:
        pytest.skip("a file on this machine has no line")
    league.put(*TestDatabase.ALL)
    league._line.cut_after = league._line.carried + 3000
    pages, _ = taken(league.feed())
    assert sorted(number for page in pages for number in league.numbers(page)) == sorted(TestDatabase.ALL)
    assert league._line.cut_after is None, "the line never dropped"


def test_a_table_that_is_not_there_is_refused_without_the_question(league: View) -> None:
    with pytest.raises((Refused, Unavailable)) as refused:
        taken(league.feed(table="setl_x", columns=("setl_id",), joined=None))
    assert "select" not in str(refused.value).lower()


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none.db"
    feed = database(url=url, table="t", watermark="w", key=("k",), sleep=lambda _: None)
    with pytest.raises(Unavailable, match="数据库无应答"):
        taken(feed)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("url", ["no address", "oracle+nothing://u@h/d", "martian://u@h/d"])
def test_an_address_that_is_none_is_found_at_the_start(url: str) -> None:
    with pytest.raises(WrongUse):
        database(url=url, table="t", watermark="w", key=("k",))


@pytest.mark.parametrize("cursor", ["", "{", "[]", '{"mark": 3}', "[" * 5000])
def test_a_cursor_that_cannot_be_read_begins_anew(league: View, cursor: str) -> None:
    league.put("S1")
    assert len(taken(league.feed(), cursor)[0]) == 1


def test_a_first_run_reaches_back_so_many_days(league: View) -> None:
    league.add("OLD", moment("2026-02-01T09:00"))
    league.put("S1")
    pages, _ = taken(league.feed(first_days=10))
    assert [number for page in pages for number in league.numbers(page)] == ["S1"]
