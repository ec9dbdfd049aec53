"""The files every site begins with: `config/` and `mappings/`, from a checkout or from the installed wheel."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.errors import WrongUse

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped_folder() -> Path:
    """The folder that holds the shipped `config/` and `mappings/`."""
    inside = _PACKAGE / "shipped"
    return inside if inside.is_dir() else _PACKAGE.parent


def write_site(path: Path) -> list[Path]:
    """A new site with the shipped files. Raises WrongUse if one is already there; returns what was written."""
    if (path / "config").exists() or (path / "mappings").exists():
        raise WrongUse(f"{path} 里已有站点 (there is a site already)")
    source = shipped_folder()
    for name in ("config", "mappings"):
        shutil.copytree(source / name, path / name)
    (path / "data").mkdir(exist_ok=True)
    (path / ".gitignore").write_text("keys/\ndata/\n", encoding="utf-8")
    return sorted(file for file in path.rglob("*") if file.is_file())
