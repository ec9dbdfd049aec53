"""Finds texts in bytes, however they were written: UTF-8, UTF-16, GB18030, hex, base64, escaped.

A needle is looked for by all the bytes it could have become. Written forms of fewer than six bytes are left out
(a name of two characters in UTF-16 or GB18030): in megabytes of ciphertext four given bytes turn up by chance.
Each form is only looked for where it could be, in runs of bytes that make sense in its encoding, which leaves
little of a sealed database to look through.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

SHORTEST = 6
_TEXT = rb"[\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
RUNS = {
    "utf-8": re.compile(rb"(?:%s)+" % _TEXT),
    "gb18030": re.compile(rb"(?:[\x81-\xfe][\x30-\xfe]|[\x20-\x7e])+"),
    "utf-16-le": re.compile(rb"(?:[\x20-\x7e]\x00|[\x00-\xff][\x4e-\x9f\xff])+"),
    "utf-16-be": re.compile(rb"(?:\x00[\x20-\x7e]|[\x4e-\x9f\xff][\x00-\xff])+"),
}
"""Where a form of each encoding can stand: an unbroken run of its letters, digits and Han characters."""


def forms(text: str) -> Iterator[tuple[str, bytes]]:
    """(encoding, bytes) of every way this text may have been written."""
    plain = text.encode()
    for encoding in RUNS:
        yield encoding, text.encode(encoding)
    for written in (plain.hex(), plain.hex().upper(), quote(text, safe=""), json.dumps(text)[1:-1]):
        yield "utf-8", written.encode()
    for shift in range(3):
        # Inside a longer text base64 begins anywhere; the characters that depend on the neighbours are cut off.
        coded = b64encode(b"\0" * shift + plain)
        begin, end = (0, 2, 3)[shift], len(coded) - (0, 4, 4)[(shift + len(plain)) % 3]
        yield "utf-8", coded[begin:end]


class Needles:
    """Texts to look for. `found_in(data)` names those that are in it, with the encoding they were met in."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_head: dict[str, dict[bytes, set[tuple[bytes, str]]]] = {name: defaultdict(set) for name in RUNS}
        for text in texts:
            for encoding, form in forms(text):
                if len(form) >= SHORTEST:
                    self._by_head[encoding][form[:SHORTEST]].add((form, text))

    def found_in(self, data: bytes) -> set[tuple[str, str]]:
        """(text, encoding) of everything that is in these bytes."""
        found: set[tuple[str, str]] = set()
        for encoding, heads in self._by_head.items():
            for run in RUNS[encoding].finditer(data):
                if run.end() - run.start() >= SHORTEST:
                    found |= {(text, encoding) for text in _in_run(run[0], heads)}
        return found


def _in_run(run: bytes, heads: dict[bytes, set[tuple[bytes, str]]]) -> Iterator[str]:
    for at in range(len(run) - SHORTEST + 1):
        for form, text in heads.get(run[at : at + SHORTEST], ()):
            if run.startswith(form, at):
                yield text


def files_below(*folders: Path) -> list[Path]:
    """Every regular file in these folders, hidden ones too."""
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
