"""Rows: a page that has been taken apart but not yet read. Every format ends here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gateway.core.normalise.fields import Values


class Rows:
    """The rows of one page, decoded when they are asked for.

    `identity(index)` and `full(index)` give the values of one row, in the order of the mapping's two views.
    Both raise Wrong where the row itself cannot be taken apart. `keys(index)`: the names of all that stands in a row.
    """

    def __init__(
        self,
        count: int,
        identity: Callable[[int], Values],
        full: Callable[[int], Values],
        keys: Callable[[int], Iterable[str]],
        cells: Callable[[int], Sequence[str] | None] | None = None,
        header: Sequence[str] = (),
        control: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._count = count
        self.identity = identity
        self.full = full
        self.keys = keys
        self.cells = cells
        """The cells of a line as they stand, where lines have some; None of a line that cannot be taken apart."""
        self.header = header
        """The names of the cells, where lines have some."""
        self.control = control
        """What lines say that are no settlements, by name of their cells."""

    def words(self, index: int) -> list[str]:
        """The cells of a line without the blanks around them; none where there are no lines."""
        return [str(cell).strip() for cell in (self.cells(index) if self.cells else None) or ()]

    def __len__(self) -> int:
        return self._count


def _nothing(_: int) -> Values:
    return ()


NO_ROWS = Rows(0, _nothing, _nothing, _nothing)
"""The rows of a page that says itself that it has none."""
