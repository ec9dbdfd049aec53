"""Tables of dBase III and FoxPro (.dbf): a header that says where each column stands, and rows of fixed width.

The layout is that of the dBase III manual; of FoxPro's further types those are read that hold what settlements hold
(integers, money, times). Text that lies in a second file (memo) did not come with the table.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

import msgspec

from gateway.core.normalise.cells import NO_ROW, CellRows, Cells, Instead, Wanted
from gateway.core.normalise.decoding import encoding_of
from gateway.core.normalise.fixed_pages import Cutter
from gateway.core.normalise.language import MAX_ROWS, Column, DbfFormat
from gateway.core.normalise.looks import looks_like
from gateway.core.normalise.problems import bad_page

_VERSIONS: Final = frozenset(bytes.fromhex("020304053031324383848b8ecbf5fbe5"))
_HEAD, _DESCRIPTION = 32, 32
_END_OF_HEADER, _END_OF_FILE = 0x0D, 0x1A
_LIVE, _DELETED = 0x20, 0x2A
_ELSEWHERE: Final = frozenset("MGPWQVB")
"""Types whose text lies in another file, or whose numbers are binary fractions in this one."""
_WIDTHS: Final = {"I": 4, "Y": 8, "T": 8, "D": 8, "L": 1}
"""Types whose values have one width. A column of another width has lost its type or its place."""
_NUMBER: Final = re.compile(rb"[ 0-9.+*E\x00-]*")
"""What may stand in a number (N, F): asterisks where it did not fit, blanks or NUL where there is none."""
_AFTER_THE_END: Final = b"\x00\r\n"
_SYSTEM: Final = "0"
"""The type of a column FoxPro keeps for itself: which values are null."""
_JULIAN: Final = 1_721_425
"""Julian days are this much ahead of Python's count: 2440588 is 1970-01-01, day 719163."""


class DbfHead(msgspec.Struct, frozen=True):
    """What the header of a table says: how many rows, where they begin, how long one is, and its columns with types."""

    rows: int
    begin: int
    length: int
    columns: tuple[tuple[Column, str], ...]


def dbf_rows(content: bytes, spoken: DbfFormat, wanted: Wanted) -> CellRows:
    """The rows of a table, deleted ones as none. Raises BadPage for what is no table, and for a column that is read and
    does not stand in it."""
    head = read_head(content, spoken)
    names = [column.name for column, _ in head.columns]
    wanted.refuse(names)
    elsewhere = [f"{column.name}（{kind}）" for column, kind in head.columns if kind in _ELSEWHERE]
    elsewhere = [shown for shown in elsewhere if shown.partition("（")[0] in wanted.names]
    if elsewhere:
        raise bad_page("memo_column", "、".join(elsewhere))
    body = content[head.begin :]
    there = len(body) // head.length
    if max(there, head.rows) > MAX_ROWS:
        raise bad_page("too_many_rows")
    encoding = encoding_of(body, spoken.encoding)
    if encoding is None:
        raise bad_page("wrong_encoding", "、".join(spoken.encoding))
    rows = CellRows(names, [])
    rows.rows += cells_of_rows(body[: min(there, head.rows) * head.length], head, encoding)
    moved = moved_row(body, head)
    if moved is not None:
        rows.rows[moved] = Instead("wrong_width")
    behind = body[head.rows * head.length : head.rows * head.length + 1]
    # Rows that the header does not count were written by a program that broke off, and so was a file with fewer.
    if there < head.rows or (there > head.rows and behind in (b" ", b"*")):
        rows.rows.append(Instead("wrong_count", f"文件头 {head.rows}，文件里 {there} (in the header, in the file)"))
    if spoken.control:
        rows.take_control(spoken.control)
    return rows


def moved_row(body: bytes, head: DbfHead) -> int | None:
    """The row (from 0) in which bytes were lost or came in between, where a table is no whole number of rows.

    What follows it stands elsewhere than its columns, so it is the row in front of the first that is none; what its
    columns hold may be halves of other numbers. A table that only breaks off has none.
    """
    there = len(body) // head.length
    whole = min(there, head.rows)
    if not whole or _ends_well(body[whole * head.length :], head, further=there - whole):
        return None
    pieces = [body[place * head.length : (place + 1) * head.length] for place in range(min(there + 1, head.rows))]
    bad = next((place for place, piece in enumerate(pieces) if not _may_be_row(piece, head)), len(pieces))
    return None if bad > whole else max(bad - 1, 0)


