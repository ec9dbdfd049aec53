"""Every league that can be played by itself: its name → how. A new one adds its line to `LEAGUES_PLAYED`.

`hubao demo --all` and the acceptance tests walk this table: each league gets a site of its own with the shipped feed
file of that name, and what arrived is held against the script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import msgspec

from gateway.model.record import SettlementRecord
from gateway.sandbox.files import PATTERN, day_file, drop
from gateway.sandbox.leagues import as_filed
from gateway.sandbox.script import Script


def as_it_is(record: SettlementRecord) -> SettlementRecord:
    """The truth of a league that tells all of it."""
    return record


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """A league that is up, with everything of its script told or ready to be asked for.

    `options`: what `[connector]` of its feed file must say instead of the shipped example. `secrets`: the text of each
    secret that file names, by the name behind `env:`. `reading`: the record a right mapping makes of a true one.
    `push`: sends what the league pushes to this address; None where it is asked. `findings`: the codes of findings
    that what is wrong with this league on purpose must leave. `nights`: so many runs it takes until all has come.
    `extra`: class → further rows that are no settlement of the script, such as a damaged line.
    """

    options: Mapping[str, Any]
    secrets: Mapping[str, str] = {}
    reading: Callable[[SettlementRecord], SettlementRecord] = as_it_is
    push: Callable[[str], None] | None = None
    findings: frozenset[str] = frozenset()
    nights: int = 1
    extra: Mapping[str, int] = {}


PlayLeague = Callable[[Script, Callable[[], float]], AbstractContextManager[Play]]
"""(what to tell, the clock in Unix seconds) → the league, for as long as it is up."""


@contextmanager
def _hinggan(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """One file with everything; its marker says how much it holds."""
    folder = script.folder / "dropped"
    drop(folder, day_file(script.day, script.rows))
    yield Play(options={"folder": str(folder), "pattern": PATTERN}, reading=as_filed)


LEAGUES_PLAYED: Final[Mapping[str, PlayLeague]] = {
    "hinggan": _hinggan,
}
"""Name of the shipped feed file → how its league is played."""
