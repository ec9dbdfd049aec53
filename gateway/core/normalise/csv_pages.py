"""CSV pages: bytes → rows of cells.

One line is one row, so a stray quote costs one row and not the rest of the file.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any, Final

from gateway.core.normalise.fields import Values
from gateway.core.normalise.language import MAX_ROWS, CsvFormat
from gateway.core.normalise.problems import Wrong, bad_page
from gateway.core.normalise.views import Sources

_AROUND_HEADERS: Final = " \t\r\n\ufeff\u3000\"'"
# A line of nothing but these is no row: empty lines of a spreadsheet, the end-of-file sign of DOS.
_NOTHING: Final = _AROUND_HEADERS + "\x1a"
Cells = list[str] | None
"""The cells of one line, None where the line cannot be taken apart."""

Needs = tuple[tuple[str, ...], ...]
"""For every field the header must serve: the columns of which one is enough."""


class CsvRows:
    """The lines of a CSV page under its header."""

    def __init__(self, content: bytes, spoken: CsvFormat, needs: Needs) -> None:
        if content.count(b"\n") > MAX_ROWS + 1:
            raise bad_page("too_many_rows")
        self._spoken = spoken
        text, self.header = _decoded(content, spoken, needs)
        lines = [line.removesuffix("\r") for line in text.split("\n")]
        nothing = _NOTHING + spoken.delimiter
        first = 0 if spoken.columns else 1
        lines = [line for line in lines[first:] if line.strip(nothing)]
        try:
            self.rows: list[Cells] = list(csv.reader(lines, **_dialect(spoken)))
        except csv.Error:
            self.rows = []
        # A quote that never closes swallows the lines after it: then every line is taken for itself.
        if len(self.rows) != len(lines):
            self.rows = []
            for line in lines:
                try:
                    self.rows.append(next(csv.reader([line], strict=True, **_dialect(spoken)), None))
                except csv.Error:
                    self.rows.append(None)

    def values(self, sources: Sources) -> Callable[[int], Values]:
        """Index → the cells a view reads, None for columns the file does not have."""
        width = len(self.header)
        # The place after the last cell holds None.
        places = [self.header.index(name) if name in self.header else width for name in sources.own]

        def read(index: int) -> Values:
            cells = self.rows[index]
            if cells is None or len(cells) != width:
                # A line may end with further empty cells; any other width is wrong.
                if cells is None or len(cells) < width or any(cell.strip() for cell in cells[width:]):
                    raise Wrong("wrong_columns")
                cells = cells[:width]
            row: list[Any] = [*cells, None]
            return [row[place] for place in places]

        return read


def _dialect(spoken: CsvFormat) -> dict[str, Any]:
    if not spoken.quote:
        return {"delimiter": spoken.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": spoken.delimiter, "quotechar": spoken.quote}


def _decoded(content: bytes, spoken: CsvFormat, needs: Needs) -> tuple[str, list[str]]:
    """The page as text and its header, in the first encoding that fits both. Raises BadPage.

    Where some bytes fit none, only their own lines get the sign for what cannot be decoded.
    """
    headers = {encoding: _header(content, encoding, spoken) for encoding in spoken.encoding}
    fitting = [encoding for encoding, header in headers.items() if not _missing(header, needs)]
    if not fitting:
        fewest = min((_missing(header, needs) for header in headers.values()), key=len)
        raise bad_page("missing_columns", "、".join(fewest))
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
        raise bad_page("not_csv") from error
    cells = [cell.strip(_AROUND_HEADERS) for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _missing(header: list[str], needs: Needs) -> list[str]:
    return ["/".join(columns) for columns in needs if not set(columns) & set(header)]
