"""Particulars (身份要素): what says who a person is, once for rosters, stored members and matching."""

from __future__ import annotations

from datetime import date
from operator import attrgetter
from typing import Any, Final

import msgspec

CONTROLS: Final = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
"""What some systems fill a field up with, and nobody writes: NUL and the other control characters."""


class Particulars(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The fields of one enrolment that say who it is. An id number of type 01 always has 18 digits.

    A struct that holds them extends this one, so they are read without a detour; its own fields come after these. They
    stand in the order they are packed in: that of a member's sealed box.
    """

    name: str
    id_type: str = "01"
    id_number: str
    sex: str | None = None
    birth_date: date | None = None
    phone: str | None = None
    unit_no: str | None = None
    unit_name: str | None = None


PARTICULARS: Final = Particulars.__struct_fields__
"""Their names, in order."""

_values = attrgetter(*PARTICULARS)


def particulars_of(person: Particulars) -> dict[str, Any]:
    """Field → value, to give one holder's particulars to another."""
    return dict(zip(PARTICULARS, _values(person), strict=True))


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What matching may know of a record: the same as it stands there, and what only a record tells.

    `id_number` as `normalise_id` leaves it: 18 characters, the 15 digits of before 1999, masked or unsound ones as
    they came.
    """

    id_type: str | None = None
    id_number: str | None = None
    name: str | None = None
    sex: str | None = None
    birth_date: date | None = None
    person_no: str | None = None
    employer_name: str | None = None
    phone: str | None = None
