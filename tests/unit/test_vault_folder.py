"""A vault on disk: one key per purpose whoever asks, numbers for ever, crashes and damage survived."""

from __future__ import annotations

import json
import os
import pickle
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path

import pytest

from gateway.errors import BrokenSeal, WrongUse
from gateway.vault import DataKey, Suite, Vault, context
from gateway.vault import vault as vault_module
from gateway.vault.folder import HIGHEST_NUMBER, KeyFolder

ROOT = bytes(range(32))
DAY = date(2026, 11, 22)
PLACE = context("page", "content", 1)


@pytest.fixture(params=Suite)
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    return Vault.create(tmp_path / "keys", suite=request.param, root_key=ROOT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def aes(folder: Path) -> Vault:
    return Vault.create(folder, suite=Suite.AES, root_key=ROOT)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "data").iterdir())


def test_each_purpose_has_its_own_key(vault: Vault, folder: Path) -> None:
    keys = [
        vault.page_key("wuhai", DAY),
        vault.page_key("wuhai", date(2026, 11, 23)),
        vault.page_key("hinggan", DAY),
        vault.claim_key("nm", DAY),
        vault.roster_key(),
    ]
    assert [key.number for key in keys] == [2, 3, 4, 5, 6]
    assert names(folder) == [
        "claims.nm.2026-11.5",
        "fingerprint.1",
        "pages.hinggan.2026-11-22.4",
        "pages.wuhai.2026-11-22.2",
        "pages.wuhai.2026-11-23.3",
        "roster.6",
    ]
    sealed = [key.seal(b"x", PLACE) for key in keys]
    for key, envelope in zip(keys, sealed, strict=True):
        assert vault.open(envelope, PLACE) == b"x"
        for other in keys:
            if other is not key:
                with pytest.raises(BrokenSeal):
                    other.open(envelope, PLACE)


def test_a_key_is_remembered_in_this_process_and_the_next(vault: Vault, folder: Path) -> None:
    key = vault.page_key("wuhai", DAY)
    assert vault.page_key("wuhai", DAY) is key
    assert vault.key(key.number) is key
    assert vault.claim_key("nm", date(2026, 11, 1)) is vault.claim_key("nm", date(2026, 11, 30))
    sealed = key.seal(b"x", PLACE)
    again = Vault.open_folder(folder, ROOT)
    assert again.suite is vault.suite
    assert again.open(sealed, PLACE) == b"x"
    assert again.page_key("wuhai", DAY).open(sealed, PLACE) == b"x"


def test_an_instant_names_the_same_key_as_its_day(aes: Vault) -> None:
    noon = datetime.fromisoformat("2026-11-22T12:00:00+08:00")
    assert aes.page_key("wuhai", noon) is aes.page_key("wuhai", DAY)


def test_a_key_another_process_made_is_found(aes: Vault, folder: Path) -> None:
    other = Vault.open_folder(folder, ROOT)
    sealed = other.page_key("wuhai", DAY).seal(b"x", PLACE)
    assert aes.open(sealed, PLACE) == b"x"
    assert aes.page_key("wuhai", DAY).number == other.page_key("wuhai", DAY).number


def test_fingerprints_and_digests_outlive_the_process(vault: Vault, folder: Path) -> None:
    again = Vault.open_folder(folder, ROOT)
    assert vault.fingerprint("id_number", "150999198005010012") == again.fingerprinter("id_number")(
        "150999198005010012"
    )
    assert vault.fingerprint("id_number", "x") != vault.fingerprint("name", "x")
    assert vault.digest_content(b"page") == again.digest_content(b"page")
    assert len(vault.digest_content(b"")) == 32


def test_two_sites_have_nothing_in_common(tmp_path: Path) -> None:
    one, two = (Vault.create(tmp_path / name, suite=Suite.AES, root_key=ROOT) for name in ("one", "two"))
    assert one.fingerprint("name", "x") != two.fingerprint("name", "x")
    with pytest.raises(BrokenSeal):
        two.open(one.roster_key().seal(b"x", PLACE), PLACE)


def test_files_are_closed_to_others_and_hold_nothing_in_the_clear(aes: Vault, folder: Path) -> None:
    aes.roster_key()
    for path in folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
        if path.is_file():
            assert ROOT not in path.read_bytes()
            assert ROOT.hex() not in path.read_text()