def _ends_well(behind: bytes, head: DbfHead, *, further: int) -> bool:
    """Whether nothing but the end of the file follows the rows, or so many `further` ones that are not counted."""
    behind = behind[further * head.length :] if behind[:1] in (b" ", b"*") else behind
    return behind[:1] == bytes([_END_OF_FILE]) or not behind.strip(_AFTER_THE_END)


def _may_be_row(piece: bytes, head: DbfHead) -> bool:
    """Whether these bytes, perhaps not all of a row, have a row's mark and numbers where numbers stand."""
    numbers = (piece[column.at : column.at + column.width] for column, kind in head.columns if kind in "NF")
    return piece[:1] in (b" ", b"*") and all(map(_NUMBER.fullmatch, numbers))


def cells_of_rows(body: bytes, head: DbfHead, encoding: str) -> Iterator[Cells]:
    """The cells of each row of a table, what says that it is deleted, or that its mark is none."""
    cutter = Cutter([column for column, _ in head.columns], encoding)
    binary = [(place, column, _BINARY[kind]) for place, (column, kind) in enumerate(head.columns) if kind in _BINARY]
    for start in range(0, len(body), head.length):
        row = body[start : start + head.length]
        if row[0] != _LIVE:
            yield NO_ROW if row[0] == _DELETED else Instead("unreadable")
            continue
        # Some programs fill texts up with NUL.
        cells = cutter.cells(row.replace(b"\x00", b" "))
        for place, column, read in binary:
            cells[place] = read(row[column.at : column.at + column.width])
        yield cells


def read_head(content: bytes, spoken: DbfFormat) -> DbfHead:
    """The header of a table. Raises BadPage for what is none."""
    if len(content) <= _HEAD or content[0] not in _VERSIONS:
        raise bad_page("not_dbf", looks_like(content))
    rows, begin, length = struct.unpack_from("<IHH", content, 4)
    columns = described_columns(content[_HEAD : min(begin, len(content))], spoken)
    behind = columns[-1][0].at + columns[-1][0].width if columns else 0
    unlike = any(column.width != _WIDTHS.get(kind, column.width) for column, kind in columns)
    if not columns or behind != length or begin > len(content) or unlike:
        raise bad_page("not_dbf", looks_like(content))
    return DbfHead(rows, begin, length, tuple(entry for entry in columns if entry[1] != _SYSTEM))


def described_columns(described: bytes, spoken: DbfFormat) -> list[tuple[Column, str]]:
    """The columns a header describes in 32 bytes each, with their types."""
    columns: list[tuple[Column, str]] = []
    at = 1
    for start in range(0, len(described) - _DESCRIPTION + 1, _DESCRIPTION):
        entry = described[start : start + _DESCRIPTION]
        if entry[0] == _END_OF_HEADER:
            break
        kind = chr(entry[11])
        # Clipper and FoxPro write long texts with a width of two bytes.
        width = entry[16] + (256 * entry[17] if kind == "C" else 0)
        raw = entry[:11].partition(b"\x00")[0]
        name = raw.decode(encoding_of(raw, spoken.encoding) or "ascii", "ignore").strip()
        columns.append((Column(name=name, at=at, width=width), kind))
        at += width
    return columns


def integer_text(raw: bytes) -> str:
    """FoxPro's whole numbers: four bytes with a sign."""
    return str(int.from_bytes(raw, "little", signed=True))


def currency_text(raw: bytes) -> str:
    """FoxPro's money: ten-thousandths of a yuan."""
    units = int.from_bytes(raw, "little", signed=True)
    return f"{'-' if units < 0 else ''}{abs(units) // 10_000}.{abs(units) % 10_000:04d}"


def moment_text(raw: bytes) -> str:
    """FoxPro's times: a Julian day and the milliseconds of that day."""
    day, millis = struct.unpack("<ii", raw) if len(raw) == 8 else (0, 0)
    if not day:
        return ""
    seconds = (millis + 500) // 1000
    ordinal = day - _JULIAN
    if not (0 < ordinal <= date.max.toordinal() and 0 <= seconds < 86_400):
        return "?"
    return f"{date.fromordinal(ordinal)} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def logical_text(raw: bytes) -> str:
    """Y or N; nothing where nothing was entered, and the sign for what is lost where it is neither."""
    return _LOGICAL.get(raw.upper(), "\ufffd")


_LOGICAL: Final = {b"T": "Y", b"Y": "Y", b"F": "N", b"N": "N", b"?": "", b" ": "", b"\x00": ""}


_BINARY: Final[dict[str, Callable[[bytes], str]]] = {
    "I": integer_text, "Y": currency_text, "T": moment_text, "L": logical_text,
}  # fmt: skip
