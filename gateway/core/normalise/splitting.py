"""Where a JSON message is damaged: its settlements cut apart by their brackets, so that each costs only itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Raw

from gateway.core.normalise.language import MAX_ROWS

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}]', re.DOTALL)
_KEY: Final = re.compile(rb'"([^"\\]*)"\s*$')


def without_rows(content: bytes, paths: Sequence[str]) -> tuple[bytes, list[Raw]]:
    """The message with an empty list where its settlements stand, and those, each still as its bytes; no settlements
    where its brackets do not close, or where nothing stands at the paths."""
    for path in paths:
        place = list_at(content, () if path == "." else tuple(path.encode().split(b".")))
        if place is not None:
            begin, end, rows = place
            return content[:begin] + b"[]" + content[end:], [Raw(row) for row in rows]
    return content, []


def list_at(content: bytes, path: tuple[bytes, ...]) -> tuple[int, int, list[bytes]] | None:
    """Where the array at a path begins and ends, and its elements; None where the brackets do not close."""
    opened: list[tuple[bytes, bytes]] = []
    within, begin, end, start = False, -1, -1, -1
    places: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(content):
        sign = token.group()
        if sign in (b"{", b"["):
            if within and len(opened) == len(path) + 1:
                start = token.start()
            opened.append((sign, _key_before(content, token.start(), opened)))
            if not within and end < 0 and sign == b"[" and tuple(key for _, key in opened[1:]) == path:
                within, begin = True, token.start()
        elif sign in (b"}", b"]"):
            if not opened or (opened.pop()[0] == b"{") != (sign == b"}"):
                return None
            if within and len(opened) == len(path) + 1:
                places.append((start, token.end()))
            elif within and len(opened) == len(path):
                within, end = False, token.end()
    if opened or end < 0 or len(places) > MAX_ROWS:
        return None
    # What stands between the elements must be nothing but commas.
    behind = [begin + 1, *(stop for _, stop in places)]
    starts = [*(first for first, _ in places), end - 1]
    between = b"".join(content[stop:first] for stop, first in zip(behind, starts, strict=True))
    return (begin, end, [content[first:stop] for first, stop in places]) if not between.strip(b" ,\t\r\n") else None


def _key_before(content: bytes, place: int, opened: list[tuple[bytes, bytes]]) -> bytes:
    if not opened or opened[-1][0] != b"{":
        return b""
    named = _KEY.search(content[max(0, place - 150) : place].rstrip().removesuffix(b":"))
    return named.group(1) if named else b""
