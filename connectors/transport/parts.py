"""Cutting a large file into parts between its rows, without parsing it and without holding it in memory.

Lines are cut at their ends. That works on bytes, so it holds for every encoding in which the bytes of `"` and of a line
feed mean nothing else: UTF-8, GBK and GB18030 among them. Records of one length are cut at its multiples; those of a
dBase table stand behind a header, which every part has with its own count. What is neither cannot be cut.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from connectors.transport.places import BadArchive
from gateway.ports import FileRows

_PIECE = 64 * 1024
_LEAST_LIMIT = 4 * _PIECE

# A quoted cell with more than this in it is no cell: a quotation mark was typed, and lines end again.
_LONGEST_CELL = 64 * 1024

# More rows than this are no page, however short they are.
_MOST_RECORDS = 200_000

# Where the header of a dBase table tells how many rows follow, where they begin, and how long each is.
_DBF_COUNT, _DBF_HEAD, _LONGEST_DBF_HEAD = "<I", "<4xIHH", 64 * 1024
_BOM = b"\xef\xbb\xbf"


class FileCuts(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file is cut: digest of the whole, length of the header, each part's start and end. Where it is not
    `whole`, a part more is missing that cannot be read. `counts`: how many rows the header of each part of a dBase
    table tells, where there is more than one."""

    digest: str
    header: int
    cuts: tuple[tuple[int, int], ...]
    whole: bool = True
    counts: tuple[int, ...] = ()

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


def plan_file(file: BinaryIO, rows: FileRows, *, limit: int, whole: bool = True) -> FileCuts:
    """The same for a file whose rows are told apart in one of several ways.

    Raises BadArchive for a file larger than `limit` that cannot be cut.
    """
    if rows.by == "lines":
        return plan_parts(file, limit=limit, with_header=rows.with_header, whole=whole)
    head = file.read(max(len(_BOM), struct.calcsize(_DBF_HEAD)))
    digest, size = hashlib.sha256(head), len(head)
    while piece := file.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    count, begin, length = _records(head, rows)
    can_be_cut = 0 < length <= limit // 4 and begin <= _LONGEST_DBF_HEAD
    if size <= limit and (whole or not can_be_cut):
        as_it_is = ((0, size),) if whole else ()
        return FileCuts(digest=digest.hexdigest(), header=0, cuts=as_it_is, whole=whole)
    if not can_be_cut:
        raise BadArchive("超过16 MiB，这种格式不能切开：请对方分成几个文件 (too large, of no format that can be cut)")
    cuts = _between_records(begin, length, size, limit=limit, whole=whole)
    if rows.by == "dbf":
        counts = _counts([(start - begin) // length for start, _ in cuts], count)
        return FileCuts(digest=digest.hexdigest(), header=begin, cuts=cuts, whole=whole, counts=counts)
    # A mark in front of the first record stays there.
    cuts = ((0, cuts[0][1]), *cuts[1:])
    return FileCuts(digest=digest.hexdigest(), header=0, cuts=cuts, whole=whole)


def _counts(starts: list[int], count: int) -> tuple[int, ...]:
    """How many rows each part's header tells: of those the file's own does. The last part's tells of all that should be
    left, so that a table that breaks off still says so."""
    ends = [*starts[1:], max(count, starts[-1])]
    return tuple(max(min(end, count) - start, 0) for start, end in zip(starts, ends, strict=True))


def _records(head: bytes, rows: FileRows) -> tuple[int, int, int]:
    """(How many records a file tells of, where the first begins, the bytes of each); no bytes where there are none."""
    if rows.by == "records":
        return 0, len(_BOM) if head.startswith(_BOM) else 0, rows.record_bytes
    if rows.by == "dbf" and len(head) == struct.calcsize(_DBF_HEAD):
        count, begin, length = struct.unpack(_DBF_HEAD, head)
        return count, begin, length
    return 0, 0, 0


def _between_records(begin: int, length: int, size: int, *, limit: int, whole: bool) -> tuple[tuple[int, int], ...]:
    """Each part's start and end; what follows the last whole record belongs to the last part, where it is `whole`."""
    step = min((limit - begin) // length, _MOST_RECORDS) * length
    if not whole:
        size = begin + (size - begin) // length * length
    starts = range(begin, max(size - length + 1, begin + 1), step)
    ends = [*starts[1:], size]
    # A sign for the end of the file, or half a record, needs a place of its own where the last part is full.
    if ends[-1] - starts[-1] > limit - begin:
        return (*zip(starts, [*ends[:-1], starts[-1] + step], strict=True), (starts[-1] + step, size))
    return tuple(zip(starts, ends, strict=True))


def read_parts(file: BinaryIO, plan: FileCuts, *, behind: int = 0) -> Iterator[bytes]:
    """The parts in order, `behind` the first so many. From the second on the file's header line stands in front; in
    front of every part of a table its header, with the part's own count."""
    file.seek(0)
    header = file.read(plan.header)
    for place, (start, end) in enumerate(plan.cuts[behind:], behind):
        file.seek(start)
        if plan.counts:
            header = header[:4] + struct.pack(_DBF_COUNT, plan.counts[place]) + header[8:]
        yield (header if start else b"") + file.read(end - start)
