"""Whether a database does what the gateway relies on: values come back as they went, locks hold, and a commit lasts."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from gateway.model.examined import Examined, graded
from gateway.store.engine import Store, Tx, is_postgres, lock, lock_number

_OLDEST_POSTGRES: Final = 130000
_OLDEST_SQLITE: Final = (3, 35, 0)
"""RETURNING of SQLite and what PostgreSQL's COPY and `skip locked` are used for; both as their projects number them."""

_NUMBER: Final = (1 << 62) + 1
_TEXT: Final = "𬱖㛃㴪·Aa啊 'x\\"
"""Characters of GB 18030 level 3 outside of the first plane, and what a careless driver would eat."""
_BYTES: Final = bytes(range(256))
_NAMES: Final = ("啊", "𬱖", "㛃", "阿", "A", "a", "b", "B", "ａ")
"""No two of these are one name."""

_LOCK: Final = "doctor"
_APART_SECONDS: Final = 5
_APART_MUCH_SECONDS: Final = 60
_FREE_CONNECTIONS: Final = 20


def examine(store: Store, now: datetime) -> list[Examined]:
    """Everything about the database of a site. `now`: what this machine's clock reads, to hold the server's against.
    What is written for it is rolled back or stands in a temporary table."""
    with store.read() as tx:
        seen = [version(tx), types(tx), names(tx)]
        seen += _of_postgres(tx, now) if store.postgres else _of_sqlite(tx)
    return [*seen, locks(store)]


def version(tx: Tx) -> Examined:
    """Not older than what its statements need."""
    if is_postgres(tx):
        number = int(tx.scalar(text("show server_version_num")) or 0)
        reading, sound = f"PostgreSQL {number // 10000}.{number % 10000}", number >= _OLDEST_POSTGRES
        return graded("数据库版本", sound=sound, reading=reading, advice="请升级到 PostgreSQL 13 或更新 (13 or newer)")
    reading, sound = f"SQLite {sqlite3.sqlite_version}", sqlite3.sqlite_version_info >= _OLDEST_SQLITE
    return graded("数据库版本", sound=sound, reading=reading, advice="请换用带 SQLite 3.35 或更新的 Python")


def types(tx: Tx) -> Examined:
    """Integers of 63 bits, text of any plane, and bytes come back as they went."""
    kind = "bytea" if is_postgres(tx) else "blob"
    tx.exec_driver_sql(f"create temporary table hubao_doctor (n bigint, t text, b {kind}, yes boolean)")
    values = {"n": _NUMBER, "t": _TEXT, "b": _BYTES, "yes": True}
    tx.execute(text("insert into hubao_doctor values (:n, :t, :b, :yes)"), values)
    n, t, b, yes = tx.execute(text("select n, t, b, yes from hubao_doctor")).one()
    tx.exec_driver_sql("drop table hubao_doctor")
    changed = [
        name
        for name, equal in (
            ("整数 integer", n == _NUMBER),
            ("文字 text", t == _TEXT),
            ("字节 bytes", bytes(b) == _BYTES),
            ("真假 boolean", bool(yes)),
        )
        if not equal
    ]
    reading = "整数、生僻字、字节原样存取" if not changed else f"存取后改变：{'、'.join(changed)}"
    return graded(
        "数据类型", sound=not changed, reading=reading, advice="数据库编码须为 UTF-8 (the database must be UTF-8)"
    )


def names(tx: Tx) -> Examined:
    """Different characters are different to the database; one that folds them would make one person of two."""
    union = " union all ".join(f"select cast(:n{at} as text) as n" for at in range(len(_NAMES)))
    query = text(f"select count(distinct n) from ({union}) names")
    apart = tx.scalar(query, {f"n{at}": name for at, name in enumerate(_NAMES)})
    return graded(
        "汉字排序规则",
        sound=apart == len(_NAMES),
        reading=f"{len(_NAMES)}个不同的字，库内区分出{apart}个",
        advice="排序规则把不同的字当成同一个，请换用区分的规则，如 C 或 zh-x-icu (choose another collation)",
    )


def _of_sqlite(tx: Tx) -> list[Examined]:
    journal = str(tx.exec_driver_sql("pragma journal_mode").scalar())
    sync = int(tx.exec_driver_sql("pragma synchronous").scalar() or 0)
    sound = journal == "wal" and sync >= 2
    reading = f"journal_mode={journal}，synchronous={sync}"
    advice = "此文件系统不支持 WAL，请把 data 放到本机磁盘 (put data on a local disk)"
    return [graded("提交落盘", sound=sound, reading=reading, advice=advice)]


