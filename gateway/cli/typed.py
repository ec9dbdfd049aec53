"""Commands to be copied from what was printed: they work as typed, from the folder and the way this one was started."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path


def as_typed(site: Path, command: str) -> str:
    """A line for the shell: this program, the site, and a command with its arguments."""
    return f"{program()} --site {shlex.quote(str(site))} {command}"


def program() -> str:
    """How this program is started from here: `hubao` where the shell finds it, else by the path of its script."""
    script = Path(sys.argv[0])
    if script.name == "__main__.py":
        # `python -m gateway`: a checkout has a script beside its Python, which works from any folder.
        script = Path(sys.executable).with_name("hubao")
        if not script.is_file():
            return f"{shlex.quote(sys.executable)} -m gateway"
    on_path = shutil.which("hubao")
    if on_path is not None and script.is_file() and Path(on_path).samefile(script):
        return "hubao"
    folder = Path.cwd()
    shown = script.relative_to(folder) if script.is_absolute() and script.is_relative_to(folder) else script
    return shlex.quote(str(shown))
