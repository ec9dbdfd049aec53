"""A workbook, measured before it is read: how far its cells reach, how long they are, and on which day it counts from.

A reader of workbooks makes room for every cell between the first and the last that holds something: one forgotten cell
far to the right of the last row costs gigabytes. Cells that are only formatted hold nothing, and count for nothing.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Final, TypeAlias

import msgspec
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from gateway.core.normalise import xml_tree
from gateway.errors import BadInput, BadPage

Cell: TypeAlias = str | int | float | bool | date | datetime | time | timedelta
Numbered: TypeAlias = tuple[int, list[Cell]]
Span: TypeAlias = tuple[int, int, int]
"""Cells merged into one, as one of their rows knows them: the first of their rows, the first and the last place."""

MAX_UNPACKED: Final = 1024 * 1024 * 1024
"""What the parts of a workbook may come to once unpacked."""
MAX_CELLS: Final = 24_000_000
"""How many cells the corner of a sheet may span: a million members of twenty columns, in some 700 MiB."""
SMALL: Final = 2_000_000
"""What a sheet may span however little stands in it."""

ZIP: Final = b"PK\x03\x04"
OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"

_CHUNK: Final = 256 * 1024
"""Excel keeps 32,767 characters in a cell: a chunk without any mark of XML is no text that a cell may hold."""
_BROKEN_ZIP: Final = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,  # A part that needs a password.
    EOFError,
    ValueError,
    OSError,
)
_SHEET: Final = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_FAR_CELL: Final = re.compile(
    rb"<(?:\w+:)?c\s(?:[^<>]{0,200}\s)?r=[\"'](?:([A-Za-z]{2,3})([0-9]{1,7})|([A-Za-z])([0-9]{6,7}))[\"'][^<>]{0,200}(?<!/)>"
    rb"(?!(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>)(?=[\s\S]{20})"
)
"""A cell beyond column Z or row 99,999 that is more than a format: neither closed at once nor empty inside. What is
inside has to be seen, so enough has to follow."""
_LETTERS: Final = re.compile(rb"r=[\"']([A-Za-z]{2,3})[0-9]")
_FEW_ROWS: Final = 9_999
_HIGH_ROW: Final = re.compile(rb"r=[\"'][A-Za-z]{1,3}([0-9]{5,7})[\"']")
"""Columns beyond Z, and rows beyond the first few thousand, whatever stands in them: a quick look."""
_LONGEST_CELL: Final = 1024
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[\s/>]")
_CELL: Final = rb"<(?:\w+:)?c(?=\s)(?=[^<>]{0,200}\sr=[\"']([A-Za-z]{1,3})([0-9]{1,7})[\"'])"
_ERROR: Final = re.compile(_CELL + rb"(?=[^<>]{0,200}\st=[\"']e[\"'])")
# A text that a formula made may be empty; a number may not.
_NOT_WORKED_OUT: Final = re.compile(
    _CELL + rb"(?![^<>]{0,200}\st=[\"']str[\"'])[^<>]{0,200}>\s*<(?:\w+:)?f(?:\s[^<>]{0,200})?"
    rb"(?:/>|>[^<>]{0,8192}</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_COUNTS_FROM_1904: Final = re.compile(rb"date1904=[\"'](?:1|true)[\"']")
_DAY_ZERO: Final = date(1899, 12, 30)
_DAY_ZERO_OF_1904: Final = date(1904, 1, 1)


class WorkbookSheet(msgspec.Struct, frozen=True, kw_only=True):
    """One sheet: its place among all (from 1) and its name, whether it is hidden, its rows as a spreadsheet numbers
    them, and its merged cells.

    `filled`: whether anything stands in it. `first_column`: which column the first cell of each row stands in.
    """

    place: int
    title: str
    hidden: bool
    filled: bool
    first_column: int
    rows: Iterator[Numbered]
    merged: MergedCells


class MergedCells:
    """Merged cells (合并单元格): what stands in the first of them is said by every one of them."""

    def __init__(self, spans: Mapping[int, Sequence[Span]]) -> None:
        self._spans = spans
        self._values: dict[tuple[int, int], Cell] = {}

    def filled(self, number: int, cells: list[Cell]) -> list[Cell]:
        """A row with what its merged cells say. Asked for the rows below a header one after another, so what was
        merged in the header or above it is in no row."""
        spans = self._spans.get(number)
        if not spans:
            return cells
        whole = list(cells)
        for top, left, right in spans:
            if top == number:
                self._values[top, left] = cells[left]
            value = self._values.get((top, left), "")
            whole[left : right + 1] = [value] * len(whole[left : right + 1])
        return whole


def sheets(content: bytes, *, unpacked: int | None = None, most_cells: int | None = None) -> Iterator[WorkbookSheet]:
    """The sheets of a workbook, one after another, so that only one of them is unpacked at a time. `unpacked` and
    `most_cells`: other limits than those of a roster.

    Raises BadInput for a workbook that cannot be read, and for one whose cells reach too far or are too long.
    """
    if content.startswith(ZIP):
        _measure(content, MAX_UNPACKED if unpacked is None else unpacked, most_cells or MAX_CELLS)
    with _broken_where_it_is(), load_workbook(io.BytesIO(content)) as workbook:
        for index, metadata in enumerate(workbook.sheets_metadata):
            if metadata.typ == SheetTypeEnum.WorkSheet:
                hidden = metadata.visible != SheetVisibleEnum.Visible
                yield _sheet(workbook, index, metadata.name, hidden=hidden)


@contextmanager
def _broken_where_it_is() -> Iterator[None]:
    """What the library raises for a workbook it cannot read, as BadInput."""
    try:
        yield
    except PasswordError as error:
        raise BadInput("password", "工作簿有密码，请去掉密码后再导入 (the workbook has a password)") from error
    except CalamineError as error:
        raise _broken() from error
    except BaseException as error:
        # A damaged .xls makes the library panic in Rust. What is raised then is no Exception, and has a name alone.
        if type(error).__name__ != "PanicException":
            raise
        raise _broken() from error


def day_zero(content: bytes) -> date:
    """The day a workbook counts its days from: 1899-12-30, or 1904-01-01 where it was made on an old Macintosh."""
    if content.startswith(ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as parts:
                if _COUNTS_FROM_1904.search(parts.read("xl/workbook.xml")):
                    return _DAY_ZERO_OF_1904
        except (KeyError, *_BROKEN_ZIP):
            return _DAY_ZERO
    return _DAY_ZERO


def unsound_cells(content: bytes) -> dict[tuple[str, int], set[int]]:
    """(Sheet name, row) → columns, both from 1, of its errors (#REF!) and of its formulas whose value was never worked
    out, which a reader of workbooks takes for empty cells. Of an .xls none are known."""
    if not content.startswith(ZIP):
        return {}
    unsound: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            for title, path in _paths_of_sheets(parts).items():
                text = parts.read(path)
                cells = _ERROR.findall(text) if b't="e"' in text or b"t='e'" in text else []
                # The plain look first: it is the quick one.
                formulas = (b"<f" in text or b":f" in text) and _FORMULA.search(text)
                cells += _NOT_WORKED_OUT.findall(text) if formulas else []
                for letters, number in cells:
                    unsound[title, int(number)].add(_column(letters))
    except (KeyError, BadPage, *_BROKEN_ZIP):
        return unsound
    return unsound


def _paths_of_sheets(parts: zipfile.ZipFile) -> dict[str, str]:
    relations = xml_tree.parsed(parts.read("xl/_rels/workbook.xml.rels"))
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    paths: dict[str, str] = {}
    for sheet in xml_tree.at_path(xml_tree.parsed(parts.read("xl/workbook.xml")), ["workbook", "sheets", "sheet"]):
        named = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), None)
        target = targets.get(named, "")
        paths[sheet.get("name")] = target[1:] if target.startswith("/") else f"xl/{target}"
    return {title: path for title, path in paths.items() if path in parts.namelist()}


def _sheet(workbook: CalamineWorkbook, index: int, title: str, *, hidden: bool) -> WorkbookSheet:
    sheet = workbook.get_sheet_by_index(index)
    first_column = sheet.start[1] if sheet.start else 0
    return WorkbookSheet(
        place=index + 1,
        title=title,
        hidden=hidden,
        filled=sheet.start is not None,
        first_column=first_column,
        rows=enumerate(sheet.iter_rows(), start=1),
        merged=MergedCells(_spans(sheet, first_column)),
    )


def _spans(sheet: CalamineSheet, first_column: int) -> dict[int, list[Span]]:
    """Row number → the merged cells it has a part in."""
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    height, width = (sheet.end[0] + 1 if sheet.end else 0), sheet.width
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        # What is merged beyond the last cell that holds anything, or before the first, says nothing.
        if left >= first_column and left - first_column < width:
            for row in range(top, min(bottom + 1, height)):
                spans[row + 1].append((top + 1, left - first_column, right - first_column))
    return spans


def _measure(content: bytes, unpacked: int, most_cells: int) -> None:
    """Refuse what would take more memory than a table can need. Reading every part also proves that the sizes a zip
    declares are the real ones."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            entries = parts.infolist()
            if "xl/workbook.xml" not in {entry.filename for entry in entries}:
                words = "只读 .xlsx 与 .xls，请另存为 .xlsx (only .xlsx and .xls are read: save it as .xlsx)"
                raise BadInput("not_xlsx", words)
            if sum(entry.file_size for entry in entries) > unpacked:
                raise BadInput("too_large", "工作簿解压后过大或已损坏 (workbook damaged or too large once unpacked)")
            for entry in entries:
                _measure_part(parts, entry, most_cells)
    except _BROKEN_ZIP as error:
        raise _broken() from error


def _measure_part(parts: zipfile.ZipFile, entry: zipfile.ZipInfo, most_cells: int) -> None:
    is_text = entry.filename.endswith((".xml", ".rels"))
    is_sheet = _SHEET.fullmatch(entry.filename) is not None
    letters, height = {b"Z"}, _FEW_ROWS
    for text, length in _chunks(parts, entry):
        if is_text and length == _CHUNK and b"<" not in text[-length:]:
            raise BadInput("cell_too_long", "有单元格超过 Excel 的长度上限 32767 字 (a cell longer than Excel allows)")
        if is_sheet:
            letters.update(_LETTERS.findall(text))
            height = max(height, *map(int, _HIGH_ROW.findall(text)), 0)
    # Cells that are only formatted count here, too; which they are is asked only where these would be too many.
    if is_sheet and height * max(map(_column, letters)) > SMALL:
        _measure_cells(parts, entry, most_cells)


def _measure_cells(parts: zipfile.ZipFile, entry: zipfile.ZipInfo, most_cells: int) -> None:
    width, height = 26, 0
    for text, _ in _chunks(parts, entry):
        for far in _FAR_CELL.finditer(text):
            width = max(width, _column(far[1] or far[3]))
            height = max(height, int(far[2] or far[4]))
    # Ten bytes and more say what stands in a cell: a sheet that spans more cells than it has bytes is nearly empty.
    if width * height > max(SMALL, min(most_cells, entry.file_size)):
        raise BadInput(
            "far_cell",
            f"有单元格远离其他单元格（第{height}行、第{width}列以内几乎全空），请把表格复制到新表后再用"
            " (a cell stands far from all others: copy the table to a new sheet)",
        )


def _chunks(parts: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[tuple[bytes, int]]:
    """A part of a workbook piece by piece, each behind the last bytes of the one before, since a cell may be cut; and
    how many bytes of it are new."""
    tail = b""
    with parts.open(entry) as part:
        while chunk := part.read(_CHUNK):
            yield tail + chunk, len(chunk)
            tail = (tail + chunk)[-_LONGEST_CELL:]


def _column(letters: bytes) -> int:
    """A column's letters → its number: A → 1, AA → 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _broken() -> BadInput:
    return BadInput("broken_workbook", "无法读取的工作簿 (unreadable workbook)")
