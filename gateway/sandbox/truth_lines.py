"""A settlement line as far as matching reads it, and what every error of it needs."""

from __future__ import annotations

from datetime import date

import msgspec

from gateway.model.national_id import checksum_ok
from gateway.sandbox.people import Dice


class SpoiledLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A settlement as far as matching reads it, in the fields of a record; None is left out."""

    settlement_no: str
    name: str | None = None
    id_type: str | None = None
    id_number: str | None = None
    sex: str | None = None
    birth_date: date | None = None
    person_no: str | None = None
    employer_name: str | None = None
    phone: str | None = None
    admitted_on: date | None = None


change = msgspec.structs.replace
"""The line with other values in some fields."""


def resident(line: SpoiledLine) -> str | None:
    """The number, where it is a sound one of 18."""
    number = line.id_number
    return number if number and line.id_type == "01" and checksum_ok(number) else None


def other_digit(dice: Dice, number: str, at: int) -> str:
    """The number with another digit at one place."""
    digit = dice.pick([candidate for candidate in "0123456789" if candidate != number[at]])
    return number[:at] + digit + number[at + 1 :]


def renamed(line: SpoiledLine, name: str) -> SpoiledLine | None:
    """The line under this name, unless that is the name it bears."""
    return change(line, name=name) if name and name != line.name else None


def is_chinese(line: SpoiledLine) -> bool:
    """Whether the name is there and not in Latin letters."""
    return bool(line.name) and not (line.name or "").isascii()
