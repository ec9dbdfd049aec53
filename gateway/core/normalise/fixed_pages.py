"""Text of fixed width (定长文本): rows of bytes → cells, each cut out where its column stands.

Columns are counted in bytes of the declared encoding, as the programs count that write such files: a Chinese character
of GBK takes two of them. So a row is cut first and decoded afterwards, cell by cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from gateway.core.normalise.cells import CUT_OFF, NO_ROW, CellRows, Cells, Instead
from gateway.core.normalise.decoding import encoding_of, reads
from gateway.core.normalise.language import MAX_ROWS, Column, FixedFormat
from gateway.core.normalise.looks import looks_like
from gateway.core.normalise.problems import bad_page

_LOST: Final = "\ufffd"
_BOM: Final = b"\xef\xbb\xbf"
_NOTHING: Final = b" \t\r\x00\x1a"


class Cutter:
    """Cuts the columns out of a row of bytes."""

    def __init__(self, columns: Sequence[Column], encoding: str) -> None:
        self._places = [slice(column.at, column.at + column.width) for column in columns]
        self._cut = itemgetter(*self._places, slice(0, 0))
        self._encoding = encoding
        # Where a column begins right behind the one before it, a character may stand across their border.
        self._touching = [
            place.stop == after.start for place, after in zip(self._places, self._places[1:], strict=False)
        ]

    def cells(self, row: bytes) -> list[str]:
        """The texts of a row without the blanks they are filled up with. What cannot be decoded becomes the sign for a
        lost character, in its own cell; a character across the border of two columns is lost to both."""
        if row.isascii():
            return [cell.strip() for cell in self._cut(row.decode("ascii"))[:-1]]
        encoding = self._encoding
        pieces = self._cut(row)[:-1]
        cells = [str(piece, "ascii") if piece.isascii() else piece.decode(encoding, "replace") for piece in pieces]
        for place, touching in enumerate(self._touching):
            if touching and cells[place].endswith(_LOST):
                whole = pieces[place][-1:] + pieces[place + 1][:1]
                if not whole[:1].isascii() and reads(whole, encoding):
                    cells[place + 1] = _LOST + cells[place + 1]
        return [cell.strip() for cell in cells]


def fixed_rows(content: bytes, spoken: FixedFormat) -> CellRows:
    """The rows of a page of fixed width. Raises BadPage."""
    encoding = encoding_of(content, spoken.encoding)
    if encoding is None:
        raise bad_page("wrong_encoding", "、".join(spoken.encoding))
    lines, whole = lines_of(content.removeprefix(_BOM), spoken)
    rows = CellRows([column.name for column in spoken.columns], [])
    _fill(rows, [line.removesuffix(b"\r") for line in lines], spoken, encoding)
    # A file that ends within its first line has lost all others.
    only_control = bool(rows.control) and len(lines) == 1 and not content.rstrip(b"\x1a").endswith(b"\n")
    if (not whole or only_control) and rows.rows:
        rows.rows[-1] = CUT_OFF
    if lines and all(isinstance(row, Instead) and row is not NO_ROW for row in rows.rows) and looks_like(content):
        raise bad_page("not_fixed", looks_like(content))
    return rows


def lines_of(content: bytes, spoken: FixedFormat) -> tuple[list[bytes], bool]:
    """The rows of a page as bytes, and whether the last of them is whole. Raises BadPage for too many."""
    if spoken.without_ends:
        content = content.rstrip(b"\r\n\x1a")
        lines = [content[start : start + spoken.length] for start in range(0, len(content), spoken.length)]
        whole = not lines or len(lines[-1]) == spoken.length
    elif content.count(b"\n") > MAX_ROWS + 1:
        raise bad_page("too_many_rows")
    else:
        lines = content.split(b"\n")
        last = lines.pop() if not lines[-1].strip(_NOTHING) and len(lines) > 1 else b"."
        whole = not last.strip(_NOTHING) or len(lines) == 1
    if len(lines) > MAX_ROWS:
        raise bad_page("too_many_rows")
    return lines, whole


def _fill(rows: CellRows, lines: list[bytes], spoken: FixedFormat, encoding: str) -> None:
    cutter = Cutter(spoken.columns, encoding)
    beginnings = {begin.encode(encoding): line for line in spoken.control for begin in line.begins}
    control = {begin: (line, Cutter(line.spans, encoding)) for begin, line in beginnings.items()}
    begins = tuple(beginnings)
    for line in lines:
        if begins and line.startswith(begins):
            spans, cut = next(way for begin, way in control.items() if line.startswith(begin))
            end = max([span.at + span.width for span in spans.spans], default=len(line))
            rows.control.append(dict(zip((span.name for span in spans.spans), cut.cells(line), strict=True)))
            # A row may have been joined to it where a line end was lost.
            rows.rows.append(Instead("wrong_width") if line[end:].strip(_NOTHING) else NO_ROW)
        elif line.strip(_NOTHING):
            rows.rows.append(_cells(line, spoken, cutter))


def _cells(line: bytes, spoken: FixedFormat, cutter: Cutter) -> Cells:
    if spoken.short_lines:
        line = line.ljust(spoken.length)
    # A line that is longer or shorter has lost its columns, be it only by blanks: what stands in one may be half of
    # another.
    return cutter.cells(line) if len(line) == spoken.length else Instead("wrong_width")
