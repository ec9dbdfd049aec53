"""A roster that comes as a stream → tables of a few thousand rows, each with the header: none is ever held whole.

A CSV is cut at the ends of its records (a line end inside quotes is none); lines of JSON become rows of a table whose
columns are the keys they use. Each table is then read as any roster file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from gateway.core.roster.tables import MAX_BYTES
from gateway.errors import BadInput

ROWS_AT_ONCE: Final = 5_000
LONGEST_ROW: Final = 64 * 1024
"""In bytes."""

RosterForm = Literal["csv", "ndjson", "file"]
"""A CSV, lines of JSON, or a file as offices keep it, which is not cut."""


class CutRows(msgspec.Struct, frozen=True):
    """Rows of a roster as a table of their own; `before`: what a row number in it is less than the one in the whole."""

    content: bytes
    before: int


class RosterCutter:
    """Cuts one roster. Bytes go in as they come; tables come out as soon as they are full."""

    def __init__(self, form: RosterForm, *, rows_at_once: int | None = None) -> None:
        self._form, self._most = form, rows_at_once or ROWS_AT_ONCE
        self._open = bytearray()
        self._in_quotes = False
        self._header: bytes | None = None
        self._rows: list[bytes] = []
        self._behind = self._before = 0

    def take(self, data: bytes) -> Iterator[CutRows]:
        """Bytes that came. Raises BadInput: row_too_long, not_json."""
        for piece in io.BytesIO(data):
            self._open += piece
            if len(self._open) > LONGEST_ROW:
                raise BadInput("row_too_long", f"第{self._behind + 1}行过长 (a row is longer than 64 KiB)")
            if self._form == "csv" and piece.count(b'"') % 2:
                self._in_quotes = not self._in_quotes
            if piece.endswith(b"\n") and not self._in_quotes:
                self._end_row()
                if len(self._rows) == self._most:
                    yield self._table()

    def finish(self) -> Iterator[CutRows]:
        """No more comes: what is left. Raises BadInput as `take`."""
        if self._open:
            self._end_row()
        if self._rows:
            yield self._table()

    def _end_row(self) -> None:
        row = bytes(self._open)
        self._open.clear()
        self._behind += 1
        if self._form == "ndjson" or self._header is not None:
            self._rows.append(row)
        elif row.strip(b"\xef\xbb\xbf \t\r\n"):
            self._header, self._before = row, self._behind

    def _table(self) -> CutRows:
        # In its own table each row stands behind one row of header.
        rows, before = self._rows, self._before - 1
        self._rows, self._before = [], self._behind
        if self._form == "csv":
            return CutRows(b"".join([self._header or b"", *rows]), before)
        return CutRows(_as_table(rows, before + 1), before)


class WholeRoster:
    """A roster that is not cut: a workbook, or a CSV of any shape, is one table as it came."""

    def __init__(self) -> None:
        self._content = bytearray()

    def take(self, data: bytes) -> Iterator[CutRows]:
        """Bytes that came. Raises BadInput: too_large."""
        self._content += data
        if len(self._content) > MAX_BYTES:
            raise BadInput("too_large", f"名册文件超过 {MAX_BYTES // 2**20} MiB (roster file too large)")
        return iter(())

    def finish(self) -> Iterator[CutRows]:
        """No more comes: all of it, where anything came."""
        return iter([CutRows(bytes(self._content), 0)] if self._content else [])


def cutter_of(form: RosterForm) -> RosterCutter | WholeRoster:
    """What takes a roster of this form."""
    return WholeRoster() if form == "file" else RosterCutter(form)


def _as_table(rows: list[bytes], before: int) -> bytes:
    """Lines of JSON as a CSV. Raises BadInput."""
    objects = [_object(row, before + number) for number, row in enumerate(rows, start=1)]
    columns = list(dict.fromkeys(key for line in objects for key in line))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for line in objects:
        # A line of nothing stays a line, so that the numbers behind it hold.
        writer.writerow([_cell(line.get(column)) for column in columns])
    return text.getvalue().encode()


def _object(row: bytes, number: int) -> dict[str, Any]:
    if not row.strip():
        return {}
    try:
        line = _JSON.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadInput("not_json", f"第{number}行不是JSON对象 (line {number} is no flat JSON object)") from None
    return line


_JSON: Final = msgspec.json.Decoder(dict[str, str | int | bool | None])


def _cell(value: str | int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value)
