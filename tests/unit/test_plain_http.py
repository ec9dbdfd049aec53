"""What may cross a network unencrypted: nothing, unless a file says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import BadSettings
from gateway.settings.plain_http import is_this_machine, not_allowed, reminders
from gateway.settings.shipped import write_site
from gateway.settings.site import Site
from gateway.wiring import load_site, readiness

FEED, ASSOCIATION = "config/feeds/wuhai.toml", "config/associations/nm.toml"


def site_with(folder: Path, file: str, was: str, now: str) -> Site:
    write_site(folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert was in text
    (folder / file).write_text(text.replace(was, now, 1), encoding="utf-8")
    return load_site(folder)


def told(site: Site) -> tuple[list[str], list[str]]:
    """(file and key of what is refused, of what is reminded of)."""
    refused = not_allowed(site.feeds, site.associations)
    reminded = reminders(site.gateway, site.feeds, site.associations)
    return [f"{one.file} {one.key}" for one in refused], [f"{one.file} {one.key}" for one in reminded]


PLACES = [
    (FEED, 'address = "http://127.0.0.1:8621"', f"{FEED} connector.address"),
    (ASSOCIATION, 'address = "http://127.0.0.1:8610"', f"{ASSOCIATION} delivery.address"),
]


@pytest.mark.parametrize(("file", "was", "place"), PLACES)
@pytest.mark.parametrize("host", ["10.1.2.3", "line.test", "[2001:db8::1]", "127.0.0.1.line.test", "0.0.0.0"])
def test_plain_http_to_another_machine_is_refused_by_name(
    tmp_path: Path, file: str, was: str, place: str, host: str
) -> None:
    site = site_with(tmp_path, file, was, f'address = "http://{host}:80"')
    assert told(site) == ([place], [])
    assert place in [f"{finding.file} {finding.key}" for finding in readiness(site)], "check names it"


@pytest.mark.parametrize(("file", "was", "place"), PLACES)
def test_a_line_that_has_no_tls_is_allowed_with_its_reason_and_told_of(
    tmp_path: Path, file: str, was: str, place: str
) -> None:
    site = site_with(tmp_path, file, was, 'address = "http://10.1.2.3"\ninsecure_http = "医保专线，没有 TLS"')
    assert told(site) == ([], [place])
    assert "医保专线" in str(reminders(site.gateway, site.feeds, site.associations)[0])


@pytest.mark.parametrize("address", ["https://10.1.2.3", "http://127.0.0.2:80", "http://localhost", "http://[::1]:80"])
@pytest.mark.parametrize(("file", "was", "place"), PLACES)
def test_what_is_encrypted_or_stays_on_this_machine_is_fine(
    tmp_path: Path, file: str, was: str, place: str, address: str
) -> None:
    assert told(site_with(tmp_path, file, was, f'address = "{address}"')) == ([], [])


def test_a_yes_without_a_reason_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="insecure_http"):
        site_with(tmp_path, *PLACES[0][:2], 'address = "http://10.1.2.3"\ninsecure_http = true')


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "::"])
def test_listening_beyond_this_machine_is_told_of_unless_a_reason_stands_there(tmp_path: Path, host: str) -> None:
    site = site_with(tmp_path, "config/gateway.toml", 'listen_host = "127.0.0.1"', f'listen_host = "{host}"')
    assert told(site) == ([], ["config/gateway.toml listen_host"])
    toml = tmp_path / "config/gateway.toml"
    toml.write_text('insecure_http = "TLS 由防火墙终结"\n' + toml.read_text(encoding="utf-8"), encoding="utf-8")
    assert told(load_site(tmp_path)) == ([], [])


def test_this_machine_is_known_by_number_and_by_name() -> None:
    assert [is_this_machine(host) for host in ("localhost", "127.1.2.3", "::1", "")] == [True, True, True, False]