def test_the_vault_does_not_show_itself_or_leave_the_process(aes: Vault) -> None:
    assert repr(aes) == "<Vault>"
    with pytest.raises(TypeError, match="does not leave"):
        pickle.dumps(aes)


# Opening


def test_a_wrong_root_key_is_named_at_the_door_only(aes: Vault, folder: Path) -> None:
    with pytest.raises(WrongUse, match="root_key"):
        Vault.open_folder(folder, bytes(32))


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(31), bytes(33)])
def test_a_root_key_of_another_length_is_refused(folder: Path, key: bytes) -> None:
    with pytest.raises(WrongUse, match="32"):
        Vault.create(folder, suite=Suite.AES, root_key=key)
    assert not folder.exists()


def test_a_folder_without_a_vault_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="hubao keys init"):
        Vault.open_folder(tmp_path / "nowhere", ROOT)


def test_a_vault_is_never_overwritten(aes: Vault, folder: Path) -> None:
    with pytest.raises(WrongUse, match="不会覆盖"):
        Vault.create(folder, suite=Suite.SM4, root_key=ROOT)
    (folder / "vault.json").unlink()
    aes.roster_key()
    with pytest.raises(WrongUse, match="不会覆盖"):
        Vault.create(folder, suite=Suite.SM4, root_key=ROOT)


ABOUT_DAMAGE = {
    "empty": b"",
    "half": b'{"version":1,"suite":"aes",',
    "not UTF-8": b'{"version":1,"suite":"\xff"}',
    "version 2": b'{"version":2,"suite":"aes","root":1,"fingerprint":1,"created":"2026-11-22","check":""}',
    "another suite": b'{"suite":"des","root":1,"fingerprint":1,"created":"2026-11-22","check":""}',
    "a number too large": b'{"suite":"aes","root":70000,"fingerprint":1,"created":"2026-11-22","check":""}',
    "a list": b"[]",
}


@pytest.mark.parametrize("content", ABOUT_DAMAGE.values(), ids=ABOUT_DAMAGE.keys())
def test_a_damaged_vault_file_is_named(aes: Vault, folder: Path, content: bytes) -> None:
    (folder / "vault.json").write_bytes(content)
    with pytest.raises(WrongUse, match="已损坏"):
        Vault.open_folder(folder, ROOT)


@pytest.mark.parametrize("key", ["suite", "root", "check"])
def test_a_changed_vault_file_does_not_pass(aes: Vault, folder: Path, key: str) -> None:
    about = json.loads((folder / "vault.json").read_text())
    about[key] = {"suite": "sm4", "root": 2, "check": "zz"}[key]
    (folder / "vault.json").write_text(json.dumps(about))
    with pytest.raises(WrongUse, match="root_key"):
        Vault.open_folder(folder, ROOT)


def test_a_lost_fingerprint_key_is_never_made_anew(aes: Vault, folder: Path) -> None:
    (folder / "data" / "fingerprint.1").unlink()
    with pytest.raises(WrongUse, match="指纹密钥缺失"):
        Vault.open_folder(folder, ROOT)
    assert names(folder) == []


def test_a_folder_that_cannot_be_used_is_named(aes: Vault, folder: Path) -> None:
    (folder / "lock").unlink()
    (folder / "lock").mkdir()
    with pytest.raises(WrongUse, match="不可用"):
        aes.roster_key()
    (folder / "file").write_text("")
    with pytest.raises(WrongUse, match="不可用"):
        Vault.create(folder / "file" / "keys", suite=Suite.AES, root_key=ROOT)


# Key files


def swap(first: Path, second: Path) -> None:
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


def test_two_swapped_key_files_do_not_open(aes: Vault, folder: Path) -> None:
    keys = [aes.page_key("wuhai", DAY), aes.page_key("hinggan", DAY)]
    sealed = [key.seal(b"x", PLACE) for key in keys]
    swap(folder / "data" / "pages.wuhai.2026-11-22.2", folder / "data" / "pages.hinggan.2026-11-22.3")
    again = Vault.open_folder(folder, ROOT)
    for envelope in sealed:
        with pytest.raises(BrokenSeal):
            again.open(envelope, PLACE)


def other_suite(file: dict[str, object]) -> None:
    file["suite"] = "sm4" if file["suite"] == "aes" else "aes"


