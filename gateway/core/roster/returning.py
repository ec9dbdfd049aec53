"""The rows of a roster that are wrong, as they stand there, with what is wrong: a table to send back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from gateway.core.normalise.workbooks import Cell
from gateway.core.roster.people import Place
from gateway.core.roster.tables import Table, read_tables


class WrongRows(msgspec.Struct, frozen=True, kw_only=True):
    """The wrong rows of one table: its sheet, the office's own columns behind row number and errors, and the rows."""

    sheet: str
    columns: tuple[str, ...]
    rows: list[tuple[str | int, ...]]


def wrong_rows(content: bytes, wrong: Mapping[Place, Sequence[str]]) -> list[WrongRows]:
    """Every table that has wrong rows (place → what is wrong), read once more. What a header lacks stands beside the
    header itself. Raises BadInput as reading did."""
    returned = []
    for table in read_tables(content):
        if isinstance(table, Table):
            rows = _rows(table, wrong)
            if rows:
                columns = ("行号", "错误", *table.words)
                returned.append(WrongRows(sheet=table.sheet, columns=columns, rows=rows))
    return returned


def _rows(table: Table, wrong: Mapping[Place, Sequence[str]]) -> list[tuple[str | int, ...]]:
    header = Place(table.sheet_no, table.header_row, table.sheet)
    rows: list[tuple[str | int, ...]] = []
    if header in wrong:
        rows.append((table.header_row, "；".join(wrong[header]), *table.words))
    for number, cells in table.rows:
        messages = wrong.get(Place(table.sheet_no, number, table.sheet))
        if messages is not None:
            rows.append((number, "；".join(dict.fromkeys(messages)), *map(_as_written, cells)))
    return rows


def _as_written(cell: Cell) -> str:
    """A cell as its office wrote it: a whole number without its point, a day without its hour."""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if not (cell.hour or cell.minute) else str(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
