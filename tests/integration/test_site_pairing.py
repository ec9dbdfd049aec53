"""Database and key folder know each other: what does not belong together is refused before anything happens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from builders import EAST_AND_WEST, FILES, content, enrolled, only, page, row, rows_of, take
from sqlalchemy import text
from typer.testing import CliRunner
from web_side import ENVIRONMENT, at_work, client_of

from gateway import wiring
from gateway.cli.main import app
from gateway.errors import ForeignDatabase, KeyMissing
from gateway.flow.delivery.health import health
from gateway.flow.findings.book import raise_
from gateway.flow.office import Office
from gateway.flow.site import pairing, vault_keys
from gateway.model.trouble import Trouble
from gateway.store import schema
from gateway.store.engine import Store, open_store
from gateway.store.migrate import MIGRATIONS
from gateway.vault import Vault
from gateway.web.app import make_refusing_app
from gateway.web.running import Running

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


FOLDERS = ("data/in", "data/inbound/hinggan")
"""Those that the feeds in force name."""


@pytest.fixture
def site(make_office: MakeOffice, database_url: str) -> Iterator[Path]:
    """A site that worked: members, a page, a claim; nothing of it is open any more."""
    office = make_office(database_url, feeds={**EAST_AND_WEST, **FILES})
    enrolled(office, 1, 2)
    take(office, "east", page(row("S1", 1), row("S9", 9)))
    assert len(rows_of(office, schema.delivery)) == 1
    office.store.close()
    for folder in FOLDERS:
        (office.site / folder).mkdir(parents=True)
    yield office.site


def opened(site: Path, url: str | None = None) -> Office:
    """The site at work, on another database where one is named."""
    checked = wiring.load_site(site)
    if url is not None:
        file = site / "config" / "gateway.toml"
        written = file.read_text(encoding="utf-8")
        file.write_text(written.replace(checked.gateway.database, url), encoding="utf-8")
    return wiring.open_office(site)


def closed(site: Path, url: str | None = None) -> None:
    opened(site, url).store.close()


def vault_of(site: Path) -> Vault:
    return wiring.open_vault(wiring.load_site(site))


def store_of(site: Path) -> Store:
    return open_store(wiring.load_site(site).gateway.database, site=site)


def as_before_there_were_ids(site: Path) -> None:
    """What a site of an older program has: no id on either side, no ledger, no tables for them."""
    for name in ("site", "ledger"):
        (site / "keys" / "vault" / name).unlink()
    with closing(store_of(site)) as store:
        back_to(store, "0006")


def back_to(store: Store, revision: str) -> None:
    """The schema of an older program."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.write() as tx:
        config.attributes["connection"] = tx
        command.downgrade(config, revision)


def everything_in(site: Path) -> dict[str, int]:
    with closing(store_of(site)) as store, store.read() as tx:
        tables = (schema.page, schema.member, schema.claim, schema.delivery)
        return {table.name: len(tx.execute(table.select()).all()) for table in tables}


