"""Pages for the cases of a mapping: rows written as tables of a test file → the bytes a league would send.

Small writers of the formats that the gateway reads, for tests of mappings, the benchmark and the simulated leagues.
"""

from __future__ import annotations

import csv
import io
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr  # Writing only: nothing is parsed with it.

import msgspec

from gateway.core.normalise.language import (
    Column,
    CsvFormat,
    DbfFormat,
    FixedFormat,
    JsonFormat,
    MappingLanguage,
    XmlFormat,
)

_JSON: Final = msgspec.json.Encoder(decimal_format="number")
NO_KINDS: Final[Mapping[str, str]] = {}
Row = dict[str, Any]


def written_rows(rows: list[Row], language: MappingLanguage, encoding: str) -> bytes:
    """The rows in the mapping's own format."""
    spoken = language.format
    if isinstance(spoken, JsonFormat):
        return json_page(rows, spoken)
    if isinstance(spoken, XmlFormat):
        return xml_text(rows, spoken.rows[0].split(".")).encode(encoding)
    if isinstance(spoken, CsvFormat):
        return csv_text(rows, spoken).encode(encoding)
    if isinstance(spoken, FixedFormat):
        end = b"" if spoken.without_ends else b"\r\n"
        return b"".join(fixed_line(row, spoken.columns, spoken.length, encoding) + end for row in rows)
    names = list(dict.fromkeys(key for row in rows for key in row))
    if isinstance(spoken, DbfFormat):
        return dbf_table(names, rows, encoding)
    # Where a row says on which sheet it stands, it stands there.
    titles = dict.fromkeys(str(row.get("sheet:name", "Sheet1")) for row in rows)
    names = [name for name in names if name != "sheet:name"]
    lines = {
        title: [[row.get(name) for name in names] for row in rows if row.get("sheet:name", "Sheet1") == title]
        for title in titles
    }
    return workbook({title: [names, *cells] for title, cells in lines.items()})


def json_page(rows: list[Row], spoken: JsonFormat) -> bytes:
    """The rows in a message, at the first path of the mapping; or one a line."""
    if spoken.lines:
        return b"".join(_JSON.encode(row) + b"\n" for row in rows)
    nested: Any = rows
    for key in reversed(spoken.rows[0].split(".")) if spoken.rows[0] != "." else ():
        nested = {key: nested}
    enveloped = spoken.national_envelope and isinstance(nested, dict)
    return _JSON.encode({"infcode": 0, **nested} if enveloped else nested)


def fixed_line(row: Row, columns: Iterable[Column], length: int, encoding: str) -> bytes:
    """A row of fixed width: texts to the left, filled up with blanks, and cut where they are too long."""
    line = bytearray(b" " * length)
    for column in columns:
        text = _text(row.get(column.name)).encode(encoding)[: column.width]
        line[column.at : column.at + len(text)] = text
    return bytes(line)


def dbf_table(
    names: Sequence[str],
    rows: Sequence[Row],
    encoding: str,
    *,
    kinds: Mapping[str, str] = NO_KINDS,
    deleted: Iterable[int] = (),
) -> bytes:
    """A table of dBase III: a name has at most ten bytes, a column is text (C) where `kinds` does not say N or D.
    `deleted`: rows (from 0) that are struck out."""
    texts = [[_text(row.get(name)).encode(encoding) for name in names] for row in rows]
    widths = [max([1, *(len(text) for text in column)]) for column in zip(*texts, strict=True)] or [1] * len(names)
    head = struct.pack("<B3BIHH20x", 3, 126, 3, 1, len(rows), 32 * len(names) + 33, sum(widths) + 1)
    columns = b"".join(
        struct.pack(
            "<11sc4xBB14x", name.encode(encoding)[:10], kinds.get(name, "C").encode(), width % 256, width // 256
        )
        for name, width in zip(names, widths, strict=True)
    )
    struck, numbers = frozenset(deleted), [kinds.get(name) == "N" for name in names]
    body = b"".join(
        (b"*" if place in struck else b" ") + b"".join(map(_padded, cells, widths, numbers))
        for place, cells in enumerate(texts)
    )
    return head + columns + b"\r" + body + b"\x1a"


