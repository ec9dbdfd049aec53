"""What every command prints: one JSON object on one line for machines, tables for people; errors say what to do."""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}([+-][0-9]{2}:[0-9]{2}|Z)", re.ASCII)

_CODE: Final = re.compile(r"[!-~]+", re.ASCII)
"""A number, a day, a code, a name: letters, digits and signs without a space."""
_LONGEST_CODE: Final = 80
_WIDTH: Final = 120
_BORDERS: Final = 3
"""A line and a space on either side, for each column."""

Json = Annotated[bool, typer.Option("--json", help="一行 JSON，供机器读 (one JSON object on the last line).")]


Limit = Annotated[int, typer.Option(min=1, max=100_000, help="最多多少条 (at most).")]


def say(text: str = "") -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(text + "\n")


def emit(value: object) -> None:
    """A value as one line of JSON."""
    import msgspec

    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def tell(answer: object, words: str, *, as_json: bool) -> None:
    """What came of a command: a value for machines, or a line for people."""
    if as_json:
        emit(answer)
    else:
        say(words)


def plain(value: object) -> dict[str, Any]:
    """A struct as JSON values, for an answer that holds more than it."""
    import msgspec

    fields: dict[str, Any] = msgspec.to_builtins(value)
    return fields


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on standard output; as wide as the terminal, or 120 columns where there is none.

    Words are folded; headings, numbers, days and codes never are: where they need more room, lines are longer.
    """
    from rich.console import Console
    from rich.table import Table

    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        say(f"{title}：没有 (none)")
        return
    available = Console().width if sys.stdout.isatty() else _WIDTH
    widths = _widths([list(texts) for texts in zip(columns, *cells, strict=True)], available)
    grid = Table()
    for column, width in zip(columns, widths, strict=True):
        grid.add_column(column, overflow="fold", width=width)
    for row in cells:
        grid.add_row(*row)
    # Above the table and not inside of it: there a title is folded to the width of the columns.
    say(title)
    Console(width=max(available, sum(widths) + _BORDERS * len(widths) + 1)).print(grid)


def _widths(columns: Sequence[Sequence[str]], available: int) -> list[int]:
    """The width of each column, its heading first: what it would like where all of them find room, else the narrowest
    it may be and its part of what is left. Rich alone would cut a column off that may not be so narrow."""
    from rich.cells import cell_len

    liked = [max(cell_len(line) for text in texts for line in text.split("\n")) for texts in columns]
    codes = [[code for text in texts[1:] for code in _CODE.findall(text)] for texts in columns]
    narrowest = [
        min(like, max(cell_len(texts[0]), *(len(code) for code in of_column if len(code) <= _LONGEST_CODE), 1))
        for texts, of_column, like in zip(columns, codes, liked, strict=True)
    ]
    missing = sum(liked) - sum(narrowest)
    left = min(missing, max(0, available - sum(narrowest) - _BORDERS * len(columns) - 1))
    return [least + (like - least) * left // max(missing, 1) for least, like in zip(narrowest, liked, strict=True)]


def tell_more(shown: int, total: int, *, next_one: object = None) -> None:
    """That a list stops before its end, and how it goes on; nothing where all of it was shown."""
    if next_one is not None:
        say(f"显示{shown}条，共{total}条；接着看加 --after {next_one} (shown, of so many; go on with --after)")
    elif shown < total:
        say(f"显示{shown}条，共{total}条 (shown, of so many)")


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return _cell(datetime.fromisoformat(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def one_of(option: str, value: str | None, allowed: Iterable[str]) -> None:
    """Raises WrongUse for a value that is none of these: "nothing found" would be a wrong answer."""
    from gateway.errors import WrongUse

    values = list(allowed)
    if value is not None and value not in values:
        raise WrongUse(f"{option} 没有 {value!r}；可用：{'、'.join(values)} (not known; allowed are these)")


def to_write(path: Path) -> Path:
    """A file's path, once it is clear that a file may be written there. Raises WrongUse before any work is done."""
    from gateway.errors import WrongUse

    if path.is_dir() or not path.parent.is_dir():
        raise WrongUse(f"不能写到 {path}：没有这个目录，或它本身是目录 (no such folder, or it is one)")
    return path


def lines_of(path: Path | None) -> Iterable[bytes]:
    """The lines of a file, or of standard input where none is given, without empty ones and without a mark before the
    first; what is no JSON line in UTF-8 at all is said once on standard error."""
    if path is None:
        yield from _lines(sys.stdin.buffer)
        return
    with path.open("rb") as file:
        yield from _lines(file)


def _lines(file: Iterable[bytes]) -> Iterable[bytes]:
    complained = False
    for number, line in enumerate(file):
        plain = line.removeprefix(codecs.BOM_UTF8) if number == 0 else line
        if not plain.strip():
            continue
        if not complained and (problem := _no_json_line(plain)):
            complain(f"第{number + 1}行起：{problem}")
            complained = True
        yield plain


def _no_json_line(line: bytes) -> str | None:
    """What is wrong with bytes that can be no JSON line; None where they can."""
    if b"\x00" in line or line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "像是 UTF-16；请转为 UTF-8 (this looks like UTF-16: convert it to UTF-8)"
    if line.lstrip().startswith(b"["):
        return "是 JSON 数组；应一行一个对象 (a JSON array: write one object a line)"
    try:
        line.decode()
    except UnicodeDecodeError:
        return "不是 UTF-8（或为 GB18030）；请转换 (not UTF-8, perhaps GB18030: convert it)"
    return None
