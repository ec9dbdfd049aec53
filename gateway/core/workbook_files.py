"""Tables as workbooks for offices: what somebody wrote is text whatever it begins with, amounts are numbers."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from gateway.core.csv_files import TableCell


def workbook_file(
    sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[TableCell]]]], *, money: Collection[int] = ()
) -> bytes:
    """Tables as the sheets of a workbook: name → columns and rows. `money`: the places whose cells are yuan."""
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


def _workbook_cell(sheet: Any, cell: TableCell) -> Any:
    return _text_cell(sheet, cell) if isinstance(cell, str) else cell


def _text_cell(sheet: Any, text: str) -> Any:
    """A cell that is text whatever it begins with: Excel asks a cell's kind, not its first letter."""
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))
    cell.data_type = "s"
    cell.number_format = "@"
    return cell


def _money_cell(sheet: Any, amount: TableCell) -> Any:
    cell = WriteOnlyCell(sheet, value=Decimal(str(amount)))
    cell.number_format = "#,##0.00"
    return cell
