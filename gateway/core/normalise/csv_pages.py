"""CSV pages: bytes → rows of cells.

One line is one row, so a stray quote costs one row and not the rest of the file. A quoted cell with line breaks in it
(RFC 4180) is a row with further lines, each of which keeps its place in the count and is no row.
"""

from __future__ import annotations

import csv
from collections import Counter
from typing import Any, Final

import msgspec

from gateway.core.normalise.cells import CUT_OFF, NO_ROW, CellRows, Cells, Needs, missing_columns
from gateway.core.normalise.language import MAX_ROWS, CsvFormat
from gateway.core.normalise.looks import looks_like
from gateway.core.normalise.problems import bad_page

_AROUND_HEADERS: Final = " \t\r\n\ufeff\u3000\"'"
# A line of nothing but these is no row: empty lines of a spreadsheet, the end-of-file sign of DOS.
_NOTHING: Final = _AROUND_HEADERS + "\x1a"
_MOST_LINES: Final = 20
"""The most lines one row may take: more is a quote that somebody typed."""
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


class CsvRows(CellRows):
    """The lines of a CSV page under its header."""

    def __init__(self, content: bytes, spoken: CsvFormat, needs: Needs) -> None:
        if content.count(b"\n") > MAX_ROWS + 1:
            raise bad_page("too_many_rows")
        self._spoken = spoken
        text, header = _decoded(content, spoken, needs)
        super().__init__(header, [])
        every_line = [line.removesuffix("\r") for line in text.split("\n")]
        nothing = _NOTHING + spoken.delimiter
        first = 0 if spoken.columns else 1
        lines = [line for line in every_line[first:] if line.strip(nothing)]
        self.rows = self._plainly(text, lines)
        # A quote that does not close in its line swallows others: then they are taken apart with care.
        if len(self.rows) != len(lines):
            self.rows = self._with_care(every_line[first:], nothing)
        # Of a line that breaks off nothing can be believed: 67 may have been 678.90.
        if self.rows and not spoken.open_end and len(every_line) > 1 and every_line[-1].strip(_NOTHING):
            self.rows[-1] = CUT_OFF
        if spoken.control:
            self.take_control(spoken.control)
        if spoken.widths or spoken.further:
            self.take_edition(needs)

    def take_edition(self, needs: Needs) -> None:
        """Rows of an edition of the file that has fewer columns, or more. A page is of one edition: that of most of its
        lines, so that a TAB somebody typed makes no line one of the next edition."""
        columns = self._spoken.columns
        allowed = self._spoken.widths or (len(columns),)
        many: Counter[int] = Counter()
        for length, count in Counter(map(len, filter(None, self.rows))).items():
            fits = length in allowed or (self._spoken.further and length > len(columns))
            many[length if fits else max((width for width in allowed if width < length), default=0)] += count
        width = max(many, key=lambda width: (many[width], width), default=0) or max(allowed)
        self.header = [*columns[:width], *("" for _ in range(width - len(columns)))]
        missing = missing_columns(self.header, needs)
        if missing:
            raise bad_page("missing_columns", "、".join(missing))

    def _plainly(self, text: str, lines: list[str]) -> list[Cells]:
        """The cells of lines of which each is a row; another number of rows, or none, where that is not so."""
        spoken = self._spoken
        quoted, longest = spoken.quote and spoken.quote in text, max(map(len, lines), default=0)
        # Where no quote was typed, a separator is one wherever it stands.
        if not quoted and longest < csv.field_size_limit() and text.count("\r") in (0, text.count("\r\n")):
            return [line.split(spoken.delimiter) for line in lines]
        try:
            return list(csv.reader(lines, **_dialect(spoken)))
        except csv.Error:
            return []

    def _with_care(self, lines: list[str], nothing: str) -> list[Cells]:
        rows: list[Cells] = []
        behind = 0
        for place, line in enumerate(lines):
            if not line.strip(nothing):
                continue
            if place < behind:
                rows.append(NO_ROW)
                continue
            # Only an odd number of quotes leaves one open; any other line reads as it would in a file without such.
            is_open = bool(self._spoken.quote) and line.count(self._spoken.quote) % 2 == 1
            cells = self._cells(line, strict=is_open)
            if cells is None and is_open:
                cells, behind = self._over_lines(lines[place : place + _MOST_LINES], place)
            rows.append(cells)
        return rows

    def _over_lines(self, lines: list[str], place: int) -> tuple[Cells, int]:
        """The cells of a row that begins in the first of these lines and ends in a later one, and the place behind it.

        The first quote that closes must bring the right number of cells. Where two of the lines have all the separators
        of a row, two people typed a quote, and what lies between are rows of their own.
        """
        width = len(self.header)
        whole = [line.count(self._spoken.delimiter) >= width - 1 for line in lines]
        for last in range(1, len(lines)):
            cells = self._cells("\n".join(lines[: last + 1]), strict=True)
            if cells is not None:
                fits = len(cells) >= width and not any(cell.strip() for cell in cells[width:])
                if fits and sum(whole[: last + 1]) < 2:
                    return [cell.replace("\n", " ") if "\n" in cell else cell for cell in cells], place + last + 1
                break
        return None, 0

    def _cells(self, text: str, *, strict: bool) -> Cells:
        try:
            rows = list(csv.reader([text], strict=strict, **_dialect(self._spoken)))
        except csv.Error:
            return None
        return rows[0] if len(rows) == 1 else None


def _dialect(spoken: CsvFormat) -> dict[str, Any]:
    if not spoken.quote:
        return {"delimiter": spoken.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": spoken.delimiter, "quotechar": spoken.quote}


def _decoded(content: bytes, spoken: CsvFormat, needs: Needs) -> tuple[str, list[str]]:
    """The page as text and its header, in the first encoding that fits both. Raises BadPage.

    Where some bytes fit none, only their own lines get the sign for what cannot be decoded.
    """
    if content[:2] in _UTF_16:
        # The mark says so, whatever the mapping names. A part of a cut file may end in the middle of its last sign.
        content = content[: len(content) // 2 * 2].decode("utf-16", "replace").encode("utf-8", "replace")
        spoken = msgspec.structs.replace(spoken, encoding=("utf-8",))
    headers = {encoding: _header(content, encoding, spoken) for encoding in spoken.encoding}
    fitting = [encoding for encoding, header in headers.items() if not missing_columns(header, needs)]
    if not fitting:
        fewest = min((missing_columns(header, needs) for header in headers.values()), key=len)
        seems = looks_like(content)
        raise bad_page("not_csv", seems) if seems else bad_page("missing_columns", "、".join(fewest))
    header, named = headers[fitting[0]], {name for columns in needs for name in columns}
    doubles = sorted({name for name in header if name in named and header.count(name) > 1})
    if doubles:
        raise bad_page("duplicate_columns", "、".join(doubles))
    for encoding in fitting:
        try:
            return content.decode(encoding).lstrip("\ufeff"), headers[encoding]
        except UnicodeError:
            continue
    lines = [line.decode(fitting[0], "replace") for line in content.split(b"\n")]
    return "\n".join(lines).lstrip("\ufeff"), header


def _header(content: bytes, encoding: str, spoken: CsvFormat) -> list[str]:
    if spoken.columns:
        return list(spoken.columns)
    end = content.find(b"\n")
    first = content[: end if end >= 0 else None].decode(encoding, "replace").strip("\ufeff\r\x1a")
    try:
        cells = next(csv.reader([first], **_dialect(spoken)), [])
    except csv.Error as error:
        raise bad_page("not_csv", looks_like(content)) from error
    cells = [cell.strip(_AROUND_HEADERS) for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    return cells
