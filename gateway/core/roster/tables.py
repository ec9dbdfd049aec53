"""Bytes of a roster file → its tables, each a header and its numbered rows, whatever program wrote it.

CSV in UTF-8 (with or without a mark), UTF-16 with a mark or GB18030, separated by comma, TAB or semicolon;
Excel workbooks by every sheet that has a header.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Final

import msgspec

from gateway.core.normalise import workbooks
from gateway.core.normalise.workbooks import MergedCells, Numbered
from gateway.core.roster.columns import HEADER_WITHIN, Header, known_columns, read_header
from gateway.core.roster.lines import kind_of_line
from gateway.errors import BadInput

MAX_BYTES: Final = 256 * 1024 * 1024
"""A larger roster is refused; a million members take about 150 MiB as CSV."""

_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WEB_PAGE: Final = ("<html", "<!doctype", "<table", "<meta", "<head", "<style", "<?xml", "<workbook")


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A header, the row it stands in, and the rows below it that are not blank, numbered as in the file.

    `words`: the header's cells as they are. `sheet`: the sheet's name and its number from 1 on; "" and 0 for a text
    file. `day_zero`: the day from which the numbers of a workbook count its days; None where only text stands.
    `skipped`: how many of the rows read so far were no member's, by kind of line (see `lines`); they are not in `rows`.
    """

    header: Header
    header_row: int
    words: tuple[str, ...]
    first_column: int
    rows: Iterator[Numbered]
    sheet: str = ""
    sheet_no: int = 0
    day_zero: date | None = None
    skipped: Counter[str] = msgspec.field(default_factory=Counter)


class UnreadSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet that holds something and is left unread: it is hidden, or has no header."""

    sheet: str
    sheet_no: int
    hidden: bool


def read_tables(content: bytes) -> Iterator[Table | UnreadSheet]:
    """The tables in these bytes; each is to be read before the next is asked for.

    Raises BadInput for a file that holds none, and for one that is too large; `rows` may raise it too.
    """
    if len(content) > MAX_BYTES:
        raise BadInput("too_large", f"名册文件超过 {MAX_BYTES // 2**20} MiB (roster file too large)")
    if content.startswith((workbooks.ZIP, workbooks.OLD_EXCEL)):
        yield from _tables_of_workbook(content)
        return
    texts = _decoded(content)
    if texts[0].lstrip("\ufeff \t\r\n")[:9].lower().startswith(_WEB_PAGE):
        raise BadInput(
            "web_page",
            "这是网页或XML表格，不是Excel工作簿；请用Excel打开后另存为 .xlsx (a web page: save it as .xlsx)",
        )
    text, separator = max(((text, separator) for text in texts for separator in ",\t;"), key=lambda way: _known(*way))
    rows = _csv_rows(text, separator)
    below = _header_of(rows)
    if below is None:
        raise _no_header()
    header, header_row, words = below
    skipped: Counter[str] = Counter()
    members = _members_rows(header, rows, MergedCells({}), skipped)
    yield Table(header=header, header_row=header_row, words=words, first_column=0, rows=members, skipped=skipped)


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


def _tables_of_workbook(content: bytes) -> Iterator[Table | UnreadSheet]:
    day_zero, some = None, False
    for number, sheet in enumerate(workbooks.sheets(content), start=1):
        if day_zero is None:
            day_zero = workbooks.day_zero(content)
        begins = None if sheet.hidden else _header_of(sheet.rows)
        if begins is not None:
            some, skipped = True, Counter[str]()
            yield Table(
                header=begins[0],
                header_row=begins[1],
                words=begins[2],
                first_column=sheet.first_column,
                rows=_members_rows(begins[0], sheet.rows, sheet.merged, skipped),
                sheet=sheet.title,
                sheet_no=number,
                day_zero=day_zero,
                skipped=skipped,
            )
        elif sheet.filled:
            yield UnreadSheet(sheet=sheet.title, sheet_no=number, hidden=sheet.hidden)
    if not some:
        raise _no_header()


def _header_of(rows: Iterator[Numbered]) -> tuple[Header, int, tuple[str, ...]] | None:
    """The header that stands in the first rows, its row and its cells, or None. The rows go on below it."""
    for number, cells in islice(rows, HEADER_WITHIN):
        words = tuple(map(str, cells))
        header = read_header(list(words))
        if header is not None:
            return header, number, words
    return None


def _members_rows(
    header: Header, rows: Iterator[Numbered], merged: MergedCells, skipped: Counter[str]
) -> Iterator[Numbered]:
    """The rows that are members', with what merged cells say. What kind a line is shows before that: a signature that
    is merged over all columns would seem to have an id number."""
    place = header.at.get("id_number", 0)
    for number, cells in rows:
        # Nearly every row is a member's, and shows it by a text as long as an id number.
        cell = cells[place] if place < len(cells) else ""
        if not (isinstance(cell, str) and len(cell) in (15, 18) and cell.isascii()):
            if not any(cell != "" for cell in cells):
                continue
            kind = kind_of_line(header, cells)
            if kind is not None:
                skipped[kind] += 1
                continue
        yield number, merged.filled(number, cells)


def _no_header() -> BadInput:
    return BadInput(
        "no_header",
        f"前{HEADER_WITHIN}行里没有表头；表头至少含会员号、姓名、证件号码 "
        f"(no header within {HEADER_WITHIN} rows; it names at least member_no, name, id_number)",
    )
