"""Tables as files for offices: CSV and workbooks in which what somebody wrote is text, and never a formula.

Every table that is written goes through here. A name or a unit that begins with `=` would otherwise be worked out by
the program that opens the file, and could send its neighbours away (CSV injection, OWASP).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

TableCell = str | int | Decimal | date | None
"""What a cell may hold; an amount is a Decimal in yuan."""

_FORMULA: Final = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def as_text(cell: TableCell) -> str:
    """A cell of a CSV file. What a spreadsheet would take for a formula begins with an apostrophe; numbers stay."""
    if cell is None:
        return ""
    text = cell.isoformat() if isinstance(cell, date) else str(cell)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_file(columns: Sequence[str], rows: Iterable[Sequence[TableCell]]) -> bytes:
    """A table as CSV in UTF-8 with a mark, which Excel needs to know the encoding."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([as_text(column) for column in columns])
    writer.writerows([as_text(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def workbook_file(
    sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[TableCell]]]], *, money: Collection[int] = ()
) -> bytes:
    """Tables as the sheets of a workbook: name → columns and rows. `money`: the places whose cells are yuan."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name, (columns, rows) in sheets.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        sheet.append([_text_cell(sheet, column) for column in columns])
        for row in rows:
            cells = [_workbook_cell(sheet, cell) for cell in row]
            for place in money:
                cells[place] = _money_cell(sheet, row[place])
            sheet.append(cells)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def table_file(form: str, name: str, columns: Sequence[str], rows: Iterable[Sequence[TableCell]]) -> bytes:
    """One table in the form that a file's ending names: xlsx, or CSV for every other."""
    return workbook_file({name: (columns, rows)}) if form == "xlsx" else csv_file(columns, rows)


def _workbook_cell(sheet: Any, cell: TableCell) -> Any:
    return _text_cell(sheet, cell) if isinstance(cell, str) else cell


def _text_cell(sheet: Any, text: str) -> Any:
    """A cell that is text whatever it begins with: Excel asks a cell's kind, not its first letter."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))
    cell.data_type = "s"
    cell.number_format = "@"
    return cell


def _money_cell(sheet: Any, amount: TableCell) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=Decimal(str(amount)))
    cell.number_format = "#,##0.00"
    return cell
