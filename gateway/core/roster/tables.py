"""Bytes of a roster file → its header and its numbered rows, whatever program wrote it.

CSV in UTF-8 (with or without a mark), UTF-16 with a mark or GB18030, separated by comma, TAB or semicolon;
Excel workbooks by their first sheet that has a header.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Final, TypeAlias

import msgspec
from python_calamine import CalamineError, PasswordError, load_workbook

from gateway.core.roster.columns import HEADER_WITHIN, Header, known_columns, read_header
from gateway.errors import BadInput

Cell: TypeAlias = str | int | float | bool | date | datetime | time | timedelta
Numbered: TypeAlias = tuple[int, list[Cell]]

MAX_BYTES: Final = 256 * 1024 * 1024
"""A larger roster is refused; a million members take about 150 MiB as CSV."""
MAX_UNPACKED: Final = 1024 * 1024 * 1024
"""What the parts of a workbook may come to once unpacked."""

_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ZIP: Final = b"PK\x03\x04"
_BROKEN_ZIP: Final = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,  # A part that needs a password.
    EOFError,
    ValueError,
    OSError,
)
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A header, the row it stands in, and the rows below it that are not blank, numbered as in the file."""

    header: Header
    header_row: int
    first_column: int
    rows: Iterator[Numbered]


def read_table(content: bytes) -> Table:
    """The table in these bytes. Raises BadInput for a file that holds none; `rows` may raise it too."""
    if len(content) > MAX_BYTES:
        raise BadInput("too_large", f"名册文件超过 {MAX_BYTES // 2**20} MiB (roster file too large)")
    if content.startswith((_ZIP, _OLD_EXCEL)):
        return _from_workbook(content)
    ways = [(text, separator) for text in _decoded(content) for separator in ",\t;"]
    text, separator = max(ways, key=lambda way: _known(*way))
    table = _below_header(_csv_rows(text, separator), first_column=0)
    if table is None:
        raise _no_header()
    return table


def _decoded(content: bytes) -> list[str]:
    """The text, or the two texts it may be when neither encoding fits all of it."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return [content.decode(encoding, errors="replace")]
    for encoding in ("utf-8", "gb18030"):
        try:
            return [content.decode(encoding)]
        except UnicodeDecodeError:
            continue
    texts = [content.decode(encoding, errors="replace") for encoding in ("utf-8", "gb18030")]
    return sorted(texts, key=lambda text: text.count("\ufffd"))


def _known(text: str, separator: str) -> int:
    """How many columns are recognised when the text is read this way."""
    rows = islice(csv.reader(_lines(text), delimiter=separator), HEADER_WITHIN)
    try:
        return max((known_columns(cells) for cells in rows), default=0)
    except csv.Error:
        return 0


def _csv_rows(text: str, separator: str) -> Iterator[Numbered]:
    reader = csv.reader(_lines(text), delimiter=separator, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, cells  # type: ignore[misc]  # A list of text is a list of cells here.
    except csv.Error as error:
        raise BadInput(
            "broken_csv",
            f"第{number + 1}行起引号不成对或内容过长 (quotes do not pair from row {number + 1} on)",
        ) from error


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends, cut at line feeds only: str.splitlines would also cut inside names."""
    if "\n" not in text:
        text = text.replace("\r", "\n")
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start : end + 1]
        start = end + 1
    if start < len(text):
        yield text[start:]


def _from_workbook(content: bytes) -> Table:
    if content.startswith(_ZIP):
        _check_unpacked(content)
    try:
        with load_workbook(io.BytesIO(content)) as workbook:
            for name in workbook.sheet_names:
                sheet = workbook.get_sheet_by_name(name)
                first_column = sheet.start[1] if sheet.start else 0
                table = _below_header(enumerate(sheet.iter_rows(), start=1), first_column=first_column)
                if table is not None:
                    return table
    except PasswordError as error:
        raise BadInput("password", "工作簿有密码，请去掉密码后再导入 (the workbook has a password)") from error
    except CalamineError as error:
        raise BadInput("broken_workbook", "无法读取的工作簿 (unreadable workbook)") from error
    raise _no_header()


def _check_unpacked(content: bytes) -> None:
    """Refuse a zip bomb. Reading every part also proves that the sizes it declares are the real ones."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            size = sum(part.file_size for part in parts.infolist())
            sound = size <= MAX_UNPACKED and parts.testzip() is None
    except _BROKEN_ZIP as error:
        raise BadInput("broken_workbook", "无法读取的工作簿 (unreadable workbook)") from error
    if not sound:
        raise BadInput("too_large", "工作簿解压后过大或已损坏 (workbook damaged or too large once unpacked)")


def _below_header(rows: Iterator[Numbered], *, first_column: int) -> Table | None:
    """The table whose header stands in the first rows, or None."""
    for number, cells in islice(rows, HEADER_WITHIN):
        header = read_header([str(cell) for cell in cells])
        if header is not None:
            not_blank = ((at, cells) for at, cells in rows if any(cell != "" for cell in cells))
            return Table(header=header, header_row=number, first_column=first_column, rows=not_blank)
    return None


def _no_header() -> BadInput:
    return BadInput(
        "no_header",
        f"前{HEADER_WITHIN}行里没有表头；表头至少含会员号、姓名、证件号码 "
        f"(no header within {HEADER_WITHIN} rows; it names at least member_no, name, id_number)",
    )
