"""config/schema/*.schema.json are what the specifications say today, and agree with them about real files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from connectors.registry import REGISTRY
from gateway import wiring
from gateway.settings import json_schema

ROOT = Path(__file__).parents[2]
KINDS = json_schema.file_kinds(REGISTRY)
FOLDERS = {
    "association": "config/associations",
    "feed": "config/feeds",
    "gateway": "config",
    "mapping": "mappings",
    "scheme": "config/schemes",
}


def shipped(kind: str) -> list[Path]:
    return [path for path in sorted((ROOT / FOLDERS[kind]).glob("*.toml")) if not path.name.endswith(".test.toml")]


@pytest.mark.parametrize("name", sorted(json_schema.schema_texts(REGISTRY)))
def test_committed_schema_is_up_to_date(name: str) -> None:
    committed = ROOT / "config/schema" / name
    assert committed.is_file(), "run make schemas"
    assert committed.read_text(encoding="utf-8") == json_schema.schema_texts(REGISTRY)[name], "run make schemas"


def test_no_schema_is_left_over() -> None:
    assert {path.name for path in (ROOT / "config/schema").iterdir()} == set(json_schema.schema_texts(REGISTRY))


def test_writing_changes_only_what_differs(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "schema"
    assert len(wiring.write_schemas(folder)) == len(KINDS) + 1 == len(json_schema.schema_texts(REGISTRY))
    assert wiring.write_schemas(folder) == []
    (folder / "feed.schema.json").write_text("{}", encoding="utf-8")
    assert [path.name for path in wiring.write_schemas(folder)] == ["feed.schema.json"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_schema_is_closed_and_names_every_key(kind: str) -> None:
    schema = json_schema.schemas(REGISTRY)[kind]
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {_key(name, field) for name, field in KINDS[kind].model_fields.items()}


@pytest.mark.parametrize("kind", ["feed", "mapping", "scheme", "association"])
def test_schema_knows_the_keys_of_shipped_files(kind: str) -> None:
    files = shipped(kind)
    assert files
    schema = json_schema.schemas(REGISTRY)[kind]
    for path in files:
        keys = set(tomllib.loads(path.read_text(encoding="utf-8")))
        assert keys <= set(schema["properties"]), path.name
        assert set(schema.get("required", ())) <= keys, path.name


def _key(name: str, field: Any) -> str:
    return str(field.validation_alias or field.alias or name)
