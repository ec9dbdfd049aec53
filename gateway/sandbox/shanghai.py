"""上海's daily file: a CSV of very many rows packed with gzip, in two members, and what must not spoil its night.

Beside the script's rows the file holds strangers, so many that it comes in several pages.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

from gateway.model.rows import RowClass
from gateway.sandbox.leagues import FILE_HEADERS, as_filed, file_row, total_of
from gateway.sandbox.play import Play, PlayLeague
from gateway.sandbox.script import Script

MANY: Final = 50_000
"""So many strangers the file holds when it is played as one of many leagues."""

_TOTAL: Final = "医疗费总额"
_QUICK: Final = 1
_GZIP: Final = 31
_DAMAGED_ROWS: Final = 8000
_HALF_WRITTEN: Final = 2000
_DOUBTED: Final = 1024 * 1024
"""So much of a file that broke off is not taken (`connectors.transport.gzip_text`)."""

_BURSTING: Final = 32 * 1024 * 1024


def play(script: Script, clock: Callable[[], float]) -> AbstractContextManager[Play]:
    """The league with as many strangers as there is time for among others."""
    return with_strangers(MANY)(script, clock)


def with_strangers(many: int) -> PlayLeague:
    """The league with so many strangers in its day."""

    @contextmanager
    def league(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
        folder = script.folder / "dropped"
        folder.mkdir()
        strangers = _Strangers(script)
        believed = _drop_damaged(folder, strangers)
        path = folder / f"setl_310000_{script.day:%Y%m%d}.csv.gz"
        amount = _write_large(path, script, strangers, many)
        _mark(path, f"rows={len(script.rows) + many}\namount={amount}\n")
        # Another file is still being written: it has no marker yet.
        (folder / f"setl_310000_{script.day:%Y%m}31.csv.gz").write_bytes(path.read_bytes()[:_HALF_WRITTEN])
        yield Play(
            options={"folder": str(folder)},
            reading=as_filed,
            extra={"stranger": many + believed},
            findings=frozenset({"not_taken_in", "feed_failed"}),
        )

    return league


class _Strangers:
    """Rows about people who are nobody's members, each with a number of its own, as many as are asked for."""

    def __init__(self, script: Script) -> None:
        plain = [sent for sent in script.rows if script.end_of(sent) is RowClass.NON_MEMBER and not sent.spoiled]
        rows = [file_row(sent) for sent in plain if not sent.record.reversal]
        self._tails = [_line(list(row.values())[2:]) for row in (_ordered(row) for row in rows)]
        self._worth = [Decimal(row[_TOTAL]) for row in rows]

    def line(self, mark: str, number: int) -> bytes:
        """One row; `mark` tells the numbers of one file from another's."""
        return b"%b%09d,V%b%09d,%b" % (
            mark.encode(),
            number,
            mark.encode(),
            number,
            self._tails[number % len(self._tails)],
        )

    def worth(self, many: int) -> Decimal:
        """What the first so many rows are worth together."""
        rounds, rest = divmod(many, len(self._worth))
        return rounds * sum(self._worth, Decimal(0)) + sum(self._worth[:rest], Decimal(0))


def _ordered(row: dict[str, str]) -> dict[str, str]:
    return {header: row[header] for header in FILE_HEADERS}


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()


def _told(script: Script) -> list[dict[str, str]]:
    refunded = {sent.record.settlement_no for sent in script.rows if sent.record.reversal}
    return [_ordered(file_row(sent, refunded=sent.record.settlement_no in refunded)) for sent in script.rows]


def _write_large(path: Path, script: Script, strangers: _Strangers, fill: int) -> Decimal:
    """The script's rows among so many strangers, a member of gzip for each half; what all of it is worth."""
    rows = _told(script)
    between, half = fill // len(rows), len(rows) // 2
    for first, last in ((0, half), (half, len(rows))):
        with gzip.open(path, "ab", compresslevel=_QUICK) as file:
            if not first:
                file.write(_line(FILE_HEADERS))
            for place in range(first, last):
                file.write(_line([*rows[place].values()]))
                most = fill if place + 1 == len(rows) else (place + 1) * between
                file.writelines(strangers.line("F", number) for number in range(place * between, most))
    return total_of(rows, _TOTAL) + strangers.worth(fill)


def _drop_damaged(folder: Path, strangers: _Strangers) -> int:
    """A file that broke off on its way, and one that is made to burst; how many rows of the first are surely right."""
    text = _line(FILE_HEADERS) + b"".join(strangers.line("D", number) for number in range(_DAMAGED_ROWS))
    packed = gzip.compress(text, _QUICK)
    cut = folder / "setl_310000_20220101.csv.gz"
    cut.write_bytes(packed[: len(packed) // 2])
    bomb = folder / "setl_310000_20220102.csv.gz"
    bomb.write_bytes(gzip.compress(b"0" * _BURSTING))
    for path in (cut, bomb):
        _mark(path, "")
    unpacked = zlib.decompressobj(_GZIP).decompress(cut.read_bytes())
    return unpacked[:-_DOUBTED].count(b"\n") - 1


def _mark(path: Path, text: str) -> None:
    path.with_name(f"{path.name}.ok").write_text(text, encoding="utf-8")
