"""The files every site begins with: `config/` and `mappings/`, from a checkout or from the installed wheel."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.errors import WrongUse

_PACKAGE = Path(__file__).resolve().parent.parent
_FEEDS: Final = Path("config") / "feeds"
EXAMPLES: Final = _FEEDS / "examples"
"""Where a new site keeps feed files that are not in force."""

_IN_ENVIRONMENT: Final = re.compile(r'"env:(HUBAO_[A-Z0-9_]+)"')


def shipped_folder() -> Path:
    """The folder that holds the shipped `config/` and `mappings/`."""
    inside = _PACKAGE / "shipped"
    return inside if inside.is_dir() else _PACKAGE.parent


IN_MINIATURE: Final = ("bayannur", "hinggan", "wuhai")
"""The feeds of the night in miniature: the demo, the sandbox and the tests begin with these in force."""


def write_site(path: Path, feeds: Sequence[str] = IN_MINIATURE) -> list[Path]:
    """A site with the shipped files and these of the example feeds in force. Raises WrongUse if one is already there;
    returns what was written."""
    _copy_shipped(path)
    for file in (path / _FEEDS).glob("*.toml"):
        if file.stem not in feeds:
            file.unlink()
    return sorted(file for file in path.rglob("*") if file.is_file())


def _copy_shipped(path: Path) -> None:
    if (path / "config").exists() or (path / "mappings").exists():
        raise WrongUse(f"{path} 里已有站点 (there is a site already)")
    source = shipped_folder()
    for name in ("config", "mappings"):
        shutil.copytree(source / name, path / name)
    (path / "data").mkdir(exist_ok=True, mode=0o700)
    (path / ".gitignore").write_text("keys/\ndata/\n", encoding="utf-8")


def write_new_site(path: Path) -> list[Path]:
    """A site of somebody's own to begin with: the shipped feeds are examples and not in force, and secrets are files
    of the site. Raises WrongUse if a site is already there; returns what was written."""
    _copy_shipped(path)
    (path / EXAMPLES).mkdir()
    for file in sorted((path / _FEEDS).glob("*.toml")):
        file.rename(path / EXAMPLES / file.name)
    for folder in (EXAMPLES, Path("config") / "associations"):
        for file in (path / folder).glob("*.toml"):
            written = file.read_text(encoding="utf-8")
            file.write_text(
                _IN_ENVIRONMENT.sub(lambda named: f'"file:keys/{named[1].lower()}"', written), encoding="utf-8"
            )
    return sorted(file for file in path.rglob("*") if file.is_file())


def add_feed(site: Path, example: str) -> Path:
    """Put an example feed in force. Raises WrongUse where there is no such example, or a feed of that name is in force;
    returns the file written."""
    folders = [folder for folder in (site / EXAMPLES, shipped_folder() / _FEEDS) if folder.is_dir()]
    files = {file.stem: file for folder in reversed(folders) for file in folder.glob("*.toml")}
    if example not in files:
        raise WrongUse(f"没有示例 {example}；可用：{'、'.join(sorted(files))} (no such example)")
    target = site / _FEEDS / f"{example}.toml"
    if target.exists():
        raise WrongUse(f"来源 {example} 已在使用，见 {_FEEDS}/{example}.toml (this feed is in force already)")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(files[example].read_bytes())
    return target
