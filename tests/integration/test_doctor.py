"""`hubao doctor`: what is sound is called so on either database, and what is not is found and ends it with 1."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.flow.site import machine
from gateway.flow.site.doctor import examine
from gateway.model.examined import Examined
from gateway.store import examining
from gateway.store.engine import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeOffice


def by_name(seen: list[Examined]) -> dict[str, Examined]:
    return {part.name: part for part in seen}


def grades(seen: list[Examined]) -> dict[str, str]:
    return {part.name: part.grade for part in seen if part.grade != "good"}


def test_a_sound_database_is_called_sound(make_office: MakeOffice, database_url: str) -> None:
    office = make_office(database_url)
    seen = examining.examine(office.store, office.now())
    assert {"数据库版本", "数据类型", "汉字排序规则", "提交落盘", "锁"} <= {part.name for part in seen}
    # A test's office has a clock of its own, and a test's server may do without waiting for the disk.
    assert set(grades(seen)) <= {"服务器时钟", "提交落盘"} if office.store.postgres else not grades(seen)
    with office.store.read() as tx:
        assert tx.execute(text("select count(*) from site")).scalar() == 1


def test_a_server_whose_clock_is_apart_and_which_may_forget_commits(postgres_url: str, make_office: MakeOffice) -> None:
    office = make_office(postgres_url)
    with office.store.read() as tx:
        server = tx.execute(text("select clock_timestamp()")).scalar_one()
    near = by_name(examining.examine(office.store, server + timedelta(seconds=20)))
    assert near["服务器时钟"].grade == "warn"
    joint = "&" if "?" in postgres_url else "?"
    careless = open_store(f"{postgres_url}{joint}options=-csynchronous_commit%3Doff", site=office.site)
    try:
        far = grades(examining.examine(careless, server + timedelta(minutes=5)))
    finally:
        careless.close()
    assert far == {"服务器时钟": "bad", "提交落盘": "bad"}


def test_a_lock_that_does_not_hold_and_names_that_are_folded_are_found(
    make_office: MakeOffice, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = make_office(database_url)
    elsewhere = create_engine(f"sqlite:///{tmp_path}/elsewhere.db")
    real = examining.create_engine
    if office.store.postgres:
        # A rival in the same session, as behind a pool that changes sessions by the statement: every lock is its own.
        monkeypatch.setattr(examining, "_not_held", lambda tx, _, ask=examining._not_held: ask(tx, tx))
    else:
        monkeypatch.setattr(examining, "create_engine", lambda *_, **__: elsewhere)
    assert examining.locks(office.store).grade == "bad"
    monkeypatch.setattr(examining, "create_engine", real)
    monkeypatch.setattr(examining, "_NAMES", ("啊", "啊", "A"))
    with office.store.read() as tx:
        assert examining.names(tx).grade == "bad"


def test_readings_of_other_clocks_are_held_against_ours(make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url)
    near = {"a": office.now(), "b": office.now() + timedelta(seconds=1)}
    assert by_name(examine(office, near))["与别处时钟"].grade == "good"
    far = {"a": office.now() + timedelta(days=2), "b": office.now()}
    assert by_name(examine(office, far))["与别处时钟"].grade == "warn"
    assert by_name(examine(office, {}))["与别处时钟"].grade == "warn"


def test_a_clock_out_of_line_is_found(make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url)
    start = msgspec.structs.replace(office.start, at=office.now(), known_before=office.now() - timedelta(days=400))
    ahead = dataclasses.replace(office, start=start)
    assert by_name(examine(ahead))["本机时钟"].grade == "bad"


def test_keys_that_others_may_read_and_folders_that_are_not_there(tmp_path: Path) -> None:
    data, keys = tmp_path / "data", tmp_path / "keys"
    assert by_name(machine.examine(data, keys))["数据目录"].grade == "bad"
    data.mkdir()
    keys.mkdir(mode=0o700)
    secret = keys / "secret"
    secret.write_text("x", encoding="utf-8")
    secret.chmod(0o644)
    seen = by_name(machine.examine(data, keys))
    assert seen["密钥权限"].grade == "bad" and "secret" in seen["密钥权限"].reading
    secret.chmod(0o600)
    assert by_name(machine.examine(data, keys))["密钥权限"].grade == "good"
    assert list(data.iterdir()) == []


def test_a_full_or_slow_disk_and_a_network_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = machine.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    monkeypatch.setattr(machine, "_file_system", lambda _: "nfs4")
    monkeypatch.setattr(machine, "_sync_times", lambda _: iter((200.0, 210.0, 190.0)))
    keys = tmp_path / "keys"
    found = grades(machine.examine(tmp_path, keys))
    assert {name: found.get(name) for name in ("磁盘余量", "文件系统", "落盘用时")} == {
        "磁盘余量": "bad",
        "文件系统": "bad",
        "落盘用时": "warn",
    }


def test_where_the_site_does_not_open_the_machine_is_examined_all_the_same(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["--site", str(tmp_path), "doctor", "--json"])
    assert ended.exit_code == 1
    assert "站点与数据库" in ended.output and "程序环境" in ended.output
