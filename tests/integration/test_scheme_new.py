"""`hubao scheme new`: from nothing to a scheme whose cases pass, by options or by answering."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app

OPTIONS = {
    "--name": "某市职工住院互助",
    "--source": "某工发〔2026〕1号",
    "--starts": "2026-01-01",
    "--categories": "active",
    "--period": "calendar_year",
    "--bands": "10000:0.40,100000:0.70,1.00",
    "--allowance": "20x30",
    "--cap": "50000",
    "--claim-days": "90",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "config" / "schemes").mkdir(parents=True)
    return tmp_path


def hubao(site: Path, *words: str, answers: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--site", str(site), "scheme", *words], input=answers)
    return result.exit_code, result.stdout


def options(**given: str) -> list[str]:
    chosen = OPTIONS | {f"--{name.replace('_', '-')}": value for name, value in given.items()}
    return [word for pair in chosen.items() for word in pair]


def test_by_options(site: Path) -> None:
    code, output = hubao(site, "new", "my-union", *options(), "--json")
    folder = site / "config" / "schemes"
    files = [str(folder / "my-union-2026.toml"), str(folder / "my-union.test.toml")]
    assert (code, json.loads(output)) == (0, {"scheme": "my-union", "files": files})
    code, output = hubao(site, "test", "--json")
    assert (code, json.loads(output)) == (0, {"tests": 4, "failed": []})


def test_by_ten_answers(site: Path) -> None:
    answers = "\n".join(["my-union", *OPTIONS.values()]) + "\n"
    code, output = hubao(site, "new", answers=answers)
    assert (code, "my-union-2026.toml" in output) == (0, True)
    assert hubao(site, "test", "--json")[0] == 0


def test_a_scheme_that_is_there_is_left_alone(site: Path) -> None:
    hubao(site, "new", "my-union", *options())
    before = (site / "config" / "schemes" / "my-union-2026.toml").read_bytes()
    assert hubao(site, "new", "my-union", *options(starts="2027-01-01"))[0] != 0
    assert (site / "config" / "schemes" / "my-union-2026.toml").read_bytes() == before
    assert len(list((site / "config" / "schemes").iterdir())) == 2


@pytest.mark.parametrize(
    "wrong",
    [{"starts": "2026-1-1"}, {"starts": "0001-01-01"}, {"period": "week"}, {"claim_days": "ninety"}, {"bands": "40"}],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(site: Path, wrong: dict[str, str]) -> None:
    assert hubao(site, "new", "my-union", *options(**wrong))[0] != 0
    assert list((site / "config" / "schemes").iterdir()) == []
