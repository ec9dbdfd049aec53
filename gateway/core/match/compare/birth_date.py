"""The birth date, which a resident's number holds too."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date
from typing import Final

from gateway.core.masks import mask_date
from gateway.core.match.compare.comparison import Comparison, RecordSide
from gateway.model.decision import Candidate
from gateway.model.national_id import birth_date_of, checksum_ok


def _of_member(member: Candidate) -> date | None:
    """What the member's number says, which a check digit proves, else the roster's."""
    return birth_date_of(member.id_number) if checksum_ok(member.id_number) else member.birth_date


def _compare(record: RecordSide, member: Candidate) -> str:
    """The record's own field speaks, else its number if that is sound or shows the date: in an unsound number the
    wrong digit may stand in the date."""
    born, written = _of_member(member), record.written_birth
    if written is None and record.number.kind in ("sound", "masked"):
        written = record.number.born
    if born is None or written is None:
        return "missing"
    if born == written:
        return "equal"
    if born.year == written.year and (born.month, born.day) == (written.day, written.month):
        return "swapped"
    return "year" if (born.month, born.day) == (written.month, written.day) else "differs"


def _by_chance(member: Candidate) -> Hashable:
    return member.birth_date


BIRTH_DATE: Final = Comparison(
    field="birth_date",
    levels=("equal", "swapped", "year", "differs", "missing"),
    compare=_compare,
    record_field="birth_date",
    member_field="birth_date",
    echoes_number=True,
    of_same_number=True,
    by_chance=_by_chance,
    supports={"equal": "agrees"},
    contradicts=frozenset(("swapped", "year", "differs")),
    mask=mask_date,
)
