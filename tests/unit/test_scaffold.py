"""A draft of a feed: checked, switched off, and never over what is there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner
from unknown_leagues import LEAGUES

from connectors.transport import webhook
from gateway.cli.main import app
from gateway.errors import BadSettings, WrongUse
from gateway.settings.scaffold import FeedDraft, write_drafts
from gateway.settings.shipped import add_feed, write_new_site
from gateway.wiring import draft_of, load_site, new_webhook_secret, push_tried, readiness


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


def test_whoever_is_at_a_terminal_is_asked_for_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    write_new_site(site)
    answers = [
        "cloud",
        "cloud-line",
        "150999",
        "云专线",
        "办事处",
        "",
        "预填补助申领",
        "2099-12-31",
        "",
        *["H15099900001"] * 9,
    ]
    monkeypatch.setattr("gateway.cli.drafting.stands_at_terminal", lambda: True)
    done = CliRunner().invoke(app, ["--site", str(site), "feed", "new"], input="\n".join([*answers, ""]))
    assert done.exit_code == 0, done.output
    spec = load_site(site).feeds["cloud"]
    assert (spec.enabled, spec.connector.kind, spec.region, spec.owner) == (False, "cloud-line", "150999", "办事处")
    # An empty answer leaves what is to be filled in, which the gate asks for.
    assert spec.legal.agreement == "待填"
    assert spec.legal.expires.isoformat() == "2099-12-31"


def test_a_day_that_is_none_is_refused() -> None:
    for day in ("明年", "2027-01-01\nenabled = true"):
        with pytest.raises(WrongUse, match="YYYY-MM-DD"):
            draft_of(draft(expires=day))


def test_a_captured_push_is_proved_and_what_is_signed_is_shown(tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_new_site(site)
    add_feed(site, "bayannur")
    secret = new_webhook_secret()
    place = site / load_site(site).feeds["bayannur"].connector.options.secrets()[0].name.removeprefix("file:")
    place.parent.mkdir(exist_ok=True)
    place.touch(mode=0o600)
    place.write_text(secret, encoding="utf-8")
    body, checked = '{"姓名":"测试甲"}'.encode(), load_site(site)
    headers = webhook.sign(secret, message_id="m1", timestamp=1_700_000_000, body=body)

    def tried(body: bytes, headers: dict[str, str]) -> str:
        pushed = push_tried(checked, "bayannur", body, headers)
        assert pushed is not None
        exchange, problem = pushed
        assert secret not in repr(exchange.signed)
        assert "测试甲" not in repr(exchange.signed)
        return exchange.signed[0] + problem

    assert tried(body, headers) == f"m1.1700000000.‹报文 body, {len(body)} bytes›"
    assert "webhook-signature" in tried(body + b" ", headers)
    assert "webhook-id" in tried(body, {"webhook-timestamp": "1700000000"})
    assert tried(body, {}).startswith("‹id›.‹秒›.")
    add_feed(site, "hinggan")
    assert push_tried(load_site(site), "hinggan", body, headers) is None
