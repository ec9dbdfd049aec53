"""What `hubao doctor` found of one thing that the gateway stands on."""

from __future__ import annotations

from typing import Literal

import msgspec

Grade = Literal["good", "warn", "bad"]
"""As it should be · works, but should be changed · the gateway must not work so."""


class Examined(msgspec.Struct, frozen=True):
    """One thing that was examined: what it is called, how it is, what was found, and what to do where it is not good.

    `reading` and `advice` are for people, Chinese first, and hold nothing of a person.
    """

    name: str
    grade: Grade
    reading: str
    advice: str = ""


def graded(name: str, *, sound: bool, reading: str, advice: str, otherwise: Grade = "bad") -> Examined:
    """Good where it is sound; else `otherwise`, with the advice."""
    return Examined(name, "good", reading) if sound else Examined(name, otherwise, reading, advice)
