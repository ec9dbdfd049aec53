"""Guides that administrators read: a Chinese and an English edition, which name the same keys; links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from connectors.registry import REGISTRY
from gateway.settings.feeds import FeedSpec
from gateway.settings.gateway import GatewaySpec

ROOT = Path(__file__).parents[2]
GUIDES = ("config", "config/schemes", "mappings", "connectors")
"""Folders with a README.md in English and a README.zh-CN.md beside it."""
EDITIONS = ("README.md", "README.zh-CN.md")

_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_CODE = re.compile(r"`[^`\n]+`")


def keys_of_tables(text: str) -> set[str]:
    """What stands as code in the first cell of a table's rows, whatever stands for the reader's own names."""
    rows = (line for line in text.splitlines() if line.startswith("|"))
    return {re.sub("<[^>]*>", "<>", code.strip("`")) for row in rows for code in _CODE.findall(row.split("|")[1])}


@pytest.mark.parametrize("folder", GUIDES)
def test_both_editions_name_the_same_keys(folder: str) -> None:
    english, chinese = (keys_of_tables((ROOT / folder / name).read_text(encoding="utf-8")) for name in EDITIONS)
    assert english == chinese
    assert english or folder == "connectors"


@pytest.mark.parametrize("folder", GUIDES)
def test_the_chinese_edition_is_chinese(folder: str) -> None:
    text = (ROOT / folder / "README.zh-CN.md").read_text(encoding="utf-8")
    text = _CODE.sub("", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    assert len(re.findall("[\u4e00-\u9fff]", text)) > 10 * len(re.findall(r"\b[a-z]{3,}\b", text))


def keys_of(spec: Any, before: str = "") -> set[str]:
    """Every key of a settings file, those of its tables with the table's name in front."""
    keys: set[str] = set()
    for name, field in spec.model_fields.items():
        is_table = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        keys |= keys_of(field.annotation, f"{before}{name}.") if is_table else {before + name}
    return keys


@pytest.mark.parametrize("name", EDITIONS)
def test_every_key_of_the_settings_is_told(name: str) -> None:
    text = (ROOT / "config" / name).read_text(encoding="utf-8")
    wanted = keys_of(GatewaySpec) | keys_of(FeedSpec) | {"schedule.at", "schedule.until"}
    assert not wanted - {"connector", "schedule"} - keys_of_tables(text)
    options = {option for way in REGISTRY.feeds.values() for option in way.spec.__struct_fields__}
    assert not [option for option in options if f"`{option}`" not in text]


@pytest.mark.parametrize("folder", [*GUIDES, "."])
@pytest.mark.parametrize("name", EDITIONS)
def test_links_lead_somewhere(folder: str, name: str) -> None:
    file = ROOT / folder / name
    links = _LINK.findall(file.read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (file.parent / link).exists()]
