"""A workbook of Excel 97–2003 (.xls): BIFF8 records ([MS-XLS]) in a compound file ([MS-CFB]), as few as will do."""

from __future__ import annotations

import struct

_SECTOR, _SMALLEST = 512, 4096
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_BOF, _EOF, _BOUNDSHEET, _NUMBER, _LABEL, _XF, _DATEMODE = 0x0809, 0x000A, 0x0085, 0x0203, 0x0204, 0x00E0, 0x0022
_PLAIN, _DAY = 0, 1
"""The two ways a cell is shown: as it is, and as a day (built-in number format 14)."""


class Day(float):
    """A number of a worksheet that is shown as a day."""


def old_workbook(title: str, rows: list[list[str | float | None]], *, from_1904: bool = False) -> bytes:
    """One sheet whose cells are texts, numbers and days, or are not there."""
    cells = b"".join(
        _cell(row, column, cell)
        for row, line in enumerate(rows)
        for column, cell in enumerate(line)
        if cell is not None
    )
    sheet = _record(_BOF, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 6)) + cells + _record(_EOF, b"")
    before = _record(_BOF, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 6))
    before += _record(_DATEMODE, struct.pack("<H", from_1904))
    before += b"".join(_record(_XF, struct.pack("<HH16x", 0, form)) for form in (0, 14))
    # Where the sheet begins stands in a record in front of it, whose own length is known.
    text = title.encode("utf-16-le")
    begin = len(before) + 4 + 8 + len(text) + 4
    named = struct.pack("<IBBBB", begin, 0, 0, len(title), 1) + text
    return _compound(before + _record(_BOUNDSHEET, named) + _record(_EOF, b"") + sheet)


def _cell(row: int, column: int, cell: str | float) -> bytes:
    if isinstance(cell, str):
        return _record(_LABEL, struct.pack("<HHHHB", row, column, _PLAIN, len(cell), 1) + cell.encode("utf-16-le"))
    shown = _DAY if isinstance(cell, Day) else _PLAIN
    return _record(_NUMBER, struct.pack("<HHHd", row, column, shown, cell))


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _compound(stream: bytes) -> bytes:
    """The stream "Workbook" alone: table of sectors, directory, stream, each from a sector of its own."""
    stream = stream.ljust(_SMALLEST, b"\x00")
    stream += b"\x00" * (-len(stream) % _SECTOR)
    many = len(stream) // _SECTOR
    chain = [_FAT, _END, *range(3, 2 + many), _END]
    assert len(chain) <= _SECTOR // 4, "one table of sectors has room for 64 KiB"
    table = struct.pack("<128I", *chain, *[_FREE] * (128 - len(chain)))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, _SMALLEST, _END, 0, _END, 0, 0)
    head += struct.pack("<108I", *[_FREE] * 108)
    folder = _entry("Root Entry", 5, 1, _END, 0) + _entry("Workbook", 2, _FREE, 2, len(stream))
    return head + table + folder.ljust(_SECTOR, b"\x00") + stream


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = (name + "\x00").encode("utf-16-le")
    return struct.pack("<64sHBBIII16xI8x8xIQ", text, len(text), kind, 1, _FREE, _FREE, child, 0, start, size)
