"""What older releases wrote in the clear stands in no file any more once it is rewritten.

Neither in the database nor in its logs: all files are searched, as they lie on the disk.
"""

from __future__ import annotations

import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import _wheel_server
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from test_site_of_b7b06cc import FIXTURE, SiteThen, _load, _rewrite, set_clock

from gateway.flow.findings.book import show
from gateway.flow.site import rewriting


@pytest.fixture(params=["sqlite", "postgres"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SiteThen, Path]]:
    """The site of November 2026 and the folder with all its database wrote; PostgreSQL is a server of its own."""
    with ExitStack() as stack:
        with tarfile.open(FIXTURE / f"{request.param}.tar.xz") as archive:
            archive.extractall(tmp_path, filter="data")
        then = SiteThen(tmp_path)
        files = then.site / "data"
        if request.param == "postgres":
            url = stack.enter_context(_wheel_server())
            engine = create_engine("postgresql+psycopg://" + url.split("://", 1)[1], poolclass=NullPool)
            with engine.connect() as connection:
                files = Path(connection.execute(text("show data_directory")).scalar_one())
            _load(url, tmp_path / "rows.jsonl")
            _rewrite(then.site / "config/gateway.toml", '"sqlite:///data/hubao.db"', f'"{url}"')
        set_clock(lambda: then.now)
        yield then, files


def words_below(folder: Path, words: set[bytes]) -> set[tuple[str, bytes]]:
    """(file, word) of every word that stands in a file of this folder."""
    contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {(path.name, word) for path, content in contents.items() for word in words if word in content}


def test_no_file_says_any_more_what_a_claim_is_about(site: tuple[SiteThen, Path]) -> None:
    then, files = site
    with then.office() as office:
        with office.store.read() as tx:
            stays = list(tx.execute(text("select stay from claim")).scalars())
        # Visit and settlement numbers, and the names of disease groups: what a stay says behind its first stroke.
        words = {part.removeprefix("s:").encode() for stay in stays for part in stay.split("/")[1:] if len(part) > 7}
        assert len(words) > 50
        assert {word for _, word in words_below(files, words)} == words
        rewriting.go_on(office)
        assert words_below(files, words) == set()
        assert "older_backups" in {finding.code for finding in show(office)}
    assert words_below(files, words) == set()


def test_somebody_who_reads_meanwhile_is_waited_for(site: tuple[SiteThen, Path]) -> None:
    then, files = site
    if not (files / "hubao.db").exists():
        pytest.skip("PostgreSQL lets readers be")
    with then.office() as office:
        with office.store.engine.connect() as own:
            own.connection.execute("pragma busy_timeout = 200")  # type: ignore[attr-defined]
        with sqlite3.connect(files / "hubao.db", isolation_level=None) as other:
            other.execute("begin")
            other.execute("select count(*) from claim").fetchone()
            with pytest.raises(Exception, match=r"日志未能清空|不可用"):
                rewriting.go_on(office)
            assert "rewriting" in {finding.code for finding in show(office)}
            other.execute("commit")
        other.close()
        rewriting.go_on(office)
        assert "rewriting" not in {finding.code for finding in show(office)}
