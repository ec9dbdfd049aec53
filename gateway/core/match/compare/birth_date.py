"""The birth date, which a resident's number holds too."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from gateway.core.masks import mask_date
from gateway.core.match.compare.comparison import Comparison, RecordSide
from gateway.model.decision import Candidate
from gateway.model.national_id import birth_date_of, checksum_ok


class BirthDateComparison(Comparison):
    """Birth dates, of the field or of the number."""

    field = "birth_date"
    levels = ("equal", "swapped", "year", "differs", "missing")
    record_field = "birth_date"
    member_field = "birth_date"
    echoes_number = True
    of_same_number = True
    supports = frozenset(("equal",))
    contradicts = frozenset(("swapped", "year", "differs"))

    def compare(self, record: RecordSide, member: Candidate) -> str:
        """The record's own field speaks, else its number if that is sound or shows the date: in an unsound number the
        wrong digit may stand in the date."""
        # Of the member the number speaks, which a check digit proves, else the roster.
        proved = checksum_ok(member.id_number)
        born, written = birth_date_of(member.id_number) if proved else member.birth_date, record.written_birth
        if written is None and record.number.kind in ("sound", "masked"):
            written = record.number.born
        if born is None or written is None:
            return "missing"
        if born == written:
            return "equal"
        if born.year == written.year and (born.month, born.day) == (written.day, written.month):
            return "swapped"
        return "year" if (born.month, born.day) == (written.month, written.day) else "differs"

    def by_chance(self, member: Candidate) -> Hashable:
        return member.birth_date

    def mask(self, text: str) -> str:
        return mask_date(text)


BIRTH_DATE: Final = BirthDateComparison()
