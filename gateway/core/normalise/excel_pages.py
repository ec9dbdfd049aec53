"""Workbooks (.xls, .xlsx): every sheet's rows under its header, wherever that stands, with dates and numbers as text.

How a number becomes fen. A worksheet holds numbers as binary fractions. Of such a number the shortest decimal is taken
that no other one of them lies nearer to (IEEE 754; Python's `repr`), which is what was typed wherever at most fifteen
digits were; from there on it is text, and read by the same exact rule as text. Nothing is multiplied or rounded as a
fraction: 1234.56 gives 123456 fen, 0.1 + 0.2 gives 30, 12.345 is no amount. A whole number of more than fifteen digits
has lost the last of them in the worksheet itself: it is written as a power of ten, which no identifier may be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from gateway.core.normalise.cells import CellRows, Instead, Wanted, missing_columns
from gateway.core.normalise.language import MAX_ROWS, ExcelFormat
from gateway.core.normalise.looks import looks_like
from gateway.core.normalise.problems import bad_page, shown_sheet
from gateway.core.normalise.workbooks import (
    OLD_EXCEL,
    ZIP,
    Cell,
    Numbered,
    WorkbookSheet,
    day_zero,
    sheets,
    unsound_cells,
)
from gateway.errors import BadInput, BadPage

SHEET_COLUMNS: Final = ("sheet:name", "sheet:title")
"""Sources that hold for every row of a sheet: its name, and the first text above its header."""

_AROUND: Final = " \t\r\n\ufeff\u3000\"'"
_HEADER_WITHIN: Final = 50
"""So many rows from the top may come before the header."""
_DIGITS: Final = 10**15
_SERIALS: Final = (10_000, 100_000)
"""Days counted from 1900 that lie between 1927 and 2173; smaller and larger numbers are read as they stand."""
_UNPACKED: Final = 512 * 1024 * 1024
_CELLS: Final = 60 * MAX_ROWS
_UNSOUND: Final[list[str]] = []
"""What stands for an error (#REF!) or a formula without its value: a list fits no field."""


def excel_rows(content: bytes, spoken: ExcelFormat, wanted: Wanted) -> CellRows:
    """The rows of all sheets that have a header, in their order. Raises BadPage."""
    if not content.startswith((ZIP, OLD_EXCEL)):
        raise bad_page("not_excel", looks_like(content))
    try:
        reading = _Reading(content, spoken, wanted)
        for sheet in sheets(content, unpacked=_UNPACKED, most_cells=_CELLS):
            reading.add(sheet)
    except BadPage:
        raise
    except BadInput as bad:
        raise bad_page("bad_workbook", bad.message) from None
    return reading.rows()


class _Reading:
    """The rows of one workbook so far, under all columns of its sheets."""

    def __init__(self, content: bytes, spoken: ExcelFormat, wanted: Wanted) -> None:
        self._spoken, self._wanted = spoken, wanted
        self._zero, self._unsound = day_zero(content), unsound_cells(content)
        self._table = CellRows([], [], beside=len(SHEET_COLUMNS))
        self._without_header: list[tuple[Instead, list[str]]] = []

    def add(self, sheet: WorkbookSheet) -> None:
        """The rows of one sheet; of one that cannot be taken a word about it."""
        if not sheet.filled or (self._spoken.sheets and sheet.title not in self._spoken.sheets):
            return
        shown, hidden = shown_sheet(sheet.place, sheet.title), self._spoken.hidden if sheet.hidden else "read"
        if hidden != "read":
            self._table.rows += [Instead("hidden_sheet", shown)] if hidden == "refuse" else []
            return
        rows = ((number, cells) for number, cells in sheet.rows if any(cell != "" for cell in cells))
        title, header, missing = self._header(rows)
        if missing or not header:
            self._without_header.append((Instead("no_header", shown), missing))
            return
        self._wanted.refuse(header)
        some = islice(rows, MAX_ROWS + 1 - len(self._table.rows))
        self._join(header, [self._cells(cells, header, number, sheet) for number, cells in some], [sheet.title, title])
        if len(self._table.rows) > MAX_ROWS:
            raise bad_page("too_many_rows")

    def rows(self) -> CellRows:
        """All of them, once every sheet was added. Raises BadPage where no sheet has the columns."""
        if not self._table.header and self._without_header:
            fewest = min([missing for _, missing in self._without_header], key=len)
            raise bad_page("missing_columns", "、".join(fewest))
        # Among sheets with a header one without may hold settlements all the same.
        self._table.rows += [instead for instead, _ in self._without_header]
        self._table.take_control(self._spoken.control)
        return self._table

    def _header(self, rows: Iterator[Numbered]) -> tuple[str, list[str], list[str]]:
        """The first text of a sheet, its header, and what that lacks: the first row that lacks nothing, or the best."""
        title, best, fewest = "", list[str](), list[str]()
        for _, cells in islice(rows, _HEADER_WITHIN):
            header = [str(cell).strip(_AROUND) for cell in cells]
            title = title or next(filter(None, header), "")
            while header and not header[-1]:
                header.pop()
            missing = missing_columns(header, self._wanted.needs)
            if not missing:
                return title, header, []
            if not best or len(missing) < len(fewest):
                best, fewest = header, missing
        return title, best, fewest

    def _cells(self, cells: list[Cell], header: list[str], number: int, sheet: WorkbookSheet) -> list[Any]:
        dates, zero = self._wanted.dates, self._zero
        if cells[: len(header)] == header:
            return Instead("header_again")
        read = [
            cell if type(cell) is str else text_of(cell, zero if name in dates else None)
            for cell, name in zip(cells, header, strict=False)
        ]
        for column in self._unsound.get((sheet.title, number), ()):
            if column - 1 - sheet.first_column < len(read):
                read[column - 1 - sheet.first_column] = _UNSOUND
        return read + [str(cell) for cell in cells[len(header) :] if cell != ""]

    def _join(self, header: list[str], rows: list[list[Any]], beside: list[str]) -> None:
        """Add a sheet's rows. Where its columns stand otherwise than those of the sheets before, they are moved."""
        table, own = self._table, [*SHEET_COLUMNS, *header]
        table.header = table.header or own
        if own == table.header:
            table.rows += [cells if isinstance(cells, Instead) else beside + cells for cells in rows]
            return
        further = [name for name in header if name and name not in table.header]
        table.header = table.header + further
        table.rows = [row if isinstance(row, Instead) else [*(row or ()), *([""] * len(further))] for row in table.rows]
        places = [own.index(name) if name in own else len(own) for name in table.header]
        for cells in rows:
            whole = [*beside, *cells, ""] if len(cells) == len(header) else None
            moved = [whole[place] for place in places] if whole else None
            table.rows.append(cells if isinstance(cells, Instead) else moved)


def text_of(cell: Cell, zero: date | None) -> Any:
    """A cell that is no text, as text. `zero`: the day from which a number counts, in a column of days."""
    if type(cell) is float or type(cell) is int:
        if zero is not None and _SERIALS[0] <= cell < _SERIALS[1]:
            return _moment(datetime(zero.year, zero.month, zero.day) + timedelta(days=cell))  # noqa: DTZ001
        return number_text(cell)
    if isinstance(cell, datetime):
        return _moment(cell)
    # True, a time of day or a span of time is no value of any field but a flag.
    return cell.isoformat() if isinstance(cell, date) else cell if isinstance(cell, bool) else _UNSOUND


def number_text(number: float) -> str:
    """A number of a worksheet in decimal digits; of a whole one whose last digits are lost as a power of ten."""
    if not math.isfinite(number):
        return "?"
    if number == int(number):
        return str(int(number)) if abs(number) < _DIGITS else f"{number:.14E}"
    return f"{Decimal(repr(number)):f}"


def _moment(moment: datetime) -> str:
    """To the second: a worksheet's times are fractions of a day."""
    rounded = (moment + timedelta(microseconds=500_000)).replace(microsecond=0)
    return rounded.strftime("%Y-%m-%d" if rounded.time() == time() else "%Y-%m-%d %H:%M:%S")