KEY_DAMAGE = {
    "another date": lambda file: file.update(created="2026-11-21"),
    "another purpose": lambda file: file.update(purpose="pages.hinggan.2026-11-22"),
    "another number": lambda file: file.update(number=3),
    "another version": lambda file: file.update(version=2),
    "another suite": other_suite,
    "a number too large": lambda file: file.update(number=2**32),
    "no hexadecimal": lambda file: file.update(wrapped="zz"),
    "too short": lambda file: file.update(wrapped=file["wrapped"][:60]),
    "a flipped bit": lambda file: file.update(
        wrapped=file["wrapped"][:-1] + "0123456789abcdef"[15 - int(file["wrapped"][-1], 16)]
    ),
    "nothing wrapped": lambda file: file.pop("wrapped"),
}


@pytest.mark.parametrize("damage", KEY_DAMAGE.values(), ids=KEY_DAMAGE.keys())
def test_a_changed_key_file_does_not_open(vault: Vault, folder: Path, damage) -> None:  # type: ignore[no-untyped-def]
    sealed = vault.page_key("wuhai", DAY).seal(b"x", PLACE)
    path = folder / "data" / "pages.wuhai.2026-11-22.2"
    file = json.loads(path.read_text())
    damage(file)
    path.write_text(json.dumps(file))
    assert_damaged(Vault.open_folder(folder, ROOT), sealed)


@pytest.mark.parametrize("content", [b"", b"\0" * 246, b"\xff\xfe", b"null", b"[" * 5000])
def test_a_key_file_of_something_else_does_not_open(aes: Vault, folder: Path, content: bytes) -> None:
    sealed = aes.page_key("wuhai", DAY).seal(b"x", PLACE)
    (folder / "data" / "pages.wuhai.2026-11-22.2").write_bytes(content)
    assert_damaged(Vault.open_folder(folder, ROOT), sealed)


def assert_damaged(vault: Vault, sealed: bytes) -> None:
    with pytest.raises(BrokenSeal):
        vault.open(sealed, PLACE)
    # A new key for the same purpose would hide that the old one is lost.
    with pytest.raises(BrokenSeal):
        vault.page_key("wuhai", DAY)
    assert [(key.number, key.intact) for key in vault.status()] == [(1, True), (2, False)]


@pytest.mark.parametrize("number", [0, 2, 99, HIGHEST_NUMBER])
def test_an_envelope_of_an_unknown_key_does_not_open(aes: Vault, number: int) -> None:
    stranger = DataKey(bytes(32), number=number, root=1, suite=Suite.AES)
    with pytest.raises(BrokenSeal):
        aes.open(stranger.seal(b"x", PLACE), PLACE)


@pytest.mark.parametrize("sealed", [b"", b"\1", bytes(19), bytes(35)])
def test_too_few_bytes_do_not_open(aes: Vault, sealed: bytes) -> None:
    with pytest.raises(BrokenSeal):
        aes.open(sealed, PLACE)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "a.b", "-a", "乌海", "a" * 65, "a\n", ".", "a b"])
def test_a_purpose_is_never_a_path(aes: Vault, folder: Path, name: str) -> None:
    for ask in (aes.page_key, aes.claim_key):
        with pytest.raises(WrongUse, match="小写"):
            ask(name, DAY)
    assert names(folder) == ["fingerprint.1"]


def test_files_that_are_no_keys_are_left_alone(aes: Vault, folder: Path) -> None:
    for name in ("README", "roster", "roster.0", "roster.01", "roster.99999999999", ".roster.7", "roster.7~"):
        (folder / "data" / name).write_text("x")
    assert aes.roster_key().number == 2
    assert [key.number for key in aes.status()] == [1, 2]


def test_status_lists_what_there_is(vault: Vault) -> None:
    vault.page_key("wuhai", DAY)
    listed = vault.status()
    assert [(key.number, key.purpose, key.suite, key.intact) for key in listed] == [
        (1, "fingerprint", vault.suite, True),
        (2, "pages.wuhai.2026-11-22", vault.suite, True),
    ]
    assert all(isinstance(key.created, date) for key in listed)


def test_memory_stays_flat_over_many_keys(aes: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "_MOST_KEYS_HELD", 3)
    sealed = [aes.page_key("wuhai", date(2026, 11, day)).seal(b"x", PLACE) for day in range(1, 9)]
    assert len(aes._held) <= 3
    assert [aes.open(envelope, PLACE) for envelope in sealed] == [b"x"] * 8
    assert [aes.page_key("wuhai", date(2026, 11, day)).number for day in range(1, 9)] == list(range(2, 10))


