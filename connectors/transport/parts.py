"""Cutting a large text file into parts at line ends, without parsing it and without holding it in memory.

It works on bytes, so it holds for every encoding in which the bytes of `"` and of a line feed mean nothing
else: UTF-8, GBK and GB18030 among them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

_PIECE = 64 * 1024
_LEAST_LIMIT = 4 * _PIECE

# A quoted cell with more than this in it is no cell: a quotation mark was typed, and lines end again.
_LONGEST_CELL = 64 * 1024


class FileCuts(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file is cut: digest of the whole, length of the header line, each part's start and end. Where it is not
    `whole`, a part more is missing that cannot be read."""

    digest: str
    header: int
    cuts: tuple[tuple[int, int], ...]
    whole: bool = True

    @property
    def parts(self) -> int:
        """How many parts the file has; one that never comes keeps it from counting as read."""
        return len(self.cuts) + (not self.whole)


class _Cutter:
    """Follows the bytes of a file and remembers where the last whole line ended."""

    def __init__(self, limit: int, with_header: bool) -> None:
        self.cuts: list[tuple[int, int]] = []
        self.header = 0
        self._limit, self._with_header = limit, with_header
        self._offset = self._start = self._line_end = self._opened_at = 0
        self._inside = False

    def feed(self, piece: bytes) -> None:
        while self._offset + len(piece) - self._start > self._limit - (self.header if self._start else 0):
            self._cut(self._line_end if self._line_end > self._start else self._offset)
        if piece.count(b'"') % 2:
            self._inside, self._opened_at = not self._inside, self._offset
        self._offset += len(piece)
        if not piece.endswith(b"\n") or (self._inside and self._offset - self._opened_at <= _LONGEST_CELL):
            return
        # Here a line ends.
        self._inside = False
        if self._with_header and self._line_end == 0 and self._offset <= _LONGEST_CELL:
            self.header = self._offset
        self._line_end = self._offset

    def finish(self, *, whole: bool) -> tuple[tuple[int, int], ...]:
        """The cuts; of a file that is not whole nothing behind its last whole line."""
        if whole:
            self._cut(self._offset)
        elif self._line_end > self._start:
            self._cut(self._line_end)
        return tuple(self.cuts)

    def _cut(self, at: int) -> None:
        self.cuts.append((self._start, at))
        self._start = at


def plan_parts(file: BinaryIO, *, limit: int, with_header: bool, whole: bool = True) -> FileCuts:
    """Read a file once and say where to cut it, so that no part with its header exceeds `limit` bytes. `whole`: whether
    its last line is one, even without an end.

    `limit` must leave room for a header and a few lines: at least 256 KiB.
    """
    if limit < _LEAST_LIMIT:
        raise ValueError(f"a limit of {limit} bytes leaves no room for lines")
    digest, cutter = hashlib.sha256(), _Cutter(limit, with_header)
    while piece := file.readline(_PIECE):
        digest.update(piece)
        cutter.feed(piece)
    cuts = cutter.finish(whole=whole)
    return FileCuts(digest=digest.hexdigest(), header=cutter.header, cuts=cuts, whole=whole)


def read_parts(file: BinaryIO, plan: FileCuts, *, behind: int = 0) -> Iterator[bytes]:
    """The parts in order, `behind` the first so many; from the second on, the file's header line stands in front."""
    file.seek(0)
    header = file.read(plan.header)
    for start, end in plan.cuts[behind:]:
        file.seek(start)
        yield (header if start else b"") + file.read(end - start)
