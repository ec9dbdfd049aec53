"""What is shipped for servers: an ordinary user, what may be written named, and files their programs accept."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "config/deploy"


def unit() -> configparser.SectionProxy:
    parsed = configparser.RawConfigParser(strict=False)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read(DEPLOY / "hubao.service", encoding="utf-8")
    return parsed["Service"]


def test_the_service_is_an_ordinary_user_that_writes_two_folders() -> None:
    service = unit()
    assert service["User"] == "hubao"
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"].split() == ["/srv/hubao/data", "/srv/hubao/keys"]
    assert service["NoNewPrivileges"] == "yes" and service["CapabilityBoundingSet"] == ""
    assert service["LimitCORE"] == "0" and service["UMask"] == "0077"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd-analyze on this machine")
    copied = tmp_path / "hubao.service"
    text = (DEPLOY / "hubao.service").read_text(encoding="utf-8")
    copied.write_text(text.replace("/opt/hubao/bin/hubao", "/bin/true"), encoding="utf-8")
    done = subprocess.run([verify, "verify", str(copied)], capture_output=True, text=True, check=False)
    assert "hubao.service" not in done.stderr, done.stderr


def test_the_container_ends_as_an_ordinary_user() -> None:
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    assert "USER hubao" in lines
    assert lines.index("USER hubao") > max(at for at, line in enumerate(lines) if line.startswith("RUN"))


def test_proxies_pass_on_that_it_was_https_and_log_no_query() -> None:
    nginx = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert "X-Forwarded-Proto https" in nginx
    assert "$request_uri" not in nginx and '$request"' not in nginx and "$args" not in nginx
    assert 'request>uri regexp \\?.* ""' in (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
