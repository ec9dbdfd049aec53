"""Where the audit log's head is written down outside of the database, a line a day, only ever added.

`2026-11-30 1204 <link> <mac>`: the day, the number and link of the newest entry, and a keyed digest of the line and of
the one before, so that no line can be changed, put in or taken from the middle. What is missing at the end nothing here
shows: a printed or copied head does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

Digest = Callable[[bytes], bytes]
_LINE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{1,18}) ([0-9a-f]{64}) ([0-9a-f]{64})", re.ASCII)


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The head of the log as it stood on a day."""

    day: date
    number: int
    link: bytes


class AnchorFile:
    """The anchors of one site. `digest`: the vault's, for the log."""

    def __init__(self, path: Path, digest: Digest) -> None:
        self._path, self._digest = path, digest

    def read(self) -> tuple[list[Anchor], bool]:
        """Every anchor that is as it was written, in order; and whether all lines are."""
        anchors: list[Anchor] = []
        before = b""
        for line in self._lines():
            match = _LINE.fullmatch(line)
            if match is None or self._mac(before, match).hex() != match[4]:
                return anchors, False
            anchors.append(Anchor(day=date.fromisoformat(match[1]), number=int(match[2]), link=bytes.fromhex(match[3])))
            before = line.encode()
        return anchors, True

    def add(self, anchor: Anchor) -> None:
        """Write one down behind the last, durably. Call with the log's lock held."""
        lines = self._lines()
        text = f"{anchor.day.isoformat()} {anchor.number} {anchor.link.hex()}"
        mac = self._digest(b"anchor\0" + (lines[-1].encode() if lines else b"") + b"\0" + text.encode())
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, f"{text} {mac.hex()}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _lines(self) -> list[str]:
        return self._path.read_text(encoding="utf-8", errors="replace").splitlines() if self._path.is_file() else []

    def _mac(self, before: bytes, match: re.Match[str]) -> bytes:
        return self._digest(b"anchor\0" + before + b"\0" + " ".join(match.group(1, 2, 3)).encode())
