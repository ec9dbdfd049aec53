"""Leagues told by other lines than HTTP or a folder of ours: name of the shipped feed file → how it is played."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Final

from gateway.sandbox import erenhot, longyan, tongliao
from gateway.sandbox.play import Play, PlayLeague
from gateway.sandbox.script import Script


def _lazily(module: str, name: str) -> PlayLeague:
    """A league of a module that needs a library of the development set: it is imported once it is played."""

    def play(script: Script, clock: Callable[[], float]) -> AbstractContextManager[Play]:
        played: PlayLeague = getattr(import_module(module), name)
        return played(script, clock)

    return play


LINES_PLAYED: Final[Mapping[str, PlayLeague]] = {
    "alxa": _lazily("gateway.sandbox.alxa", "play"),
    "erenhot": erenhot.play,
    "hinggan-sftp": _lazily("gateway.sandbox.alxa", "play_hinggan"),
    "longyan": longyan.play,
    "longyan-queue": longyan.play_queue,
    "tongliao": tongliao.play,
}
