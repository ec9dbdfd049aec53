"""What the price of one unit has come to so far: lines, their sum, what it leaned on, what it used."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from gateway.model.benefit import BenefitLine

_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})


class UnitPrice(msgspec.Struct, kw_only=True, gc=False):
    """Lines in order with their sum `payable`, the open questions they leaned on, and what is to be remembered.

    `by_benefit` is what each benefit pays, `due` the allowances that were owed, `deducted` what was used of
    deductibles that count once a period, `topped_up` what the floor added to the sum of `floor_of`, the benefits that
    paid something, `flags` what sends an event to a person or says why it pays nothing.
    """

    lines: list[BenefitLine]
    assumed: list[str]
    by_benefit: tuple[tuple[str, int], ...] = ()
    payable: int = 0
    due: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    deducted: Mapping[str, int] = _NOTHING
    topped_up: int = 0
    floor_of: frozenset[str] = frozenset()

    def add(self, line: BenefitLine) -> None:
        self.lines.append(line)
        self.payable += line.amount

    def pay(self, line: BenefitLine, benefit: str) -> None:
        """A line of a benefit, which caps may limit."""
        self.lines.append(line)
        self.payable += line.amount
        self.by_benefit += ((benefit, line.amount),)

    def of(self, benefit: str) -> int:
        """What one benefit pays so far."""
        return sum([amount for name, amount in self.by_benefit if name == benefit])