# Destruction


def test_a_destroyed_key_is_gone_for_every_process(vault: Vault, folder: Path) -> None:
    other = Vault.open_folder(folder, ROOT)
    kept = vault.page_key("hinggan", DAY).seal(b"kept", PLACE)
    key = vault.page_key("wuhai", DAY)
    sealed = key.seal(b"x", PLACE)
    assert other.open(sealed, PLACE) == b"x"
    assert vault.shred(key.number) is True
    for each in (vault, other, Vault.open_folder(folder, ROOT)):
        with pytest.raises(BrokenSeal):
            each.open(sealed, PLACE)
        assert each.open(kept, PLACE) == b"kept"
    assert vault.shred(key.number) is False


def test_a_destroyed_number_never_comes_back(aes: Vault, folder: Path) -> None:
    number = aes.page_key("wuhai", DAY).number
    aes.shred(number)
    anew = aes.page_key("wuhai", DAY).number
    assert anew > number
    aes.shred(anew)
    assert Vault.open_folder(folder, ROOT).page_key("wuhai", DAY).number > anew


def test_another_process_does_not_seal_under_a_destroyed_key(aes: Vault, folder: Path) -> None:
    other = Vault.open_folder(folder, ROOT)
    number = other.page_key("wuhai", DAY).number
    aes.shred(number)
    assert other.page_key("wuhai", DAY).number > number


@pytest.mark.parametrize("number", [-1, 0, 2, 99])
def test_a_number_never_given_out_cannot_be_destroyed(aes: Vault, number: int) -> None:
    with pytest.raises(WrongUse, match="没有编号"):
        aes.shred(number)


def test_the_fingerprint_key_cannot_be_destroyed(aes: Vault, folder: Path) -> None:
    with pytest.raises(WrongUse, match="指纹密钥"):
        aes.shred(1)
    assert names(folder) == ["fingerprint.1"]


def test_a_file_is_overwritten_before_it_is_removed(aes: Vault, folder: Path) -> None:
    number = aes.roster_key().number
    path = folder / "data" / f"roster.{number}"
    beside = folder / "same-file"
    beside.hardlink_to(path)
    length = path.stat().st_size
    aes.shred(number)
    assert beside.read_bytes() == bytes(length)


# Crashes


def test_an_interrupted_destruction_is_finished_by_the_next(aes: Vault, folder: Path) -> None:
    number = aes.roster_key().number
    going = folder / "data" / f".shredding.roster.{number}"
    (folder / "data" / f"roster.{number}").rename(going)
    again = Vault.open_folder(folder, ROOT)
    with pytest.raises(BrokenSeal):
        again.key(number)
    assert again.shred(number) is False
    assert names(folder) == ["fingerprint.1"]


def test_a_half_written_key_is_written_over(aes: Vault, folder: Path) -> None:
    (folder / "data" / ".writing").write_bytes(b'{"version":1,"number":2' * 100)
    (folder / ".writing").write_bytes(b"9" * 100)
    sealed = aes.roster_key().seal(b"x", PLACE)
    assert Vault.open_folder(folder, ROOT).open(sealed, PLACE) == b"x"
    assert names(folder) == ["fingerprint.1", "roster.2"]


@pytest.mark.parametrize(("counter", "expected"), [("7\n", 8), ("", 2), ("x", 2), ("1", 2), ("0", 2), (None, 2)])
def test_a_counter_ahead_leaves_a_gap_and_a_lost_one_is_found_from_the_names(
    aes: Vault, folder: Path, counter: str | None, expected: int
) -> None:
    path = folder / "last-number"
    path.unlink() if counter is None else path.write_text(counter)
    assert aes.roster_key().number == expected


def test_numbers_that_run_out_are_named(aes: Vault, folder: Path) -> None:
    (folder / "last-number").write_text(f"{HIGHEST_NUMBER}\n")
    with pytest.raises(WrongUse, match="用尽"):
        aes.roster_key()


def test_a_vault_half_made_is_made_again(aes: Vault, folder: Path) -> None:
    (folder / "vault.json").unlink()
    again = Vault.create(folder, suite=Suite.SM4, root_key=bytes(32))
    assert [(key.purpose, key.suite, key.intact) for key in again.status()] == [("fingerprint", Suite.SM4, True)]


