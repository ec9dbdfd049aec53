"""Every league that can be played by itself: its name → how. A new one adds its line to `LEAGUES_PLAYED`.

`hubao demo --all` and the acceptance tests walk this table: each league gets a site of its own with the shipped feed
file of that name, and what arrived is held against the script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from gateway.sandbox.files import PATTERN, day_file, drop
from gateway.sandbox.leagues import as_filed
from gateway.sandbox.play import Play, PlayLeague
from gateway.sandbox.played_envelopes import hohhot, nmg, ordos
from gateway.sandbox.script import Script


@contextmanager
def _hinggan(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """One file with everything; its marker says how much it holds."""
    folder = script.folder / "dropped"
    drop(folder, day_file(script.day, script.rows))
    yield Play(options={"folder": str(folder), "pattern": PATTERN}, reading=as_filed)


LEAGUES_PLAYED: Final[Mapping[str, PlayLeague]] = {
    "hinggan": _hinggan,
    "hohhot": hohhot,
    "nmg": nmg,
    "ordos": ordos,
}
"""Name of the shipped feed file → how its league is played."""
