"""The vault's ledger: a key that was given out is never made anew, whoever asks and whatever was lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.errors import BrokenSeal, KeyMissing
from gateway.vault import KeyName, Suite, Vault, context, key_number

ROOT = bytes(range(32))
DAY = date(2026, 11, 22)
PLACE = context("page", "content", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def vault(folder: Path) -> Vault:
    return Vault.create(folder, suite=Suite.AES, root_key=ROOT)


def again(folder: Path) -> Vault:
    return Vault.open_folder(folder, ROOT)


def lose(folder: Path, name: str) -> bytes:
    path = folder / "data" / name
    content = path.read_bytes()
    path.unlink()
    return content


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "data").iterdir())


def test_a_lost_key_is_never_made_anew(vault: Vault, folder: Path) -> None:
    sealed = vault.roster_key().seal(b"x", PLACE)
    content = lose(folder, "roster.2")
    for asked in (vault, again(folder)):
        with pytest.raises(KeyMissing, match="roster"):
            asked.roster_key()
        with pytest.raises(KeyMissing):
            asked.require_roster_key()
        assert asked.missing() == [KeyName(number=2, purpose="roster")]
    assert names(folder) == ["fingerprint.1"]
    (folder / "data" / "roster.2").write_bytes(content)
    assert again(folder).missing() == []
    assert again(folder).roster_key().number == key_number(sealed)


def test_asking_whether_the_roster_key_is_there_makes_none(vault: Vault, folder: Path) -> None:
    vault.require_roster_key()
    assert names(folder) == ["fingerprint.1"]
    vault.roster_key()
    vault.require_roster_key()
    (folder / "data" / "roster.2").write_bytes(b"{}")
    with pytest.raises(BrokenSeal):
        again(folder).require_roster_key()


def test_one_lost_key_stops_only_what_it_is_for(vault: Vault, folder: Path) -> None:
    vault.page_key("wuhai", DAY)
    lose(folder, "pages.wuhai.2026-11-22.2")
    assert vault.page_key("hinggan", DAY).number == 3
    assert vault.page_key("wuhai", date(2026, 11, 23)).number == 4
    with pytest.raises(KeyMissing):
        vault.page_key("wuhai", DAY)


def test_a_destroyed_key_is_not_missing_and_its_purpose_may_have_another(vault: Vault, folder: Path) -> None:
    number = vault.page_key("wuhai", DAY).number
    vault.shred(number)
    assert again(folder).missing() == []
    assert again(folder).page_key("wuhai", DAY).number == number + 1
    assert vault.unaccounted([number]) == []


def test_an_interrupted_destruction_does_not_count_as_lost(vault: Vault, folder: Path) -> None:
    vault.page_key("wuhai", DAY)
    path = folder / "data" / "pages.wuhai.2026-11-22.2"
    # What a crash leaves right after the ledger was written, and one step later.
    vault._folder.ledger.add("destroyed", {2: "pages.wuhai.2026-11-22"}, durable=True)
    assert again(folder).missing() == []
    path.rename(path.with_name(f".shredding.{path.name}"))
    assert again(folder).missing() == []
    assert again(folder).page_key("wuhai", DAY).number == 3


def test_a_key_written_off_by_a_person_may_be_made_again(vault: Vault, folder: Path) -> None:
    vault.roster_key()
    lose(folder, "roster.2")
    assert vault.write_off_missing() == [KeyName(number=2, purpose="roster")]
    assert vault.write_off_missing() == []
    assert again(folder).roster_key().number == 3
    assert again(folder).unaccounted([2]) == []


def test_a_folder_from_before_there_were_ledgers_begins_one(vault: Vault, folder: Path) -> None:
    vault.roster_key()
    (folder / "ledger").unlink()
    old = again(folder)
    assert old.missing() == []
    old.page_key("wuhai", DAY)
    lose(folder, "roster.2")
    assert again(folder).missing() == [KeyName(number=2, purpose="roster")]


def test_a_key_whose_maker_died_before_the_ledger_is_entered_by_who_finds_it(vault: Vault, folder: Path) -> None:
    ledger = (folder / "ledger").read_bytes()
    vault.roster_key()
    (folder / "ledger").write_bytes(ledger)
    again(folder).roster_key()
    lose(folder, "roster.2")
    with pytest.raises(KeyMissing):
        again(folder).roster_key()


def test_a_line_cut_off_by_a_crash_is_no_line(vault: Vault, folder: Path) -> None:
    vault.roster_key()
    with (folder / "ledger").open("ab") as file:
        file.write(b"destroyed 2 ros")
    assert again(folder).page_key("wuhai", DAY).number == 3
    lose(folder, "roster.2")
    lose(folder, "pages.wuhai.2026-11-22.3")
    assert [key.number for key in again(folder).missing()] == [2, 3]


def test_a_folder_older_than_the_rows_gives_no_number_out_twice(vault: Vault, folder: Path) -> None:
    vault.page_key("wuhai", DAY)
    vault.remember_named({2: "pages", 7: "roster", 5: "pages"})
    assert [(key.number, key.purpose) for key in again(folder).missing()] == [(5, "pages"), (7, "roster")]
    assert again(folder).page_key("wuhai", date(2026, 11, 23)).number == 8
    with pytest.raises(KeyMissing):
        again(folder).roster_key()


def test_what_was_given_out_is_known(vault: Vault) -> None:
    assert (vault.gave_out_data_keys(), vault.gave_out_more_than_the_roster()) == (False, False)
    vault.roster_key()
    assert (vault.gave_out_data_keys(), vault.gave_out_more_than_the_roster()) == (True, False)
    vault.shred(vault.page_key("wuhai", DAY).number)
    assert vault.gave_out_more_than_the_roster()
    assert vault.unnamed([]) == [KeyName(number=2, purpose="roster")]
    assert vault.lacking([1, 2, 3, 9]) == [3, 9]


def test_a_site_id_is_proposed_until_it_is_settled(vault: Vault, folder: Path) -> None:
    assert (vault.site_id(), vault.proposed_site_id()) == (None, None)
    proposed = vault.propose_site_id()
    assert len(proposed) == 16
    assert again(folder).propose_site_id() == again(folder).proposed_site_id() == proposed
    assert vault.site_id() is None
    vault.confirm_site_id(proposed)
    assert (again(folder).site_id(), again(folder).proposed_site_id()) == (proposed, None)
    assert vault.propose_site_id() == proposed
    assert vault.propose_site_id(anew=True) != proposed
    assert vault.site_id() == proposed
