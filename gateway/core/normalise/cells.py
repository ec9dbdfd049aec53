"""Rows of cells (单元格): what separated text, fixed width, dBase tables and workbooks come to, under one header."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from gateway.core.normalise.fields import Values
from gateway.core.normalise.language import ControlLine
from gateway.core.normalise.problems import Wrong, bad_page
from gateway.core.normalise.views import Sources


class Instead(list[Any]):
    """What stands in the place of the cells of a row that is none, or of which nothing can be believed."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, detail
        super().__init__()


Cells = list[Any] | None
"""The cells of one row, None where it cannot be taken apart."""

Needs = tuple[tuple[str, ...], ...]
"""For every field the header must serve: the columns of which one is enough."""

NO_ROW: Final = Instead("skipped")
"""A line that goes on with the row above it, a deleted row, a line of control."""

CUT_OFF: Final = Instead("cut_off")
"""A last line without the line end that all others have, a last row that is not whole."""


class CellRows:
    """The rows of a page under its header. `control`: what its control lines say, by name of their cells. `beside`: how
    many cells in front of a row stand for where it was found."""

    def __init__(self, header: list[str], rows: list[Cells], *, beside: int = 0) -> None:
        self.header, self.rows, self._beside = header, rows, beside
        self.control: list[dict[str, Any]] = []

    def values(self, sources: Sources) -> Callable[[int], Values]:
        """Index → the cells a view reads, None for columns the file does not have."""
        width = len(self.header)
        # The place after the last cell holds None.
        places = [self.header.index(name) if name in self.header else width for name in sources.own]
        picked = itemgetter(*places) if len(places) > 1 else lambda cells: tuple(cells[place] for place in places)

        def read(index: int) -> Values:
            cells = self.rows[index]
            if cells is None or len(cells) != width:
                if isinstance(cells, Instead):
                    raise Wrong(cells.code, cells.detail)
                # A line may end with further empty cells; any other width is wrong.
                if cells is None or len(cells) < width or any(str(cell).strip() for cell in cells[width:]):
                    raise Wrong("wrong_columns")
                cells = cells[:width]
            row: tuple[Any, ...] = picked((*cells, None))
            return row

        return read

    def take_control(self, lines: Sequence[ControlLine]) -> None:
        """Set the lines apart that are no settlements and say something of the others."""
        front = self.header[: self._beside]
        for place, cells in enumerate(self.rows):
            # Nearly every row begins with its own number, in its first cell.
            first = next((text for cell in (cells or ())[self._beside :] if (text := str(cell).strip())), "")
            line = next((line for line in lines if first.startswith(line.begins)), None) if first else None
            if line is not None and cells is not None:
                names = [*front, *line.columns] if line.columns else self.header
                self.control.append(dict(zip(names, cells, strict=False)))
                self.rows[place] = NO_ROW


class Wanted(msgspec.Struct, frozen=True):
    """What a mapping wants of a page's columns: those that must be there, all it reads, and those of days."""

    needs: Needs
    names: frozenset[str]
    dates: frozenset[str]

    def refuse(self, header: Sequence[str]) -> None:
        """Raises BadPage for a header that lacks a column, or has one that is read more than once."""
        missing = missing_columns(header, self.needs)
        if missing:
            raise bad_page("missing_columns", "、".join(missing))
        doubles = sorted({name for name in header if name in self.names and header.count(name) > 1})
        if doubles:
            raise bad_page("duplicate_columns", "、".join(doubles))


def missing_columns(header: Sequence[str], needs: Needs) -> list[str]:
    """The columns that must be there and are not, alternatives together."""
    return ["/".join(columns) for columns in needs if not set(columns) & set(header)]
