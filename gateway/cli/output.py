"""What every command prints: one JSON object on one line for machines, tables for people; errors say what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="一行 JSON，供机器读 (one JSON object on the last line).")]


def say(text: str = "") -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(text + "\n")


def emit(value: Any) -> None:
    """A value as one line of JSON."""
    import msgspec

    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on standard output; as wide as the terminal, or 120 columns where there is none."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=title, title_justify="left")
    for column in columns:
        shown.add_column(column, overflow="fold")
    empty = True
    for row in rows:
        empty = False
        shown.add_row(*(_cell(value) for value in row))
    if empty:
        say(f"{title}：没有 (none)")
        return
    Console(width=None if sys.stdout.isatty() else 120).print(shown)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else str(value)


def lines_of(path: Any) -> Iterable[bytes]:
    """The lines of a file, or of standard input where none is given, without empty ones."""
    if path is None:
        yield from (line for line in sys.stdin.buffer if line.strip())
        return
    with path.open("rb") as file:
        yield from (line for line in file if line.strip())
