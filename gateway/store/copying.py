"""A database copied whole while it is at work, and put where none is. SQLite by its own backup; PostgreSQL by `pg_dump`
and `pg_restore`, which must be on the path."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from gateway.errors import Unavailable, WrongUse
from gateway.store.engine import database_file
from gateway.vault.modes import make_closed_file, make_closed_folder

SQLITE_FILE: Final = "database.db"
POSTGRES_FILE: Final = "database.dump"
_PAGES_AT_ONCE: Final = 4096


def copy_name(url: str) -> str:
    """What the copy of a database of this kind is called."""
    return SQLITE_FILE if url.startswith("sqlite:///") else POSTGRES_FILE


def copy_database(url: str, *, site: Path, file: Path) -> None:
    """Copy the database to a file that is not there yet, as it stood at one instant. Raises Unavailable, WrongUse."""
    source = database_file(url, site=site)
    make_closed_file(file)
    if source is None:
        run_tool(url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")
    else:
        _copy_sqlite(source, file)
        # A copy is one file: no log stands beside it.
        with closing(sqlite3.connect(file)) as made:
            made.execute("pragma journal_mode = delete")
    refuse_damaged(file)
    with file.open("rb+") as written:
        os.fsync(written.fileno())


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.is_file():
        raise WrongUse(f"没有数据库文件 {source.name} (there is no such database)")
    try:
        read = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=60)
        with closing(read), closing(sqlite3.connect(target)) as written:
            read.backup(written, pages=_PAGES_AT_ONCE)
    except sqlite3.Error as error:
        raise Unavailable(f"数据库复制未成 (copying failed): {type(error).__name__}") from None


def refuse_damaged(file: Path) -> None:
    """Raises WrongUse for a copy that is not whole."""
    if file.name != SQLITE_FILE:
        _run(["pg_restore", "--list", str(file)], {})
        return
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as copied:
            (verdict,) = copied.execute("pragma integrity_check(1)").fetchone()
    except sqlite3.Error:
        verdict = "unreadable"
    if verdict != "ok":
        raise WrongUse("数据库副本已损坏 (the copy of the database is damaged)")


def put_database(url: str, *, site: Path, file: Path, aside: str) -> Path | None:
    """Put a copy where this site's database is looked for. A file that stands there is moved aside, never deleted:
    returns where to (its name with `aside` behind it). A database on a server must be empty. Raises WrongUse."""
    target = database_file(url, site=site)
    if target is None:
        run_tool(
            url, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(file)
        )
        return None
    make_closed_folder(target.parent)
    moved = target.with_name(f"{target.name}.{aside}") if target.exists() else None
    placing = target.with_name(f"{target.name}.placing")
    placing.unlink(missing_ok=True)
    make_closed_file(placing)
    _copy_sqlite(file, placing)
    for ending in ("", "-wal", "-shm"):
        beside = target.with_name(target.name + ending)
        if moved is not None and beside.exists():
            beside.rename(moved.with_name(moved.name + ending))
    placing.rename(target)
    return moved


def run_tool(url: str, tool: str, *words: str) -> None:
    """Run one of PostgreSQL's own tools on a database; the password stands in no command line. Raises WrongUse,
    Unavailable."""
    place = make_url(url).set(drivername="postgresql")
    environment = {"PGPASSWORD": str(place.password)} if place.password else {}
    address = place.set(password=None).render_as_string(hide_password=False)
    _run([tool, f"--dbname={address}", *words], environment)


def _run(command: list[str], environment: dict[str, str]) -> None:
    if shutil.which(command[0]) is None:
        raise WrongUse(f"找不到 {command[0]}：请安装 PostgreSQL 客户端 (install the PostgreSQL client tools)")
    # A tool of this module's own list, its words as they are: no shell reads them.
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=False)  # noqa: S603
    if b"server version mismatch" in done.stderr:
        raise WrongUse(
            f"{command[0]} 的版本低于数据库服务器：请安装同版本的客户端 (older than the server: install its own)"
        )
    if done.returncode != 0:
        # What the tool says may quote rows.
        raise Unavailable(f"{command[0]} 未成，代码 {done.returncode} (failed); 请核对地址、版本与权限 (check)")
