"""Bytes → text: which of a mapping's encodings a page is in, by the fewest places that contradict it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

from gateway.core.normalise.problems import bad_page

_BOM: Final = b"\xef\xbb\xbf"
_UTF_16: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]+")
_SAMPLED_RUNS: Final = 200
"""So many runs of bytes beyond ASCII say whether a text that GB18030 can read is UTF-8 all the same."""


def utf_16_of(content: bytes) -> str | None:
    """The kind of UTF-16 a page is in, by its mark or by the zeros beside its first signs; None where it is none."""
    if content[:2] in _UTF_16:
        return _UTF_16[content[:2]]
    if len(content) >= 4 and content[0] and content[2] and not content[1] and not content[3]:
        return "utf-16-le"
    return "utf-16-be" if len(content) >= 4 and not content[0] and not content[2] and content[1] else None


def from_utf_16(content: bytes) -> bytes | None:
    """A page of UTF-16 in UTF-8, None where it is none. A cut page may end in the middle of its last sign."""
    encoding = utf_16_of(content)
    if encoding is None:
        return None
    text = content[: len(content) // 2 * 2].decode(encoding, "replace")
    return text.removeprefix("\ufeff").encode("utf-8", "replace")


def encoding_of(content: bytes, encodings: Sequence[str]) -> str | None:
    """The encoding of the page: the first named that reads all of it, else the one with the fewest runs of bytes that
    it cannot read; None where each contradicts every run. What is UTF-8 and by chance also GB18030 is UTF-8."""
    if len(encodings) == 1 or content.isascii():
        return encodings[0]
    fitting = [encoding for encoding in encodings if reads(content, encoding)]
    if fitting and (fitting[0] == "utf-8" or not _holds_utf_8(content)):
        return fitting[0]
    runs = _BEYOND_ASCII.findall(content)
    unlike = {encoding: sum(_contradicts(run, encoding) for run in runs) for encoding in encodings}
    # The earlier named of two that are equally unlike.
    best = min(unlike, key=unlike.__getitem__)
    return best if unlike[best] < len(runs) else None


def in_utf_8(content: bytes, encodings: Sequence[str]) -> bytes:
    """The page in UTF-8 without a byte order mark, whatever of the encodings it came in.

    What is damaged costs the fields it stands in. Raises BadPage where no encoding fits at all.
    """
    content = content.removeprefix(_BOM)
    encoding = encoding_of(content, encodings)
    if encoding is None:
        raise bad_page("wrong_encoding", "、".join(encodings))
    return content if encoding == "utf-8" else content.decode(encoding, "replace").encode("utf-8")


def reads(content: bytes, encoding: str) -> bool:
    """Whether every byte of a text is sound in this encoding."""
    try:
        content.decode(encoding)
    except UnicodeError:
        return False
    return True


def _holds_utf_8(content: bytes) -> bool:
    return any(_is_utf_8(run.group()) for run in islice(_BEYOND_ASCII.finditer(content), _SAMPLED_RUNS))


def _is_utf_8(run: bytes) -> bool:
    # Two Chinese characters of GB18030 may be two letters of UTF-8; what begins with E3 to E9 is Chinese in UTF-8.
    return len(run) % 3 == 0 and 0xE3 <= run[0] <= 0xE9 and reads(run, "utf-8")


def _contradicts(run: bytes, encoding: str) -> bool:
    if encoding == "utf-8":
        return not reads(run, encoding)
    return _is_utf_8(run) or not reads(run, encoding)
