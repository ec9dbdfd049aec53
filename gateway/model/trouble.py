"""Trouble: what is not as it should be, before it is a finding."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

Level = Literal["act", "know"]
"""act: a person must do something, and `run`, `status` and `findings` end with 1; know: it is only said."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """What is not as it should be: a code of `CODES` and its subject. `amount` in fen, None where the money is not
    known; `detail` never holds anything personal. `level`: where it is not the code's own."""

    code: str
    kind: str
    name: str
    count: int = 1
    amount: int | None = None
    days: tuple[date, ...] = ()
    detail: str = ""
    level: Level | None = None
