"""Files that are broken are told in words, never by a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import BadSettings, Unavailable
from gateway.settings.files import read_toml
from gateway.store import schema
from gateway.store.engine import open_store

BROKEN = {
    "arrays": ("a = " + "[" * 20_000 + "]" * 20_000, "嵌套过深"),
    "tables": ("a = " + "{a = " * 20_000 + "1" + "}" * 20_000, "嵌套过深"),
    "decimal": ("a = " + "9" * 200_000, "整数过长"),
    "negative": ("a = -" + "9" * 200_000, "整数过长"),
    "hexadecimal": ("a = 0x" + "f" * 200_000, "整数过长"),
    "inside": ("[a]\nb = [{ c = 0x" + "f" * 17 + " }]", "整数过长"),
}


@pytest.mark.parametrize(("text", "told"), BROKEN.values(), ids=BROKEN.keys())
def test_settings_nobody_can_read_are_a_finding(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "x.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings, match=told) as refused:
        read_toml(file, shown_as="config/x.toml")
    assert [finding.file for finding in refused.value.findings] == ["config/x.toml"]
    assert len(str(refused.value)) < 200


def test_the_largest_integers_of_toml_are_read(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(f"a = {2**63 - 1}\nb = {-(2**63)}", encoding="utf-8")
    assert read_toml(file, shown_as="x") == {"a": 2**63 - 1, "b": -(2**63)}


@pytest.mark.parametrize("kind", ["no database", "a torn page"])
def test_a_corrupt_database_file_is_told_in_words(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "x.db"
    store = open_store(f"sqlite:///{file}", site=tmp_path)
    if kind == "a torn page":
        with store.write() as tx:
            schema.metadata.create_all(tx)
    store.close()
    whole = file.read_bytes()
    file.write_bytes(b"\x7f" * 8192 if kind == "no database" else whole[:100] + b"\x7f" * (len(whole) - 100))
    store = open_store(f"sqlite:///{file}", site=tmp_path)
    with pytest.raises(Unavailable, match="已损坏"), store.read() as tx:
        tx.execute(schema.page.select()).all()
    store.close()
