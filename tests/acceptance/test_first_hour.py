"""Somebody's first hour: the wheel, an empty environment, a site of his own, and no checkout anywhere near.

The packages the gateway needs are borrowed from the environment of the tests, because tests use no network; the
gateway itself comes from the wheel.
"""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import sysconfig
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from stage import SECRETS, rewrite, surroundings

ROOT = Path(__file__).parents[2]


class Newcomer:
    """An environment with the wheel in it, and a folder to work in whose name is as people's folders are."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.home = folder / "我的 文件夹"
        self.home.mkdir()
        environment = folder / "environment"
        python = [sys.executable, "-m"]
        run(*python, "venv", "--without-pip", str(environment))
        run(*python, "pip", "--python", str(environment / "bin" / "python"), *INSTALL, str(wheel))
        installed = run(
            str(environment / "bin" / "python"), "-c", "import sysconfig as s; print(s.get_path('purelib'))"
        )
        (Path(installed.strip()) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        self.program = environment / "bin" / "hubao"

    def hubao(self, *arguments: str, secrets: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """One command, in the newcomer's folder."""
        return subprocess.run(
            [str(self.program), *arguments],
            cwd=self.home,
            env=surroundings() | (secrets or {}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def answer(self, *arguments: str, code: int = 0, secrets: dict[str, str] | None = None) -> Any:
        """The JSON answer of a command that ends with this code."""
        done = self.hubao(*arguments, "--json", secrets=secrets)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])


INSTALL = ("install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")


def run(*command: str) -> str:
    """A command that must succeed; what it printed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    folder = tmp_path_factory.mktemp("newcomer")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (wheel,) = folder.glob("*.whl")
    return Newcomer(folder, wheel)


@pytest.fixture(scope="module")
def site(newcomer: Newcomer) -> Path:
    """A site made by `hubao init`, with keys."""
    assert newcomer.answer("init", "site")["files"] > 10
    assert newcomer.answer("--site", "site", "keys", "init")["suite"] == "aes"
    path = newcomer.home / "site"
    # The shipped agreements are examples with an end; this test must not fail when that day comes.
    rewrite(path, {"expires = 2027-12-31": "expires = 2099-12-31"})
    return path


def test_the_program_is_the_wheels(newcomer: Newcomer) -> None:
    python = str(newcomer.program.with_name("python"))
    where = run(python, "-I", "-c", "import gateway, connectors; print(gateway.__file__, connectors.__file__)")
    assert all(str(newcomer.program.parents[1]) in each for each in where.split())


def test_help_needs_no_site(newcomer: Newcomer) -> None:
    shown = newcomer.hubao("--help")
    assert shown.returncode == 0
    assert all(command in shown.stdout for command in ("init", "demo", "check", "run", "roster", "reconcile"))


def test_init_says_what_comes_next(newcomer: Newcomer) -> None:
    done = newcomer.hubao("init", "another")
    assert done.returncode == 0
    assert "keys init" in done.stdout
    again = newcomer.hubao("init", "another")
    assert again.returncode == 2
    assert "another" in again.stderr


def test_the_root_key_is_for_its_owner_only(newcomer: Newcomer, site: Path) -> None:
    assert stat.S_IMODE((site / "keys" / "root.key").stat().st_mode) == 0o600
    assert newcomer.hubao("--site", "site", "keys", "init").returncode == 2
    listed = newcomer.answer("--site", "site", "keys", "status")["keys"]
    assert listed
    assert all(key["intact"] for key in listed)


def test_check_lists_every_secret_that_is_missing(newcomer: Newcomer, site: Path) -> None:
    findings = newcomer.answer("--site", "site", "check", code=1)["findings"]
    assert sorted(name for name in SECRETS for each in findings if name in each["found"]) == sorted(SECRETS)
    assert all(each["file"].startswith("config/") and each["key"].endswith("secret") for each in findings)
    shown = newcomer.hubao("--site", "site", "check")
    assert shown.returncode == 1
    assert all(name in shown.stdout for name in SECRETS)


def test_check_is_content_once_they_are_set(newcomer: Newcomer, site: Path) -> None:
    secrets = {name: "whsec_" + b64encode(name.encode().ljust(24, b".")).decode() for name in SECRETS}
    assert newcomer.answer("--site", "site", "check", secrets=secrets) == {"findings": [], "ok": True}
    shown = newcomer.hubao("--site", "site", "check", secrets=secrets)
    assert shown.returncode == 0
    assert not [value for value in secrets.values() if value in shown.stdout + shown.stderr]


def test_check_lists_every_mistake_of_a_file_at_once(newcomer: Newcomer) -> None:
    newcomer.answer("init", "mistaken")
    rewrite(
        newcomer.home / "mistaken",
        {'intake = "pull"': 'intake = "pul"', "takeback_share = 0.2": "takeback_share = 20", "[legal]": "[lega]"},
    )
    findings = newcomer.answer("--site", "mistaken", "check", code=1)["findings"]
    keys = {each["key"] for each in findings if each["file"] == "config/feeds/hinggan.toml"}
    assert {"intake", "takeback_share"} <= keys
    assert any("lega" in key for key in keys)


def test_the_shipped_tests_pass_in_the_new_site(newcomer: Newcomer, site: Path) -> None:
    for command in ("feed", "scheme"):
        answer = newcomer.answer("--site", "site", command, "test")
        assert answer["tests"] > 0
        assert not answer["failed"]


def test_demo_runs_from_the_wheel(newcomer: Newcomer, site: Path) -> None:
    figures = newcomer.answer("--site", "site", "demo")
    assert (figures["lost"], figures["doubled"]) == (0, 0)
    assert figures["claims_delivered"] > 0
    roster = next((newcomer.home / "site").rglob("roster.csv"))
    enrolled = newcomer.answer("--site", "site", "roster", "import", str(roster), "--association", "nm")
    assert enrolled["added"] == enrolled["people"]
