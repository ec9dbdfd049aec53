"""CSV pages: bytes → rows of cells. One line is one row, so a stray quote costs one row, not the rest of the file."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any, Final

from gateway.core.normalise.fields import Values
from gateway.core.normalise.language import MAX_ROWS, CsvFormat
from gateway.core.normalise.problems import Wrong, bad_page
from gateway.core.normalise.views import Sources

_AROUND_HEADERS: Final = " \t\r\n\ufeff\u3000\"'"
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
        encoding, header = _header(content, spoken, needs)
        lines = _lines(content, encoding)
        self.header = header
        self.rows = self._split(
            [line for line in lines[0 if spoken.columns else 1 :] if line.strip(_AROUND_HEADERS)]
        )

    def _split(self, lines: list[str]) -> list[Cells]:
        try:
            rows: list[Cells] = list(csv.reader(lines, **_dialect(self._spoken)))
        except csv.Error:
            rows = []
        # A quote that never closes swallows the lines after it: then every line is taken for itself.
        return rows if len(rows) == len(lines) else [self._alone(line) for line in lines]

    def _alone(self, line: str) -> Cells:
        try:
            return next(csv.reader([line], strict=True, **_dialect(self._spoken)), None)
        except csv.Error:
            return None

    def values(self, sources: Sources) -> Callable[[int], Values]:
        """Index → the cells a view reads, None for columns the file does not have."""
        width = len(self.header)
        # The place after the last cell holds None.
        places = [self.header.index(name) if name in self.header else width for name in sources.own]

        def read(index: int) -> Values:
            cells = self.rows[index]
            if cells is None or len(cells) != width:
                cells = _fitted(cells, width)
            row: list[Any] = [*cells, None]
            return [row[place] for place in places]

        return read


def _fitted(cells: Cells, width: int) -> list[str]:
    """The cells of a line that ends with further empty cells; raises Wrong for any other width."""
    if cells is None or len(cells) < width or any(cell.strip() for cell in cells[width:]):
        raise Wrong("wrong_columns")
    return cells[:width]


def _dialect(spoken: CsvFormat) -> dict[str, Any]:
    if not spoken.quote:
        return {"delimiter": spoken.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": spoken.delimiter, "quotechar": spoken.quote}


def _header(content: bytes, spoken: CsvFormat, needs: Needs) -> tuple[str, list[str]]:
    """The first encoding under which the header has the columns needed. Raises BadPage naming those missing."""
    if spoken.columns:
        return _encoding_of(content, spoken), list(spoken.columns)
    missing: list[str] = []
    for encoding in spoken.encoding:
        header = _first_line(content, encoding, spoken)
        missing = ["/".join(columns) for columns in needs if not set(columns) & set(header)]
        if not missing:
            _refuse_doubles(header, needs)
            return encoding, header
    raise bad_page("missing_columns", "、".join(missing))


def _encoding_of(content: bytes, spoken: CsvFormat) -> str:
    for encoding in spoken.encoding:
        try:
            content.decode(encoding)
        except UnicodeError:
            continue
        return encoding
    return spoken.encoding[0]


def _first_line(content: bytes, encoding: str, spoken: CsvFormat) -> list[str]:
    first = content.split(b"\n", 1)[0].decode(encoding, "replace").lstrip("\ufeff").rstrip("\r")
    try:
        cells = next(csv.reader([first], **_dialect(spoken)), [])
    except csv.Error as error:
        raise bad_page("not_csv") from error
    cells = [cell.strip(_AROUND_HEADERS) for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _refuse_doubles(header: list[str], needs: Needs) -> None:
    named = {name for columns in needs for name in columns}
    doubles = sorted({name for name in header if name in named and header.count(name) > 1})
    if doubles:
        raise bad_page("duplicate_columns", "、".join(doubles))


def _lines(content: bytes, encoding: str) -> list[str]:
    """The lines of the page. Where some bytes cannot be decoded, only their own line holds the replacement sign."""
    try:
        text = content.decode(encoding)
    except UnicodeError:
        text = "\n".join(line.decode(encoding, "replace") for line in content.split(b"\n"))
    return [line.removesuffix("\r") for line in text.lstrip("\ufeff").split("\n")]
