"""How a league is played by itself: what it needs of a feed file, and what of it must be seen afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from gateway.errors import HubaoError
from gateway.model.record import SettlementRecord
from gateway.sandbox.script import Script


class NothingToPlayOn(HubaoError):
    """A league needs a server that is not on this machine, so it cannot be played here; all others can."""


def as_it_is(record: SettlementRecord) -> SettlementRecord:
    """The truth of a league that tells all of it."""
    return record


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """A league that is up, with everything of its script told or ready to be asked for.

    `options`: what `[connector]` of its feed file must say instead of the shipped example. `secrets`: the text of each
    secret that file names, by the name behind `env:`. `reading`: the record a right mapping makes of a true one.
    `push`: sends what the league pushes to this address; None where it is asked. `findings`: the codes of findings
    that what is wrong with this league on purpose must leave. `nights`: so many runs it takes until all has come;
    `before_night` is called with the number of each, from 0. `extra`: class → further rows that are no settlement of
    the script, such as a damaged line.
    """

    options: Mapping[str, Any]
    secrets: Mapping[str, str] = {}
    reading: Callable[[SettlementRecord], SettlementRecord] = as_it_is
    push: Callable[[str], None] | None = None
    findings: frozenset[str] = frozenset()
    nights: int = 1
    before_night: Callable[[int], None] = lambda _: None
    extra: Mapping[str, int] = {}


PlayLeague = Callable[[Script, Callable[[], float]], AbstractContextManager[Play]]
"""(what to tell, the clock in Unix seconds) → the league, for as long as it is up."""
