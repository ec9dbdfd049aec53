"""Somebody's first hour: the wheel, an empty environment, a site of his own, and no checkout anywhere near.

The packages the gateway needs are borrowed from the environment of the tests, because tests use no network; the
gateway itself comes from the wheel.
"""

from __future__ import annotations

import json
import shlex
import stat
import subprocess
import sys
import sysconfig
from base64 import b64encode
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from stage import rewrite, surroundings

from gateway import __version__

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

    def elsewhere(self, folder: Path) -> Newcomer:
        """The same environment, in another folder."""
        other = copy(self)
        other.home = folder
        return other

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
    return agreed_for_ever(newcomer.home / "site")


def agreed_for_ever(site: Path) -> Path:
    """The shipped agreements are examples with an end; no test may fail when that day comes."""
    rewrite(site, {"expires = 2027-12-31": "expires = 2099-12-31"})
    return site


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


def test_a_new_site_is_right_as_it_is(newcomer: Newcomer, site: Path) -> None:
    assert newcomer.answer("--site", "site", "check") == {"findings": [], "noted": [], "ok": True}
    assert newcomer.answer("--site", "site", "feed", "list") == {"feeds": []}


def block(readme: str) -> list[str]:
    """The commands of the README's own site, without what is said beside them."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    (commands,) = [part for part in text.split("```sh\n")[1:] if part.startswith("hubao init")]
    return [line.partition("#")[0].strip() for line in commands.partition("```")[0].splitlines()]


@pytest.mark.parametrize("readme", [pytest.param("README.md", marks=pytest.mark.full), "README.zh-CN.md"])
def test_the_readme_is_right_to_the_letter(newcomer: Newcomer, tmp_path: Path, readme: str) -> None:
    newcomer = newcomer.elsewhere(tmp_path)
    book = Workbook()
    assert book.active is not None
    book.active.append(["会员号", "姓名", "证件号码", "人员类别", "险种", "保障开始", "保障结束"])
    book.active.append(["M001", "测试乙", "150999198001010017", "在职", "nm-inpatient", "2025-06-01", "2026-05-31"])
    book.save(newcomer.home / "会员名册.xlsx")
    commands = block(readme)
    assert len(commands) == 7
    for number, command in enumerate(commands):
        done = newcomer.hubao(*shlex.split(command)[1:])
        assert done.returncode == 0, command + done.stdout + done.stderr
        if number == 0:
            agreed_for_ever(newcomer.home / "my-site")
    assert newcomer.answer("--site", "my-site", "check")["ok"]


def test_what_is_printed_works_as_typed(newcomer: Newcomer, tmp_path: Path) -> None:
    """In a shell, from the folder of the first command, where `hubao` is not on the path; with a site's name that has
    a space in it."""
    newcomer = newcomer.elsewhere(tmp_path)
    shown = newcomer.hubao("init", "my site").stdout
    agreed_for_ever(newcomer.home / "my site")
    commands = [line.strip() for line in shown.splitlines() if line.startswith("    ")]
    assert len(commands) == 3
    for command in commands:
        done = subprocess.run(
            command, shell=True, cwd=newcomer.home, env=surroundings(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, command + done.stdout + done.stderr
    assert (newcomer.home / "my site" / "data" / "inbound" / "hinggan").is_dir()


def test_check_lists_every_secret_and_folder_that_is_missing(newcomer: Newcomer) -> None:
    newcomer.answer("init", "lacking")
    agreed_for_ever(newcomer.home / "lacking")
    newcomer.answer("--site", "lacking", "keys", "init")
    added = [newcomer.answer("--site", "lacking", "feed", "add", name) for name in ("bayannur", "hinggan", "wuhai")]
    assert [answer["folders"] for answer in added] == [[], ["data/inbound/hinggan"], []]
    # The league of a push is told the secret we made; the platform's own secret is asked for.
    assert [answer["secrets"] for answer in added] == [["keys/hubao_bayannur_secret"], [], []]
    path = newcomer.home / "lacking"
    (path / "data/inbound/hinggan").rmdir()
    for name in ("hubao_bayannur_secret", "hubao_nm_secret", "hubao_nm_requests_secret"):
        (path / "keys" / name).unlink()
    findings = newcomer.answer("--site", "lacking", "check", code=1)["findings"]
    places = [(each["file"], each["key"], each["found"].split(" ")[0]) for each in findings]
    assert sorted(places) == [
        ("config/associations/nm.toml", "delivery.secret", "file:keys/hubao_nm_secret"),
        ("config/associations/nm.toml", "requests.secret", "file:keys/hubao_nm_requests_secret"),
        ("config/feeds/bayannur.toml", "connector.secret", "file:keys/hubao_bayannur_secret"),
        ("config/feeds/hinggan.toml", "connector.folder", "目录"),
        ("config/feeds/wuhai.toml", "connector.secret", "file:keys/hubao_wuhai_secret"),
    ]
    advice = {each["key"] + each["file"]: each["allowed"] for each in findings}
    assert "hubao secret new keys/hubao_bayannur_secret" in advice["connector.secretconfig/feeds/bayannur.toml"]
    assert "索取" in advice["connector.secretconfig/feeds/wuhai.toml"]
    assert any("data/inbound/hinggan" in each["found"] for each in findings)
    shown = newcomer.hubao("--site", "lacking", "check")
    assert shown.returncode == 1
    assert all(place in shown.stdout for _, _, place in places)


def test_secrets_are_made_of_the_right_form(newcomer: Newcomer) -> None:
    newcomer.answer("init", "secret")
    agreed_for_ever(newcomer.home / "secret")
    newcomer.answer("--site", "secret", "keys", "init")
    newcomer.answer("--site", "secret", "feed", "add", "bayannur")
    site = newcomer.home / "secret"
    file = site / "keys" / "hubao_bayannur_secret"
    before = file.read_text("utf-8")
    again = newcomer.hubao("--site", "secret", "secret", "new", "keys/hubao_bayannur_secret")
    assert (again.returncode, file.read_text("utf-8")) == (2, before)
    file.unlink()
    made = newcomer.hubao("--site", "secret", "secret", "new", "keys/hubao_bayannur_secret")
    assert made.returncode == 0, made.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text("utf-8").strip() not in made.stdout
    assert file.read_text("utf-8") != before
    assert newcomer.answer("--site", "secret", "check")["ok"]
    # A secret in the environment is shown once, and is good.
    rewrite(site, {'"file:keys/hubao_nm_secret"': '"env:HUBAO_NM_SECRET"'})
    shown = newcomer.answer("--site", "secret", "secret", "new", "HUBAO_NM_SECRET")["secret"]
    assert newcomer.answer("--site", "secret", "check", secrets={"HUBAO_NM_SECRET": shown})["ok"]


@pytest.mark.parametrize(
    ("text", "word"),
    [("v1,whsec_" + b64encode(bytes(32)).decode(), "v1,"), ("abc", "whsec_"), ("whsec_" + "A" * 8, "24")],
)
def test_check_says_what_is_wrong_with_a_secret(newcomer: Newcomer, site: Path, text: str, word: str) -> None:
    file = site / "keys" / "hubao_nm_secret"
    before = file.read_text("utf-8")
    file.write_text(text, encoding="utf-8")
    try:
        (finding,) = newcomer.answer("--site", "site", "check", code=1)["findings"]
    finally:
        file.write_text(before, encoding="utf-8")
    assert (finding["file"], finding["key"]) == ("config/associations/nm.toml", "delivery.secret")
    assert word in finding["allowed"]
    assert text not in str(finding)


def test_the_version_is_told(newcomer: Newcomer) -> None:
    done = newcomer.hubao("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"hubao {__version__}")


def test_check_lists_every_mistake_of_a_file_at_once(newcomer: Newcomer) -> None:
    newcomer.answer("init", "mistaken")
    newcomer.answer("--site", "mistaken", "feed", "add", "hinggan")
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