def _of_postgres(tx: Tx, now: datetime) -> list[Examined]:
    return [lasting(tx), server_clock(tx, now), collation(tx), encoding(tx), connections(tx)]


def lasting(tx: Tx) -> Examined:
    """A commit that a power cut may take back would be a claim sent and forgotten."""
    settings = {
        name: str(tx.scalar(text(f"show {name}"))) for name in ("fsync", "synchronous_commit", "full_page_writes")
    }
    off = [name for name, value in settings.items() if value == "off"]
    reading = "，".join(f"{name}={value}" for name, value in settings.items())
    return graded("提交落盘", sound=not off, reading=reading, advice=f"请打开 (turn on) {'、'.join(off)}")


def server_clock(tx: Tx, now: datetime) -> Examined:
    """Whether the server's clock reads what ours does."""
    server: datetime = tx.execute(text("select clock_timestamp()")).scalar_one()
    apart = abs((server - now).total_seconds())
    return graded(
        "服务器时钟",
        sound=apart <= _APART_SECONDS,
        reading=f"与本机相差 {apart:.1f} 秒；服务器时区 {tx.scalar(text('show timezone'))}（时刻均按毫秒存，不受影响）",
        advice="请让两台机器都与同一时间源同步 (synchronise both clocks)",
        otherwise="bad" if apart > _APART_MUCH_SECONDS else "warn",
    )


def collation(tx: Tx) -> Examined:
    """After the server's library of collations changed, its text indexes may no longer find what they hold."""
    row = tx.execute(text("select datname, datcollate from pg_database where datname = current_database()")).one()
    made = actual = None
    if int(tx.scalar(text("show server_version_num")) or 0) >= 150000:
        versions = (
            "select datcollversion, pg_database_collation_actual_version(oid) from pg_database where datname = :name"
        )
        made, actual = tx.execute(text(versions), {"name": row.datname}).one()
    changed = made is not None and made != actual
    reading = f"{row.datcollate}，建库时 {made}、现在 {actual}" if changed else str(row.datcollate)
    advice = "操作系统的排序库已变：先 reindex database，再 alter database … refresh collation version (reindex)"
    return graded("排序库版本", sound=not changed, reading=reading, advice=advice)


def encoding(tx: Tx) -> Examined:
    """Whether it stores every character."""
    encoding = str(tx.scalar(text("show server_encoding")))
    return graded(
        "库编码", sound=encoding == "UTF8", reading=encoding, advice="请以 encoding 'UTF8' 建库 (create it as UTF8)"
    )


def connections(tx: Tx) -> Examined:
    """Whether some are free."""
    allowed = int(tx.scalar(text("show max_connections")) or 0)
    used = int(tx.scalar(text("select count(*) from pg_stat_activity where backend_type = 'client backend'")) or 0)
    return graded(
        "连接数",
        sound=allowed - used >= _FREE_CONNECTIONS,
        reading=f"共 {allowed}，已用 {used}",
        advice=f"请留出至少 {_FREE_CONNECTIONS} 个：调大 max_connections 或减少其他程序 (too few are free)",
        otherwise="warn",
    )


def locks(store: Store) -> Examined:
    """What one connection holds, another one does not get."""
    # A second connection of its own: SQLite's pool has only one, and would wait for itself.
    arguments: dict[str, Any] = {} if store.postgres else {"timeout": 0}
    second = create_engine(store.engine.url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    try:
        with store.write() as tx, second.connect() as rival:
            broken = _not_held(tx, rival)
    finally:
        second.dispose()
    working = "具名锁、跳过已锁行均有效" if store.postgres else "写锁有效"
    reading = working if not broken else f"未生效：{'、'.join(broken)}"
    advice = "连接池不可按语句切换会话，SQLite 不可放网络盘 (no statement pooling, no SQLite on a network disk)"
    return graded("锁", sound=not broken, reading=reading, advice=advice)


def _not_held(tx: Tx, rival: Connection) -> list[str]:
    if not is_postgres(tx):
        try:
            rival.exec_driver_sql("begin immediate")
        except OperationalError:
            return []
        return ["写锁 write lock"]
    lock(tx, _LOCK)
    again = rival.scalar(text("select pg_try_advisory_xact_lock(:number)"), {"number": lock_number(_LOCK)})
    broken = ["具名锁 advisory lock"] if again else []
    tx.exec_driver_sql("select site_id from site for update")
    try:
        if rival.exec_driver_sql("select site_id from site for update skip locked").first() is not None:
            broken.append("跳过已锁行 skip locked")
    except DBAPIError:
        broken.append("跳过已锁行 skip locked")
    return broken
