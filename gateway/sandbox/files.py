"""兴安盟's daily file: GB18030, TABs behind cells and headers, a marker that says it is complete."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from gateway.sandbox.leagues import FILE_HEADERS, Sent, file_row, total_of

ENCODING: Final = "gb18030"
PATTERN: Final = "setl_152200_*.csv"
"""What the files of this league are called."""

_TABBED = ("结算流水号", "就诊流水号", "人员编号", "姓名", "证件号码")


class DayFile(msgspec.Struct, frozen=True, kw_only=True):
    """One day's file before it is dropped: its bytes and what its marker says."""

    day: date
    name: str
    content: bytes
    rows: int
    amount: Decimal

    @property
    def marker(self) -> bytes:
        """The content of the .ok file."""
        return f"rows={self.rows}\namount={self.amount}\n".encode()


def day_file(day: date, sent: Iterable[Sent]) -> DayFile:
    """The file of a day with these rows."""
    listed = list(sent)
    refunded = {row.record.settlement_no for row in listed if row.record.reversal}
    rows = [file_row(sent_row, refunded=sent_row.record.settlement_no in refunded) for sent_row in listed]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header + ("\t" if header in _TABBED else "") for header in FILE_HEADERS)
    for row in rows:
        writer.writerow(row[header] + ("\t" if header in _TABBED else "") for header in FILE_HEADERS)
    return DayFile(
        day=day,
        name=f"setl_152200_{day:%Y%m%d}.csv",
        content=text.getvalue().encode(ENCODING),
        rows=len(rows),
        amount=total_of(rows, "医疗费总额"),
    )


def drop(folder: Path, file: DayFile) -> Path:
    """Puts the file into the folder and then its marker, as the league's own program does."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{file.name}.part"
    unfinished.write_bytes(file.content)
    path = unfinished.rename(folder / file.name)
    (folder / f"{file.name}.ok").write_bytes(file.marker)
    return path
