"""Keys of a rotation as a secret writes them: several, parted by spaces, each with the last day it is good for where
it has one (`whsec_…@2026-12-31`)."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import msgspec

from gateway.errors import WrongUse

_END: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MARK: Final = "@"


class DatedKey(msgspec.Struct, frozen=True):
    """The text of one key, and its last day in Asia/Shanghai; None where it has no end."""

    text: str
    until: date | None = None

    def is_good(self, day: date) -> bool:
        """Whether it is used and accepted on a day."""
        return self.until is None or day <= self.until

    def __repr__(self) -> str:
        return f"DatedKey(…, {self.until})"


def dated_keys(secret: str) -> list[DatedKey]:
    """The keys a secret's text holds, in its order. Raises WrongUse, never showing the text, for an end that is no
    date."""
    return [_dated(token) for token in secret.split()]


def _dated(token: str) -> DatedKey:
    text, mark, end = token.rpartition(_MARK)
    if not mark:
        return DatedKey(end)
    try:
        return DatedKey(text, date.fromisoformat(end if _END.fullmatch(end) else ""))
    except ValueError:
        raise WrongUse("密钥的止日应写 @2026-12-31 (the end of a key is written @2026-12-31)") from None


_DATED: Final = re.compile(r"[A-Za-z0-9+/=_-]{32,}@[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def ends(secret: str) -> list[date | None]:
    """When the keys of a secret end, None for one without end; nothing where it writes no end at all, as a password
    does."""
    tokens = secret.split()
    if not any(_DATED.fullmatch(token) for token in tokens):
        return []
    try:
        return [_dated(token).until for token in tokens]
    except WrongUse:
        return []
