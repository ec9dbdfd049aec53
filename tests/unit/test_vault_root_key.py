"""The root key file: made once, readable by its owner only, refused with a message that says what to do."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gateway.errors import WrongUse
from gateway.vault import make_root_key, parse_root_key, read_root_key_file, write_root_key


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "root.key"
    key = write_root_key(path)
    assert len(key) == 32
    assert read_root_key_file(path) == key
    assert path.read_text() == key.hex() + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_no_two_keys_are_the_same() -> None:
    assert len({make_root_key() for _ in range(50)}) == 50


def test_a_root_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    key = write_root_key(path)
    with pytest.raises(WrongUse, match="已存在"):
        write_root_key(path)
    assert read_root_key_file(path) == key


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongUse, match="无法写入"):
        write_root_key(tmp_path / "file" / "root.key")


def test_a_disk_that_fails_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(WrongUse, match="No space left"):
        patched.setattr(os, "fsync", full)
        write_root_key(tmp_path / "root.key")
    assert len(write_root_key(tmp_path / "root.key")) == 32


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o601])
def test_a_file_open_to_others_is_refused_with_the_command_that_helps(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "root.key"
    write_root_key(path)
    path.chmod(mode)
    with pytest.raises(WrongUse, match=f"chmod 600 {path}"):
        read_root_key_file(path)


def test_a_read_only_file_of_its_owner_will_do(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    key = write_root_key(path)
    path.chmod(0o400)
    assert read_root_key_file(path) == key


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="hubao keys init"):
        read_root_key_file(tmp_path / "root.key")


def test_space_around_the_digits_and_capitals_will_do() -> None:
    assert parse_root_key("  " + "AB" * 32 + " \r\n") == b"\xab" * 32


NOT_KEYS = {
    "empty": "",
    "too short": "ab" * 31,
    "too long": "ab" * 33,
    "odd": "a" * 63,
    "not hexadecimal": "g" * 64,
    "full-width digits": "１" * 64,
    "inner space": "ab " * 21 + "a",
    "prefix": "0x" + "a" * 62,
    "two lines": "ab" * 16 + "\n" + "ab" * 16,
    "replacement characters": "�" * 64,
}


@pytest.mark.parametrize("text", NOT_KEYS.values(), ids=NOT_KEYS.keys())
def test_anything_else_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(WrongUse, match="64") as caught:
        parse_root_key(text)
    assert not text or text not in str(caught.value)


def test_a_binary_file_is_refused_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    path.write_bytes(bytes(range(256)))
    path.chmod(0o600)
    with pytest.raises(WrongUse, match="64"):
        read_root_key_file(path)
