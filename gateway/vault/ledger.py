"""The ledger of a vault: which keys were given out and may stand in a row, so that none of them is ever made anew.

One line a change, only ever added: `made <number> <purpose>`, `named …` (a row names a key this folder does not have),
`destroyed …`, `written-off …` (a person said that the key will not come back). A line cut off by a crash is no line.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from threading import Lock
from typing import Final, Literal

Change = Literal["made", "named", "destroyed", "written-off"]

_LINE: Final = re.compile(rb"(made|named|destroyed|written-off) ([1-9][0-9]{0,9}) ([a-z0-9][a-z0-9.-]*)")


class KeyLedger:
    """Numbers and purposes, no key. Add to it only inside `KeyFolder.exclusive`; reading needs no lock of files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._read_until = 0
        self._outstanding: dict[int, str] = {}
        self._ended: set[int] = set()

    def exists(self) -> bool:
        """False for the folder of a vault that was made before there were ledgers."""
        return self._path.exists()

    def outstanding(self) -> dict[int, str]:
        """Key number → purpose of every key that was given out and neither destroyed nor written off."""
        with self._lock:
            self._read_on()
            return dict(self._outstanding)

    def purpose(self, number: int) -> str | None:
        """What a key is for that was given out and neither destroyed nor written off."""
        with self._lock:
            self._read_on()
            return self._outstanding.get(number)

    def ended(self) -> set[int]:
        """The numbers of the keys that were destroyed or written off."""
        with self._lock:
            self._read_on()
            return set(self._ended)

    def add(self, change: Change, keys: dict[int, str], *, durable: bool) -> None:
        """Write a change of these keys down. `durable`: on disk before this returns."""
        lines = b"".join(f"{change} {number} {purpose}\n".encode() for number, purpose in sorted(keys.items()))
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # A torn line closed as it stands might be read as another: a number or a purpose that lost its end.
            torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, (b" cut-off\n" if torn else b"") + lines)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _read_on(self) -> None:
        """Take in what was added since the last look; the whole ledger where another one was put in its place."""
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._read_until:
                    self._begin_again()
                file.seek(self._read_until)
                added = file.read()
        except FileNotFoundError:
            self._begin_again()
            return
        whole = added[: added.rfind(b"\n") + 1]
        self._read_until += len(whole)
        for line in whole.splitlines():
            match = _LINE.fullmatch(line)
            if match is None:
                continue
            number, purpose = int(match[2]), match[3].decode()
            if match[1] in (b"made", b"named"):
                self._outstanding[number] = purpose
                self._ended.discard(number)
            else:
                self._outstanding.pop(number, None)
                self._ended.add(number)

    def _begin_again(self) -> None:
        self._read_until, self._outstanding, self._ended = 0, {}, set()
