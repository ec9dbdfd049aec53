"""The door to the database behaves alike on SQLite and PostgreSQL: transactions, bulk paths, locks, migrations."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from gateway.errors import Unavailable, WrongUse
from gateway.store import schema
from gateway.store.engine import Store, change_many, insert_many, lock, open_store, select_in
from gateway.store.migrate import MIGRATIONS, newest, revision, upgrade

MANY = [0, 1, 51, 5001]
COLUMNS = ("fingerprint", "member_id", "person_id")
CHANGE = "update member_fingerprint set person_id = ? where member_id = ?"


def digest(number: int) -> bytes:
    return number.to_bytes(16, "big")


@pytest.fixture
def writing(store: Store) -> Iterator[Connection]:
    """A transaction that may write."""
    with store.write() as tx:
        yield tx


def fill(tx: Connection, many: int) -> None:
    rows = [(digest(number), number, number * 10) for number in range(many)]
    insert_many(tx, schema.member_fingerprint, COLUMNS, rows)


@pytest.mark.parametrize("many", MANY)
def test_every_row_of_a_bulk_insert_arrives(writing: Connection, many: int) -> None:
    fill(writing, many)
    found = writing.execute(schema.member_fingerprint.select().order_by("fingerprint")).all()
    assert [(bytes(row[0]), row[1], row[2]) for row in found] == [(digest(n), n, n * 10) for n in range(many)]


@pytest.mark.parametrize("many", MANY)
def test_every_key_asked_for_is_found_once(writing: Connection, many: int) -> None:
    fill(writing, 5001)
    query = "select fingerprint, member_id from member_fingerprint where fingerprint {keys}"
    keys = [digest(number) for number in range(many)] + [digest(10**6)]
    found = select_in(writing, query, keys, kind="bytea")
    assert sorted(member for _, member in found) == list(range(many))


def test_a_key_asked_for_twice_is_found_once(writing: Connection) -> None:
    fill(writing, 3)
    query = "select member_id from member_fingerprint where fingerprint {keys}"
    keys = [digest(1)] * 2500 + [digest(2)] * 2500
    assert sorted(select_in(writing, query, keys, kind="bytea")) == [(1,), (2,)]


def test_keys_may_be_any_collection_and_stand_behind_other_parameters(writing: Connection) -> None:
    fill(writing, 20)
    query = "select member_id from member_fingerprint where person_id > ? and member_id {keys}"
    assert sorted(select_in(writing, query, {3, 4, 5}, kind="bigint", first=(35,))) == [(4,), (5,)]
    assert sorted(select_in(writing, query, iter([9]), kind="bigint", first=(0,))) == [(9,)]
    assert select_in(writing, query, {}, kind="bigint", first=(0,)) == []


@pytest.mark.parametrize("many", MANY)
def test_a_statement_runs_once_for_each_row_of_values(writing: Connection, many: int) -> None:
    fill(writing, 5001)
    change_many(writing, CHANGE, [(7, number) for number in range(many)])
    query = text("select count(*) from member_fingerprint where person_id = 7")
    assert writing.execute(query).scalar() == many


def test_nulls_bytes_and_chinese_survive_the_bulk_path(store: Store) -> None:
    rows: list[tuple[Any, ...]] = [
        ("会员\t制表\\N", b"\x00\xff\\N\t\n", 1, 0, "stored"),
        ("second\nline", bytes(range(256)), 2, -5, "stored"),
    ]
    columns = ("feed", "page_id", "part", "received_at", "state")
    filled = [(*row, "", 1, 0, 1) for row in rows]
    with store.write() as tx:
        insert_many(tx, schema.page, (*columns, "source", "parts", "size", "key_no"), filled)
        found = tx.execute(schema.page.select().order_by("part")).mappings().all()
    assert [(row["feed"], bytes(row["page_id"]), row["received_at"], row["day"]) for row in found] == [
        (row[0], row[1], row[3], None) for row in rows
    ]


# ── transactions ──


def counted(store: Store) -> int:
    with store.read() as tx:
        return int(tx.execute(text("select count(*) from person")).scalar_one())


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as tx:
        insert_many(tx, schema.person, ("person_id", "association"), [(1, "nm")])
        assert 1 / 0
    assert counted(store) == 0
    with store.write() as tx:
        insert_many(tx, schema.person, ("person_id", "association"), [(1, "nm")])
    assert counted(store) == 1


def test_a_broken_rule_of_the_schema_is_loud_and_says_no_values(store: Store) -> None:
    with pytest.raises(IntegrityError) as raised, store.write() as tx:
        tx.execute(schema.person.insert(), [{"person_id": 1, "association": "私密的值"}] * 2)
    assert "私密的值" not in str(raised.value)
    assert counted(store) == 0


def test_a_reader_sees_nothing_of_an_unfinished_writer(store: Store, database_url: str) -> None:
    other = open_store(database_url, site=Path())
    try:
        with store.write() as tx:
            insert_many(tx, schema.person, ("person_id", "association"), [(1, "nm")])
            assert counted(other) == 0
        assert counted(other) == 1
    finally:
        other.close()


@pytest.mark.parametrize("same", [True, False], ids=["the same name", "another name"])
def test_a_named_lock_is_held_until_the_end(store: Store, database_url: str, same: bool) -> None:
    other = open_store(database_url, site=Path())
    done: list[str] = []
    held = threading.Event()

    def second() -> None:
        held.wait(5)
        with other.write() as tx:
            lock(tx, "feed:a" if same else "feed:b")
            done.append("second")

    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(second)
            with store.write() as tx:
                lock(tx, "feed:a")
                held.set()
                time.sleep(0.2)
                done.append("first")
            waiting.result(timeout=10)
    finally:
        other.close()
    # SQLite has one writer: there any two locks are one.
    alone = same or not store.postgres
    assert done == (["first", "second"] if alone else ["second", "first"])


def test_a_database_that_cannot_be_reached_is_unavailable(store: Store, tmp_path: Path) -> None:
    if store.postgres:
        gone = open_store("postgresql://postgres@127.0.0.1:9/nothing?connect_timeout=2", site=tmp_path)
    else:
        (tmp_path / "folder").mkdir()
        gone = open_store(f"sqlite:///{tmp_path / 'folder'}", site=tmp_path)
    with pytest.raises(Unavailable, match="database unavailable"), gone.read():
        pass


@pytest.mark.parametrize("url", ["", "mysql://x", "sqlite://", "hubao.db", "http://127.0.0.1"])
def test_an_address_of_another_kind_is_wrong_use(url: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUse):
        open_store(url, site=tmp_path)


# ── migrations ──


def test_the_migrations_make_the_tables_of_the_schema(store: Store) -> None:
    upgrade(store)
    looked = inspect(store.engine)
    for table in schema.metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in looked.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}, table.name
        indexes = {index["name"] for index in looked.get_indexes(table.name) if not index.get("duplicates_constraint")}
        assert indexes == {index.name for index in table.indexes}, table.name
        keys = looked.get_pk_constraint(table.name)["constrained_columns"]
        assert keys == [column.name for column in table.primary_key.columns], table.name


def test_the_newest_revision_is_the_one_alembic_ends_at(store: Store) -> None:
    assert newest() == ScriptDirectory(str(MIGRATIONS)).get_current_head()
    with store.read() as tx:
        assert revision(tx) == newest()


def test_several_processes_may_migrate_at_once(postgres_url: str, tmp_path: Path) -> None:
    """PostgreSQL only: SQLite's lock is the write transaction."""
    stores = [open_store(postgres_url, site=tmp_path) for _ in range(3)]
    with stores[0].write() as tx:
        names = ", ".join(f'"{table.name}"' for table in schema.metadata.sorted_tables)
        tx.execute(text(f"drop table {names}, alembic_version"))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(upgrade, stores))
    assert counted(stores[0]) == 0
    for each in stores:
        each.close()


def test_a_new_sqlite_file_is_migrated_where_the_site_says(tmp_path: Path) -> None:
    store = open_store("sqlite:///data/new.db", site=tmp_path)
    with store.read() as tx:
        assert revision(tx) is None
    upgrade(store)
    upgrade(store)
    assert counted(store) == 0
    assert (tmp_path / "data" / "new.db").is_file()
    with store.read() as tx:
        assert tx.execute(text("pragma journal_mode")).scalar() == "wal"
        assert tx.execute(text("pragma synchronous")).scalar() == 2
    store.close()


def test_closing_lets_the_transaction_of_another_thread_finish(store: Store) -> None:
    begun, done = threading.Event(), threading.Event()

    def work() -> None:
        with store.write():
            begun.set()
            time.sleep(0.1)
            done.set()

    with ThreadPoolExecutor(1) as beside:
        working = beside.submit(work)
        assert begun.wait(10)
        store.close()
        assert store.postgres or done.is_set()
        working.result()
