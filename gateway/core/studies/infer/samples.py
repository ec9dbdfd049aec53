"""A sample taken apart: its columns with their values as text, and how it would have to be read."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import msgspec

MOST_ROWS: Final = 2000
"""So many rows of a sample are looked at: more tell nothing new."""

EMPTY: Final = frozenset(("", "null", "NULL", "nan", "None"))


class SampleColumn(msgspec.Struct, kw_only=True, dict=True):
    """One column or key: the name the feed gives it ("" where there is no header), its place, its values row by row;
    None where a row has none. `is_list`: an array of JSON."""

    name: str
    place: int
    values: list[str | None]
    is_list: bool = False

    @cached_property
    def filled(self) -> list[str]:
        """The values that are there."""
        return [value for value in self.values if value is not None]

    @cached_property
    def distinct(self) -> set[str]:
        """The different values that are there."""
        return set(self.filled)


class Remark(msgspec.Struct, frozen=True):
    """What was concluded about a line of the mapping that is no field: how sure, and why."""

    confidence: float
    why: str


class Sample(msgspec.Struct, kw_only=True):
    """`format`: the table of the mapping; `status`, `totals`: those tables where the message has such things;
    `remarks`: key of a table → how sure and why; `skip`: column → texts of rows that are none."""

    kind: str
    format: dict[str, Any]
    columns: list[SampleColumn]
    rows: int
    has_names: bool = True
    status: dict[str, Any] = {}
    totals: dict[str, str] = {}
    skip: dict[str, list[str]] = {}
    remarks: dict[str, Remark] = {}


def cell(text: str | None) -> str | None:
    """A value without what surrounds it, None where nothing is left."""
    if text is None:
        return None
    text = text.strip().strip("\t\u3000\ufeff")
    return None if text in EMPTY else text