def test_a_key_is_durable_before_it_is_used(aes: Vault, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(descriptor: int) -> None:
        fsync(descriptor)
        steps.append("sync " + Path(f"/proc/self/fd/{descriptor}").readlink().name)

    def watched_replace(path: Path, target: Path) -> Path:
        steps.append("name " + Path(target).name)
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    aes.roster_key()
    assert steps == [
        *("sync .writing", "name last-number", "sync keys"),
        *("sync .writing", "name roster.2", "sync data"),
    ]
    steps.clear()
    # A finder cannot know whether the maker lived long enough to flush the name.
    Vault.open_folder(folder, ROOT).roster_key()
    assert steps == ["sync data"]


# Many at once

ASK = """
import random, sys
from datetime import date
from pathlib import Path
from gateway.vault import Vault, context
vault = Vault.open_folder(Path(sys.argv[1]), bytes(range(32)))
days = list(range(1, 21))
random.Random(int(sys.argv[2])).shuffle(days)
print("ready", flush=True)
sys.stdin.readline()
for day in days:
    key = vault.page_key("wuhai", date(2026, 11, day))
    print(day, key.number, key.seal(b"x", context("page", "content", day)).hex(), flush=True)
"""


def asker(folder: Path, seed: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ASK, str(folder), str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def start(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


@pytest.fixture
def askers(aes: Vault, folder: Path) -> Iterator[list[subprocess.Popen[str]]]:
    processes = [asker(folder, seed) for seed in range(4)]
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def answers(process: subprocess.Popen[str]) -> list[tuple[int, int, bytes]]:
    lines = process.communicate(timeout=60)[0].splitlines()
    whole = [line.split() for line in lines if line.count(" ") == 2]
    return [(int(day), int(number), bytes.fromhex(sealed)) for day, number, sealed in whole]


def test_processes_that_ask_at_once_get_the_same_keys(
    aes: Vault, folder: Path, askers: list[subprocess.Popen[str]]
) -> None:
    start(askers)
    got = [answer for process in askers for answer in answers(process)]
    assert len(got) == 80
    numbers = {day: {number for asked, number, _ in got if asked == day} for day in range(1, 21)}
    assert all(len(given) == 1 for given in numbers.values())
    assert sorted(number for given in numbers.values() for number in given) == list(range(2, 22))
    for day, _, sealed in got:
        assert aes.open(sealed, context("page", "content", day)) == b"x"
    assert len(names(folder)) == 21


def test_processes_killed_in_the_middle_leave_whole_keys(
    aes: Vault, folder: Path, askers: list[subprocess.Popen[str]]
) -> None:
    start(askers)
    for process, wait in zip(askers, (0.002, 0.005, 0.01, 0.02), strict=True):
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
    got = [answer for process in askers for answer in answers(process)]
    for day, number, sealed in got:
        assert aes.page_key("wuhai", date(2026, 11, day)).number == number
        assert aes.open(sealed, context("page", "content", day)) == b"x"
    for day in range(1, 21):
        aes.page_key("wuhai", date(2026, 11, day))
    listed = aes.status()
    assert all(key.intact for key in listed)
    assert len({key.purpose for key in listed}) == len(listed) == 21


def test_threads_that_ask_at_once_get_the_same_key(aes: Vault, folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: aes.roster_key(), range(32)))
    assert {key.number for key in keys} == {2}
    assert names(folder) == ["fingerprint.1", "roster.2"]


def test_two_that_make_a_vault_at_once_make_one(folder: Path) -> None:
    def create(root: int) -> Vault | None:
        try:
            return Vault.create(folder, suite=Suite.AES, root_key=bytes([root]) * 32)
        except WrongUse:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = [vault for vault in pool.map(create, range(4)) if vault is not None]
    assert len(made) == 1
    assert [key.intact for key in made[0].status()] == [True]


def test_the_lock_is_given_back_after_an_error(aes: Vault, folder: Path) -> None:
    files = KeyFolder(folder)
    with pytest.raises(RuntimeError), files.exclusive():
        raise RuntimeError
    with pytest.raises(WrongUse, match="不可用"), files.exclusive():
        raise OSError(28, "No space left on device")
    assert aes.roster_key().number == 2
