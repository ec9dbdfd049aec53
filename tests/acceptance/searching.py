"""Finds texts in bytes, however they were written: UTF-8, UTF-16, GB18030, hex, base64, escaped.

A needle is looked for by all the bytes it could have become. Written forms of fewer than six bytes are left out
(a name of two characters in UTF-16 or GB18030): in megabytes of ciphertext four given bytes turn up by chance.
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


def forms(text: str) -> Iterator[tuple[str, bytes]]:
    """(name of the form, bytes) of every way this text may have been written."""
    plain = text.encode()
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
        yield encoding, text.encode(encoding)
    yield "hex", plain.hex().encode()
    yield "HEX", plain.hex().upper().encode()
    yield "url", quote(text, safe="").encode()
    yield "json", json.dumps(text)[1:-1].encode()
    for shift in range(3):
        # Inside a longer text base64 begins anywhere; characters that depend on the neighbours are cut off.
        coded = b64encode(b"\0" * shift + plain)
        yield "base64", coded[(0, 2, 3)[shift] : len(coded) - (0, 4, 4)[(shift + len(plain)) % 3]]


class Needles:
    """Texts to look for. `found_in(data)` names those that are in it, each with the form it was met in."""

    def __init__(self, texts: Iterable[str]) -> None:
        heads: dict[str, dict[bytes, list[tuple[bytes, str]]]] = defaultdict(lambda: defaultdict(list))
        for text in texts:
            for name, form in forms(text):
                if len(form) >= SHORTEST:
                    heads[name][form[:SHORTEST]].append((form, text))
        self._looks = [(name, _anywhere(heads[name]), heads[name]) for name in heads]

    def found_in(self, data: bytes) -> set[tuple[str, str]]:
        """(text, form) of everything that is in these bytes."""
        return {
            (text, name)
            for name, anywhere, heads in self._looks
            for spot in anywhere.finditer(data)
            for form, text in heads.get(data[spot.start() : spot.start() + SHORTEST], ())
            if data.startswith(form, spot.start())
        }


def _anywhere(heads: Iterable[bytes]) -> re.Pattern[bytes]:
    """Matches, at any place, whatever could be the first six bytes of a form: a sieve, not a proof."""
    classes = (b"".join(b"\\x%02x" % byte for byte in sorted({head[at] for head in heads})) for at in range(SHORTEST))
    return re.compile(b"(?=" + b"".join(b"[" + one + b"]" for one in classes) + b")")


def files_below(*folders: Path) -> list[Path]:
    """Every regular file in these folders, hidden ones too."""
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
