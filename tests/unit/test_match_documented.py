"""The README of the matching names every level, and every reason follows from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from match_builders import NUMBER, member, model, record

from gateway.core.match import LEVELS, match

README = (Path(__file__).resolve().parents[2] / "gateway" / "core" / "match" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("level", sorted({level for levels in LEVELS.values() for level in levels}))
def test_every_level_is_documented(level: str) -> None:
    assert f"`{level}`" in README


@pytest.mark.parametrize("number", [NUMBER, None, NUMBER[:14] + "****", NUMBER[:17] + "*", "E12345678"])
@pytest.mark.parametrize("name", ["李伟国", "李?国", "王芳", None])
def test_every_reason_is_a_level_or_documented(number: str | None, name: str | None) -> None:
    reasons = match(record(id_number=number, name=name, sex="F"), [member()], model()).reasons
    from_levels = {f"{field}_{level}" for field in ("id_number", "name") for level in LEVELS[field]}
    assert all(reason in from_levels or f"`{reason}`" in README for reason in reasons)