def hubao(site: Path, *words: str) -> tuple[int, Any]:
    """A command of this site as JSON; its exit code and its answer."""
    done = CliRunner().invoke(app, ["--site", str(site), *words, "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, msgspec.json.decode(done.stdout.splitlines()[-1])


@pytest.fixture
def other_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the same kind, its tables made."""
    if database_url.startswith("sqlite"):
        shutil.copyfile(request.getfixturevalue("_sqlite_template"), tmp_path / "other.db")
        return f"sqlite:///{tmp_path / 'other.db'}"
    databases = request.getfixturevalue("_postgres_databases")
    url: str = databases.take()
    request.addfinalizer(lambda: databases.give_back(url))
    return url


def test_both_get_one_id_at_the_first_start_and_keep_it(site: Path) -> None:
    before = vault_of(site).site_id()
    assert before is not None
    office = opened(site)
    assert bytes(only(rows_of(office, schema.site))["site_id"]) == before == office.vault.site_id()
    office.store.close()


def test_an_empty_database_is_not_taken_for_the_right_one(site: Path, other_url: str) -> None:
    right, before = wiring.load_site(site).gateway.database, everything_in(site)
    with pytest.raises(ForeignDatabase, match="adopt-database"):
        opened(site, other_url)
    with closing(store_of(site)) as store, store.read() as tx:
        assert tx.execute(schema.site.select()).all() == []
        assert tx.execute(schema.roster.select()).all() == []
    closed(site, right)
    assert everything_in(site) == before


def test_a_missing_file_is_not_made_anew(make_office: MakeOffice, sqlite_url: str, tmp_path: Path) -> None:
    office = make_office(sqlite_url, feeds=FILES)
    enrolled(office, 1)
    office.store.close()
    dropped = office.site / "data" / "in" / "today.json"
    dropped.parent.mkdir(parents=True)
    dropped.write_bytes(content([row("S1", 1)]))
    dropped.with_name("today.json.ok").touch()
    (tmp_path / "test.db").rename(tmp_path / "away.db")
    done = CliRunner().invoke(app, ["--site", str(office.site), "run", "files"])
    assert isinstance(done.exception, ForeignDatabase)
    assert "数据库文件不存在" in str(done.exception)
    assert (dropped.exists(), (tmp_path / "test.db").exists()) == (True, False)
    assert hubao(office.site, "keys", "adopt-database")[0] == 1
    assert not (tmp_path / "test.db").exists()
    (tmp_path / "away.db").rename(tmp_path / "test.db")
    done = CliRunner().invoke(app, ["--site", str(office.site), "run", "files", "--json"])
    assert msgspec.json.decode(done.stdout.splitlines()[-1])["feeds"][0]["pages"] == 1
    assert len(rows_of(opened(office.site), schema.claim)) == 1


def test_a_database_without_tables_is_not_filled_either(site: Path, tmp_path: Path) -> None:
    (tmp_path / "void.db").touch()
    with pytest.raises(ForeignDatabase):
        opened(site, f"sqlite:///{tmp_path / 'void.db'}")
    with closing(store_of(site)) as store, store.read() as tx:
        assert tx.execute(text("select count(*) from sqlite_master")).scalar_one() == 0


def test_another_key_folder_does_not_open_this_database(site: Path, tmp_path: Path) -> None:
    (site / "keys" / "vault").rename(tmp_path / "own-vault")
    wiring.make_keys(wiring.load_site(site))
    with pytest.raises(ForeignDatabase):
        opened(site)
    shutil.rmtree(site / "keys" / "vault")
    (tmp_path / "own-vault").rename(site / "keys" / "vault")
    closed(site)


def test_a_site_of_an_older_program_is_paired_once_by_itself(site: Path) -> None:
    before = everything_in(site)
    as_before_there_were_ids(site)
    closed(site)
    first = vault_of(site).site_id()
    assert first is not None
    closed(site)
    assert vault_of(site).site_id() == first
    assert everything_in(site) == before


def test_an_older_site_that_served_before_it_had_members_is_paired(make_office: MakeOffice, database_url: str) -> None:
    office = make_office(database_url)
    office.vault.roster_key()
    office.store.close()
    as_before_there_were_ids(office.site)
    closed(office.site)


def test_an_older_site_whose_database_is_another_is_refused_and_not_migrated(site: Path, other_url: str) -> None:
    as_before_there_were_ids(site)
    with closing(open_store(other_url, site=site)) as store:
        back_to(store, "0006")
    with pytest.raises(ForeignDatabase, match="空的"):
        opened(site, other_url)
    with closing(store_of(site)) as store, store.read() as tx:
        assert tx.execute(text("select version_num from alembic_version")).scalar_one() == "0006"


def test_an_older_site_with_a_lost_key_is_refused(site: Path) -> None:
    as_before_there_were_ids(site)
    [path] = (site / "keys" / "vault" / "data").glob("roster.*")
    path.rename(site / path.name)
    with pytest.raises(ForeignDatabase, match="不在密钥库"):
        opened(site)
    (site / path.name).rename(path)
    closed(site)


@pytest.mark.parametrize("place", ["proposed", "committed"])
def test_a_crash_while_pairing_is_completed_by_the_next_start(site: Path, place: str) -> None:
    as_before_there_were_ids(site)
    vault = vault_of(site)
    proposed = vault.propose_site_id()
    if place == "committed":
        closed(site)
        (site / "keys" / "vault" / "site").rename(site / "keys" / "vault" / "site-proposed")
    closed(site)
    assert (vault.site_id(), vault.proposed_site_id()) == (proposed, None)


def test_many_that_start_at_once_agree(site: Path) -> None:
    as_before_there_were_ids(site)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: closed(site), range(4)))
    office = opened(site)
    assert bytes(only(rows_of(office, schema.site))["site_id"]) == office.vault.site_id()
    office.store.close()


def test_of_two_new_folders_on_one_database_only_one_is_paired(
    make_office: MakeOffice, database_url: str, tmp_path: Path
) -> None:
    office = make_office(database_url, folder="one")
    with pytest.raises(ForeignDatabase):
        make_office(database_url, folder="two")
    assert bytes(only(rows_of(office, schema.site))["site_id"]) == office.vault.site_id()


# ── keys ──


def test_a_lost_roster_key_is_said_and_never_made_anew(site: Path, clock: Hands) -> None:
    [path] = (site / "keys" / "vault" / "data").glob("roster.*")
    path.rename(site / path.name)
    office = opened(site)
    with at_work(office) as side:
        answer = side.client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    with pytest.raises(KeyMissing):
        enrolled(office, 3)
    assert not path.exists()
    assert vault_keys.look(office) == 1
    assert any("keys/vault" in finding for finding in health(office).findings)
    code, answer = hubao(site, "keys", "status")
    assert (code, answer["missing"]) == (1, [{"number": int(path.suffix[1:]), "purpose": "roster"}])
    code, answer = hubao(site, "check")
    assert (code, [finding["file"] for finding in answer["findings"]]) == (1, ["keys/vault"])
    (site / path.name).rename(path)
    assert vault_keys.look(office) == 0
    assert not any("keys/vault" in finding for finding in health(office).findings)
    enrolled(office, 3)
    assert hubao(site, "check")[0] == 0
    office.store.close()


def test_a_lost_page_key_leaves_the_rest_at_work(site: Path) -> None:
    [path] = (site / "keys" / "vault" / "data").glob("pages.east.*")
    path.unlink()
    office = opened(site)
    with at_work(office) as side:
        assert side.client.get("/readyz").json() == {"status": "ok", "missing_keys": 1}
        assert side.push(row("S2", 2), feed="west").status_code == 202
    office.store.close()


def test_asking_whether_it_is_ready_makes_no_key(make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url)
    with at_work(office) as side:
        assert side.client.get("/readyz").json() == {"status": "ok"}
    assert not office.vault.gave_out_data_keys()


def test_a_key_folder_put_back_from_an_older_backup_gives_no_number_out_twice(
    make_office: MakeOffice, database_url: str, clock: Hands, tmp_path: Path
) -> None:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    backup = tmp_path / "backup"
    shutil.copytree(office.site / "keys" / "vault", backup)
    clock.move(days=1)
    take(office, "east", page(row("S1", 1)))
    numbers = {row["key_no"] for row in rows_of(office, schema.page)}
    office.store.close()
    shutil.rmtree(office.site / "keys" / "vault")
    shutil.copytree(backup, office.site / "keys" / "vault")
    office = make_office(database_url)
    missing = {key.number for key in office.vault.missing()}
    assert numbers < missing
    assert office.vault.page_key("east", clock().date() + timedelta(days=1)).number > max(missing)


def test_check_says_what_an_older_key_folder_lacks_before_anything_is_opened(site: Path) -> None:
    if not wiring.load_site(site).gateway.database.startswith("sqlite"):
        pytest.skip("check calls no server")
    vault, backup = site / "keys" / "vault", site / "backup"
    shutil.copytree(vault, backup)
    office = opened(site)
    take(office, "west", page(row("S9", 1)))
    [number] = {row["key_no"] for row in rows_of(office, schema.page) if row["feed"] == "west"}
    office.store.close()
    shutil.rmtree(vault)
    shutil.copytree(backup, vault)
    code, answer = hubao(site, "check")
    assert (code, {finding["file"] for finding in answer["findings"]}) == (1, {"keys/vault"})
    assert any(f" {number} " in finding["found"] for finding in answer["findings"])


def test_what_else_is_missing_does_not_hide_that_keys_are(site: Path) -> None:
    [path] = (site / "keys" / "vault" / "data").glob("roster.*")
    path.unlink()
    (site / FOLDERS[0]).rmdir()
    code, answer = hubao(site, "check")
    assert (code, [(finding["file"], finding["key"]) for finding in answer["findings"]]) == (
        1,
        [("config/feeds/files.toml", "connector.folder"), ("keys/vault", "keys")],
    )


# ── on purpose ──


def test_a_person_may_adopt_the_database_that_is_there(site: Path, other_url: str) -> None:
    right = wiring.load_site(site).gateway.database
    with pytest.raises(ForeignDatabase):
        opened(site, other_url)
    code, shown = hubao(site, "keys", "adopt-database")
    assert (code, shown["belongs"], shown["lacking"], shown["adopted"]) == (1, False, [], False)
    assert {key["purpose"].partition(".")[0] for key in shown["unnamed"]} == {"claims", "pages", "roster"}
    with pytest.raises(ForeignDatabase):
        opened(site)
    code, done = hubao(site, "keys", "adopt-database", "--by", "管理员")
    assert (code, done["adopted"]) == (0, True)
    office = opened(site)
    assert only(rows_of(office, schema.site))["paired_by"] == "管理员"
    office.store.close()
    # The one before is not its own any more, and does not slip in again unseen.
    with pytest.raises(ForeignDatabase):
        opened(site, right)


def test_adopting_shows_what_will_not_open_and_writes_the_keys_off(site: Path) -> None:
    [path] = (site / "keys" / "vault" / "data").glob("roster.*")
    path.unlink()
    code, shown = hubao(site, "keys", "adopt-database", "--by", "管理员")
    assert (code, shown["lacking"], shown["tables"]) == (0, [int(path.suffix[1:])], ["member"])
    assert [key["purpose"] for key in shown["written_off"]] == ["roster"]
    office = opened(site)
    assert office.vault.missing() == []
    assert office.vault.roster_key().number > shown["lacking"][0]
    office.store.close()
    closed(site)
    assert vault_of(site).missing() == []


def test_a_refused_site_answers_every_push_with_503() -> None:
    web = Running.start(make_refusing_app("互保网关"))
    try:
        with client_of(web.address) as client:
            assert client.get("/healthz").json() == {"status": "ok"}
            for method, path in (("POST", "/api/v1/feeds/east/push"), ("GET", "/readyz"), ("PUT", "/anything")):
                answer = client.request(method, path)
                assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    finally:
        web.stop()


def test_what_is_shown_never_holds_the_id(site: Path, other_url: str) -> None:
    site_id = vault_of(site).site_id()
    assert site_id is not None
    with pytest.raises(ForeignDatabase) as refused:
        opened(site, other_url)
    with closing(store_of(site)) as store:
        shown = repr(pairing.left_behind(store, vault_of(site)))
    assert site_id.hex() not in f"{refused.value}{shown}"


# ── check ──


def test_check_shows_what_was_found_before_beside_what_is_wrong_in_the_files(
    site: Path, monkeypatch: pytest.MonkeyPatch, clock: Hands
) -> None:
    with closing(store_of(site)) as store, store.write() as tx:
        raise_(tx, Trouble(code="hold_expired", kind="feed", name="east", count=1), now=clock.now)
    (site / FOLDERS[0]).rmdir()
    monkeypatch.delenv("HUBAO_TEST_SECRET")
    code, answer = hubao(site, "check")
    assert code == 1
    assert {finding["key"] for finding in answer["findings"]} == {"connector.folder", "connector.secret"}
    _, found_before = hubao(site, "findings")
    assert [finding["code"] for finding in answer["noted"]] == [finding["code"] for finding in found_before["findings"]]
    assert answer["noted"]
