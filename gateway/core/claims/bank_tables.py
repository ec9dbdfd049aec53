"""Tables that come from offices and banks: bytes of a CSV file or workbook → rows by column. Pure.

The header may stand in any of the first rows, its columns under any of their names and in any order; columns that are
not asked for are left alone. No error holds a value.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import msgspec

from gateway.core.normalise import workbooks
from gateway.core.normalise.workbooks import Cell
from gateway.errors import BadInput

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_ROWS: Final = 100_000
_HEADER_WITHIN: Final = 20
_LOST_DIGITS: Final = 10**15
"""Excel keeps 15 digits of a number."""

_SPACE: Final = re.compile(r"[\s\u3000\u200b\ufeff]+")
_UNITS: Final = re.compile(r"[(（\[].*?[)）\]]")


class TableRow(msgspec.Struct, frozen=True):
    """A row as the file numbers it, from 1 on: column → text, empty where nothing stands."""

    number: int
    cells: Mapping[str, str]


def read_rows(content: bytes, columns: Mapping[str, Sequence[str]], *, needed: Sequence[str]) -> list[TableRow]:
    """The rows below the header that are not blank. `columns`: name → how files call it; `needed`: those without which
    a row is no header. Raises BadInput("too_large" | "no_header" | "not_a_table" | "number_lost")."""
    if len(content) > MAX_BYTES:
        raise BadInput("too_large", f"文件超过 {MAX_BYTES // 2**20} MiB (the file is too large)")
    names = {_bare(word): name for name, words in columns.items() for word in (name, *words)}
    at: dict[str, int] = {}
    rows: list[TableRow] = []
    for number, cells in islice(_numbered(content), MAX_ROWS + _HEADER_WITHIN):
        if not at:
            named = {
                names[_bare(cell)]: place for place, cell in reversed(list(enumerate(cells))) if _bare(cell) in names
            }
            if number > _HEADER_WITHIN:
                break
            at = named if all(name in named for name in needed) else {}
        elif any(cells):
            row = {name: cells[place] if place < len(cells) else "" for name, place in at.items()}
            rows.append(TableRow(number, row))
    if not at:
        columns_needed = "、".join(f"{name}（{'、'.join(columns[name][:3])}）" for name in needed)
        raise BadInput(
            "no_header", f"前{_HEADER_WITHIN}行里没有表头；须有：{columns_needed} (no header with these columns)"
        )
    if len(rows) > MAX_ROWS:
        raise BadInput("too_large", f"超过 {MAX_ROWS} 行 (too many rows)")
    return rows


def _bare(word: str) -> str:
    return _UNITS.sub("", _SPACE.sub("", word)).lower()


def _numbered(content: bytes) -> Iterator[tuple[int, list[str]]]:
    if content.startswith((workbooks.ZIP, workbooks.OLD_EXCEL)):
        for sheet in workbooks.sheets(content):
            if not sheet.hidden:
                yield from ((number, [_text(number, cell) for cell in cells]) for number, cells in sheet.rows)
                return
        raise BadInput("not_a_table", "工作簿里没有可见的工作表 (no visible sheet)")
    reader = csv.reader(io.StringIO(_decoded(content), newline=""), strict=True)
    try:
        yield from ((number, [_plain(cell) for cell in cells]) for number, cells in enumerate(reader, start=1))
    except csv.Error:
        raise BadInput("not_a_table", "不是完整的 CSV (not complete CSV)") from None


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput("not_a_table", "应为 UTF-8 或 GB18030 的 CSV，或 Excel (CSV in UTF-8 or GB18030, or a workbook)")


def _plain(text: str) -> str:
    """Text without what keeps a spreadsheet from changing it."""
    return text.strip("\ufeff \u3000\t\r\n").removeprefix("'").strip()


def _text(number: int, cell: Cell) -> str:
    if isinstance(cell, str):
        return _plain(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if abs(cell) >= _LOST_DIGITS:
            raise BadInput("number_lost", f"第{number}行有超过15位的数字，已失去末位；请设为文本 (digits were lost)")
        return (
            str(int(cell))
            if cell == int(cell)
            else f"{cell:.2f}"
            if abs(cell * 100 - round(cell * 100)) < 1e-6
            else str(cell)
        )
    return str(cell)
