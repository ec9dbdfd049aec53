"""Rows of a page: the class each ends in, which class may become which, and how rows and money are counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec


class RowClass(StrEnum):
    """What became of a row. Every row of every page is in exactly one class (design §5.1).

    member: recorded; not_payable: a member's, but no scheme could pay it, so it stays in its page; non_member: nobody
    enrolled; review: a person decides whose it is; duplicate: another feed told it first; superseded: a row received
    later counts in its place; quarantined: it cannot be read. The values are stored and never change.
    """

    MEMBER = "member"
    NOT_PAYABLE = "left"
    NON_MEMBER = "stranger"
    REVIEW = "review"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"

    # A night asks tables by class a few times a row: an enum's own hash is a call of its own each time.
    __hash__ = str.__hash__


_READ_ANEW: Final = frozenset(RowClass)
"""A row that is read again (the roster, a mapping or a ruling changed) may end in any class."""

MAY_BECOME: Final[Mapping[RowClass, frozenset[RowClass]]] = {
    # Replaced by a later row, told first by another feed, waiting again because its original went, or read anew.
    RowClass.MEMBER: _READ_ANEW - {RowClass.MEMBER},
    # The record it repeated went, so it counts itself; all else as for a member's.
    RowClass.DUPLICATE: _READ_ANEW - {RowClass.DUPLICATE},
    # A person decided, or a later row came.
    RowClass.REVIEW: _READ_ANEW - {RowClass.REVIEW},
    # Its mapping was mended, or a later row came. It may stay quarantined with its money read at last.
    RowClass.QUARANTINED: _READ_ANEW,
    # It woke (a reversal that names nobody found its original), or the roster changed. A later row alone does not make
    # it superseded, because nothing is kept that could tell; only a row read anew beside it does.
    RowClass.NON_MEMBER: _READ_ANEW - {RowClass.NON_MEMBER},
    RowClass.NOT_PAYABLE: _READ_ANEW - {RowClass.NOT_PAYABLE},
    # What took its place was replaced itself, or is another person's: it was looked up in its page and counts again.
    RowClass.SUPERSEDED: _READ_ANEW - {RowClass.SUPERSEDED},
}
"""Which class a row that was counted may have later. Each change takes one row and the money counted for it from one
class of its batch and adds one row and its money to the other; only a quarantined row may have been counted with other
money than it has (none, while its total could not be read)."""


class ClassChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of a worked page that changes class. `amount` in fen with its sign; `counted`: what it was counted with."""

    page_seq: int
    row: int
    before: RowClass
    after: RowClass
    amount: int
    counted: int

    def __post_init__(self) -> None:
        if self.after not in MAY_BECOME[self.before]:
            raise ValueError(f"a row that is {self.before} never becomes {self.after}")
        if self.counted != self.amount and self.before is not RowClass.QUARANTINED:
            raise ValueError("only a quarantined row is counted with other money than it has")


def signed(total: int | None, *, reversal: bool) -> int:
    """The money of a row in fen: a reversal's is negative whatever sign the feed sent; none is counted as 0."""
    return -abs(total or 0) if reversal else total or 0


class Tally(msgspec.Struct, kw_only=True):
    """Rows and money (fen) of a batch by class; adds up to the rows of the batch."""

    rows: dict[RowClass, int] = msgspec.field(default_factory=lambda: dict.fromkeys(RowClass, 0))
    amount: dict[RowClass, int] = msgspec.field(default_factory=lambda: dict.fromkeys(RowClass, 0))

    def count(self, row_class: RowClass, amount: int) -> None:
        """Count one row of a class with its money."""
        self.count_all([(row_class, amount)])

    def count_all(self, rows: Iterable[tuple[RowClass, int]]) -> None:
        """Count rows by class with their money."""
        counted, money = self.rows, self.amount
        for row_class, amount in rows:
            counted[row_class] += 1
            money[row_class] += amount

    def add(self, tally: Tally) -> None:
        """Take the rows of another tally in."""
        for row_class, rows in tally.rows.items():
            self.rows[row_class] += rows
            self.amount[row_class] += tally.amount[row_class]
