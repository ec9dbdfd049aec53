"""A draft of a feed: checked, switched off, and never over what is there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner
from unknown_leagues import LEAGUES

from gateway.cli.main import app
from gateway.errors import BadSettings, WrongUse
from gateway.settings.scaffold import FeedDraft, write_drafts
from gateway.settings.shipped import write_new_site
from gateway.wiring import draft_of, load_site, readiness


def draft(**changes: object) -> FeedDraft:
    told = {"feed": "north", "kind": "push", "name": "北方", "region": "150999", "association": "nm", **changes}
    return FeedDraft(**told)  # type: ignore[arg-type]


def test_a_draft_is_switched_off_and_stops_no_check(tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_new_site(site)
    sample = tmp_path / "day.txt"
    sample.write_bytes(next(league.content for league in LEAGUES if league.name == "headerless"))
    args = ["--site", str(site), "feed", "new", "north", "--kind", "folder", "--region", "150999"]
    wanted = CliRunner().invoke(app, [*args, "--set", "pattern=js_*.txt", "--sample", str(sample)])
    assert wanted.exit_code == 0, wanted.output
    spec = load_site(site).feeds["north"]
    assert (spec.enabled, spec.intake, spec.mapping) == (False, "pull", "north")
    assert not [finding for finding in readiness(load_site(site)) if "north" in finding.file]
    assert CliRunner().invoke(app, ["--site", str(site), "feed", "test", "north"]).exit_code == 0
    # Switched on as it is, its agreement has run out.
    file = site / "config/feeds/north.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("enabled = false", "enabled = true"), encoding="utf-8")
    assert "legal.expires" in [finding.key for finding in readiness(load_site(site)) if "north" in finding.file]


def test_an_option_that_must_be_told_is_asked_for() -> None:
    with pytest.raises(BadSettings, match="facility_no"):
        draft_of(draft(kind="cloud-line"))
    text = draft_of(draft(kind="cloud-line", options={"facility_no": "H15099900001", "people_per_page": "50"}))
    assert tomllib.loads(text)["connector"]["people_per_page"] == 50


def test_an_unknown_kind_or_option_says_what_there_is() -> None:
    with pytest.raises(WrongUse, match="push"):
        draft_of(draft(kind="pigeon"))
    with pytest.raises(WrongUse, match="secret"):
        draft_of(draft(options={"colour": "red"}))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine", encoding="utf-8")
    with pytest.raises(WrongUse, match="b"):
        write_drafts(tmp_path, {"a": "1", "b": "2"})
    assert not (tmp_path / "a").exists()
