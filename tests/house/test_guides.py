"""Every guide that administrators read has a Chinese and an English edition, which name the same keys; links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDES = ("config", "config/schemes", "mappings", "connectors")
"""Folders with a README.md in English and a README.zh-CN.md beside it."""

_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_CODE = re.compile(r"`[^`\n]+`")


def keys_of_tables(text: str) -> set[str]:
    """What stands as code in the first cell of a table's rows."""
    rows = (line for line in text.splitlines() if line.startswith("|"))
    return {code for row in rows for code in _CODE.findall(row.split("|")[1])}


@pytest.mark.parametrize("folder", GUIDES)
def test_both_editions_name_the_same_keys(folder: str) -> None:
    english, chinese = (
        keys_of_tables((ROOT / folder / name).read_text(encoding="utf-8")) for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese
    assert english or folder == "connectors"


@pytest.mark.parametrize("folder", GUIDES)
def test_the_chinese_edition_is_chinese(folder: str) -> None:
    text = _CODE.sub(
        "", re.sub(r"```.*?```", "", (ROOT / folder / "README.zh-CN.md").read_text("utf-8"), flags=re.DOTALL)
    )
    assert len(re.findall("[\u4e00-\u9fff]", text)) > 10 * len(re.findall(r"\b[a-z]{3,}\b", text))


@pytest.mark.parametrize("folder", [*GUIDES, "."])
@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_links_lead_somewhere(folder: str, name: str) -> None:
    file = ROOT / folder / name
    links = _LINK.findall(file.read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (file.parent / link).exists()]
