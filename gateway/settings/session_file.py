"""Where a terminal keeps who is logged in: a file of its user, one a site, which nobody else may read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from gateway.errors import WrongUse
from gateway.vault.modes import make_closed_folder, open_to_others


def session_file(site: Path) -> Path:
    """The file for a site: below $XDG_STATE_HOME, else ~/.local/state."""
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return folder / "hubao" / f"session-{hashlib.sha256(str(site.resolve()).encode()).hexdigest()[:16]}"


def read_session(site: Path) -> str | None:
    """The id of the session; None where nobody is logged in. Raises WrongUse where others may read the file."""
    path = session_file(site)
    if not path.is_file():
        return None
    if open_to_others(path):
        raise WrongUse(f"{path} 可被他人读取：请删除后重新登录 (others may read it: delete it and log in anew)")
    return path.read_text(encoding="ascii").strip()


def write_session(site: Path, session_id: str) -> None:
    """Keep the id of a session, in place of whatever was there."""
    path = session_file(site)
    make_closed_folder(path.parent)
    forget_session(site)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(session_id + "\n")


def forget_session(site: Path) -> None:
    """Nobody is logged in any more."""
    session_file(site).unlink(missing_ok=True)
