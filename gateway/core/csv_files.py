"""Tables as CSV files for offices, in which what somebody wrote is text, and never a formula.

Every table that is written goes through here, or through `workbook_files`. A name or a unit that begins with `=` would
otherwise be worked out by the program that opens the file, and could send its neighbours away (CSV injection, OWASP).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

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
