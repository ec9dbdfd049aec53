"""The arrows between the rooms ([tool.importlinter] in pyproject.toml) hold; heavy libraries have doors."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

DOORS = {
    "sqlalchemy": "gateway.store.**",
    "alembic": "gateway.store.**",
    "psycopg": "gateway.store.**",
    "cryptography": "gateway.vault.**",
    "httpx": "connectors.**",
    "fastapi": "gateway.web.**",
    "uvicorn": "gateway.web.**",
    "starlette": "gateway.web.**",
    "typer": "gateway.cli.**",
    "rich": "gateway.cli.**",
    "apscheduler": "gateway.scheduler",
    "pydantic": "gateway.settings.**",
    "python_calamine": "gateway.core.normalise.**",
}


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(settings["tool"]["importlinter"]["contracts"])


def lint(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-c", LINT, "--no-logo", "--no-cache", *options]
    # The package under test is the one of this checkout, wherever the tests are started from.
    environment = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "LANG": "C.UTF-8"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_every_contract_is_kept() -> None:
    done = lint()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(contracts())} kept, 0 broken" in " ".join(done.stdout.split())


def test_a_broken_arrow_is_found(tmp_path: Path) -> None:
    """The check itself works: the same contracts break when the model imports the store."""
    for name in ("gateway", "connectors"):
        _copy_package(ROOT / name, tmp_path / name)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    money = tmp_path / "gateway/model/money.py"
    money.write_text(money.read_text(encoding="utf-8") + "\nimport gateway.store\n", encoding="utf-8")
    command = [sys.executable, "-P", "-c", LINT, "--no-logo", "--no-cache", "--contract", "arrows"]
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8", "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "gateway.model.money -> gateway.store" in done.stdout


def test_every_heavy_library_has_its_door() -> None:
    doors = [contract for contract in contracts() if str(contract["id"]).startswith("door-")]
    for library, door in DOORS.items():
        guarding = [contract for contract in doors if library in contract["forbidden_modules"]]
        assert len(guarding) == 1, library
        assert f"{door} -> {library}" in guarding[0]["ignore_imports"], library


def _copy_package(source: Path, target: Path) -> None:
    for file in source.rglob("*.py"):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