def _padded(text: bytes, width: int, is_number: bool) -> bytes:
    return text.rjust(width) if is_number else text.ljust(width)


def workbook(sheets: dict[str, list[list[Any]]], *, hidden: Iterable[str] = ()) -> bytes:
    """An .xlsx whose cells are what they are: int and float as numbers, all else as text, None as no cell."""
    parts = package_parts(list(sheets), frozenset(hidden))
    for place, rows in enumerate(sheets.values(), 1):
        lines = "".join(sheet_row(number, cells) for number, cells in enumerate(rows, 1))
        sheet = f'<worksheet xmlns="{_SPACE}"><sheetData>{lines}</sheetData></worksheet>'
        parts[f"xl/worksheets/sheet{place}.xml"] = sheet
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def package_parts(titles: list[str], hidden: frozenset[str]) -> dict[str, str]:
    """The parts of an .xlsx that say which sheets there are (ECMA-376)."""
    listed = related = ""
    for place, title in enumerate(titles, 1):
        state = ' state="hidden"' if title in hidden else ""
        listed += f'<sheet name={quoteattr(title)} sheetId="{place}" r:id="r{place}"{state}/>'
        related += f'<Relationship Id="r{place}" Type="{_KIND}/worksheet" Target="worksheets/sheet{place}.xml"/>'
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">{_TYPES}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="w" '
        f'Type="{_KIND}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_SPACE}" xmlns:r="{_KIND}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>',
    }


_KIND: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SPACE: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPES: Final = (
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
)


def sheet_row(number: int, cells: list[Any]) -> str:
    """One row of a worksheet in its XML."""
    written = []
    for place, cell in enumerate(cells):
        at = f"{chr(64 + place // 26) if place >= 26 else ''}{chr(65 + place % 26)}{number}"
        if type(cell) in (int, float):
            written.append(f'<c r="{at}"><v>{cell!r}</v></c>')
        elif cell is not None:
            text = escape(_text(cell))
            written.append(f'<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>')
    return f'<row r="{number}">{"".join(written)}</row>'


def xml_text(rows: list[dict[str, Any]], path: list[str]) -> str:
    """The rows as elements at a path."""
    *around, name = path
    written = "".join(_element(name.removesuffix("#"), row) for row in rows)
    for tag in reversed(around):
        written = f"<{tag}>{written}</{tag}>"
    return written


def _element(tag: str, value: Any) -> str:
    """One element: a table's keys are elements inside it, those with `@` its attributes; a list is the tag repeated."""
    if isinstance(value, list):
        return "".join(_element(tag, part) for part in value)
    if not isinstance(value, dict):
        return f"<{tag}>{escape('' if value is None else str(value))}</{tag}>"
    attributes = "".join(f" {key[1:]}={quoteattr(str(text))}" for key, text in value.items() if key.startswith("@"))
    inside = "".join(_element(key, part) for key, part in value.items() if not key.startswith("@"))
    return f"<{tag}{attributes}>{inside}</{tag}>"


def csv_text(rows: list[dict[str, Any]], spoken: CsvFormat) -> str:
    """The rows as lines under their header."""
    header = list(spoken.columns) or list(dict.fromkeys(key for row in rows for key in row))
    written = io.StringIO(newline="")
    quoting: Any = {"quotechar": spoken.quote} if spoken.quote else {"quoting": csv.QUOTE_NONE}
    writer = csv.DictWriter(written, header, delimiter=spoken.delimiter, **quoting)
    if not spoken.columns:
        writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def _text(value: Any) -> str:
    return "" if value is None else str(value)
