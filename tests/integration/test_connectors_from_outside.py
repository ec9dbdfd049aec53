"""The how-to of connectors/README.md works as it is written: its two connectors, which are not in the package, take a
night's settlements in and hand the claims over, with nothing but their files, a line in a registry and settings."""

from __future__ import annotations

import re
import sys
import types
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
import respx
from builders import adds_up, claims, content, enrolled, row

from connectors.registry import REGISTRY
from connectors.transport import webhook
from gateway import wiring
from gateway.errors import BadSettings, NotAuthentic
from gateway.flow.intake.night import run_night
from gateway.flow.office import Office
from gateway.ports import Registry
from gateway.settings.json_schema import schemas
from gateway.settings.shipped import write_site
from gateway.settings.site import Site, warnings

if TYPE_CHECKING:
    from conftest import Hands

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8699/settlements"
PAGES = {"0": (content([row("A1", 1), row("A2", 2)]), "7"), "7": (content([row("A3", 3)]), "9"), "9": (b"", "9")}


def blocks() -> dict[str, str]:
    """The files of the how-to by their names."""
    text = (ROOT / "connectors" / "README.md").read_text(encoding="utf-8")
    return dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", text, re.DOTALL))


def module(name: str) -> Any:
    """A connector of the how-to, outside the package."""
    made = types.ModuleType(f"outside_{Path(name).stem}")
    sys.modules[made.__name__] = made
    exec(compile(blocks()[name], name, "exec"), made.__dict__)
    return made


@pytest.fixture(scope="module")
def registry() -> Registry:
    daily = module("connectors/feeds/daily_url.py")
    folder = module("connectors/associations/claim_folder.py")
    return Registry(
        feeds={**REGISTRY.feeds, "daily-url": daily.WAY},
        deliveries={**REGISTRY.deliveries, "claim-folder": folder.WAY},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A site with the two settings files of the how-to."""
    site = tmp_path / "site"
    write_site(site)
    for file in (site / "config" / "feeds").glob("*.toml"):
        file.unlink()
    for name in ("config/feeds/daily.toml", "config/associations/nm.toml"):
        (site / name).write_text(blocks()[name], encoding="utf-8")
    return site


@pytest.fixture
def site(path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("HUBAO_DAILY_TOKEN", "a-token-for-tests")
    (path / "data" / "claims").mkdir()
    return wiring.load_site(path, registry)


@pytest.fixture
def office(site: Site, clock: Hands) -> Iterator[Office]:
    wiring.make_keys(site)
    office = wiring.office_of(site, clock=clock)
    yield office
    office.store.close()


def league(request: httpx.Request) -> httpx.Response:
    assert request.headers["authorization"] == "Bearer a-token-for-tests"
    content, following = PAGES[request.url.params["after"]]
    return httpx.Response(200, content=content, headers={"x-next-cursor": following})


@respx.mock
def test_a_night_with_them(office: Office, clock: Hands) -> None:
    route = respx.get(url__startswith=ADDRESS).mock(side_effect=league)
    enrolled(office, 1, 2)
    report = run_night(office, wiring.doors())
    assert not report.failed
    assert [(feed.outcome, feed.pages) for feed in report.feeds] == [("done", 2)]
    assert adds_up(office) == {"member": 2, "stranger": 1}
    files = sorted((office.site / "data" / "claims").iterdir())
    assert [file.name for file in files] == sorted(f"{claim['claim_id']}-v1.json" for claim in claims(office))
    assert {msgspec.json.decode(file.read_bytes())["claim_id"] for file in files} == {
        claim["claim_id"] for claim in claims(office)
    }
    assert route.call_count == 3
    # The next night begins behind the cursor, and hands nothing over twice.
    clock.move(days=1)
    assert [(feed.outcome, feed.pages) for feed in run_night(office, wiring.doors()).feeds] == [("done", 0)]
    assert route.call_count == 4
    assert sorted((office.site / "data" / "claims").iterdir()) == files


def test_check_asks_their_secrets_and_addresses(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBAO_NM_REQUESTS_SECRET", "hunter2-is-no-webhook-secret")
    monkeypatch.delenv("HUBAO_DAILY_TOKEN")
    wiring.make_keys(site)
    found = [(finding.file, finding.key) for finding in wiring.readiness(site)]
    assert found == [("config/feeds/daily.toml", "connector.token"), ("config/associations/nm.toml", "requests.secret")]
    assert "hunter2" not in str(wiring.readiness(site))
    (site.path / "data" / "claims").rmdir()
    with respx.mock:
        respx.get(url__startswith=ADDRESS).mock(side_effect=httpx.ConnectError("no"))
        unreachable = [file for file, _ in wiring.unreachable(site)]
    assert unreachable == ["config/feeds/daily.toml", "config/associations/nm.toml"]


def test_their_files_are_checked_like_those_of_the_house(path: Path, registry: Registry) -> None:
    file = path / "config" / "feeds" / "daily.toml"
    spoilt = file.read_text(encoding="utf-8").replace("env:HUBAO_DAILY_TOKEN", "hunter2").replace("http:", "ftp:")
    file.write_text(spoilt.replace("[schedule]", "timeout_seconds = 301\nuser = 1\n[schedule]"), encoding="utf-8")
    with pytest.raises(BadSettings) as refused:
        wiring.load_site(path, registry)
    keys = {finding.key for finding in refused.value.findings if finding.file == "config/feeds/daily.toml"}
    assert keys == {f"connector.daily-url.{key}" for key in ("address", "token", "timeout_seconds", "user")}
    assert "hunter2" not in str(refused.value)


def test_editors_know_their_options(registry: Registry) -> None:
    texts = schemas(registry)
    table = texts["feed"]["$defs"]["DailyUrl"]
    assert table["description"] == "One address that answers with the settlements after a cursor."
    assert table["required"] == ["kind", "address", "token"]
    mapping = texts["association"]["properties"]["delivery"]["discriminator"]["mapping"]
    assert set(mapping) == {"http-json", "pull", "fhir-claim", "file-drop", "file-drop-sftp", "claim-folder"}


def test_a_way_without_a_secret_still_has_an_api_for_its_association(
    path: Path, registry: Registry, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = f"whsec_{b64encode(bytes(32)).decode()}"
    monkeypatch.setenv("HUBAO_NM_REQUESTS_SECRET", secret)
    site = wiring.load_site(path, registry)
    wiring.make_keys(site)
    office = wiring.office_of(site, clock=clock)
    headers = webhook.sign(secret, message_id="m1", timestamp=int(clock().timestamp()), body=b"{}")
    assert wiring.verifier(office, "nm")(headers, b"{}", clock()) == "m1"
    office.store.close()


def test_a_way_without_a_secret_has_none_to_fall_back_on(path: Path, registry: Registry, clock: Hands) -> None:
    file = path / "config" / "associations" / "nm.toml"
    file.write_text(file.read_text(encoding="utf-8").partition("[requests]")[0], encoding="utf-8")
    site = wiring.load_site(path, registry)
    assert warnings(site.associations) == []
    wiring.make_keys(site)
    office = wiring.office_of(site, clock=clock)
    # Whoever signs no requests is asked like anybody else, and nothing proves them.
    secret = f"whsec_{b64encode(bytes(32)).decode()}"
    headers = webhook.sign(secret, message_id="m1", timestamp=int(clock().timestamp()), body=b"{}")
    with pytest.raises(NotAuthentic):
        wiring.verifier(office, "nm")(headers, b"{}", clock())
    office.store.close()
