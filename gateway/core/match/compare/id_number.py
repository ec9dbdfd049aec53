"""The number of a document. It stands first: what the others are worth depends on how far it agrees."""

from __future__ import annotations

from typing import Final

from gateway.core.masks import mask_number
from gateway.core.match.compare.comparison import Comparison, RecordSide, day_of
from gateway.core.match.writing.name_keys import name_key, name_keys
from gateway.core.match.writing.numbers import (
    compare_numbers,
    looks_like_residents,
    permit_of,
    read_number,
    visible_ends,
)
from gateway.model.decision import Candidate
from gateway.model.national_id import checksum_ok
from gateway.model.person import Particulars


class IdNumberComparison(Comparison):
    """Numbers of documents."""

    field = "id_number"
    levels = (
        "equal",
        "same_document",
        "one_digit",
        "swapped",
        "digit_missing",
        "digit_doubled",
        "masked",
        "masked_part",
        "two_digits",
        "unsound_differs",
        "sound_near",
        "sound_differs",
        "masked_differs",
        "other_document",
        "missing",
    )
    record_field = "id_number"
    member_field = "id_number"
    echoes_card = False
    always_said = True
    place = 2

    def compare(self, record: RecordSide, member: Candidate) -> str:
        return compare_numbers(record.number, member.id_number)

    def member_blocks(self, person: Particulars, day: str) -> tuple[str, ...]:
        """A resident's number by its ends, with birth day, region or name, and by its beginning; a permit by itself,
        because it changes its form with every issue."""
        number = person.id_number
        resident = checksum_ok(number) or (person.id_type == "01" and looks_like_residents(number))
        ends: tuple[str, ...] = ()
        if resident:
            region, last, name = number[:6], number[-4:], name_keys(person.name)[:1]
            ends = (
                f"bl|{day}|{last}",
                f"rl|{region}|{last}",
                f"br|{day}|{region}",
                *(f"nl|{key}|{last}" for key in name),
            )
        permit = permit_of(read_number(number)) if person.id_type != "01" else ""
        return (*ends, f"dc|{permit}") if permit else ends

    def record_block(self, record: RecordSide) -> str:
        """By birth date and last four where the digits shown are right, or whatever two of birth date, region, name and
        last four there are; by region and last four where a digit is wrong, which the birth date may have been taken
        from; a permit by its number; "" for other documents.

        The check digit of an old number was worked out from digits that may be wrong: it leads nowhere.
        """
        number = record.number
        if number.kind in ("other", "missing", "old", "sound"):
            permit = permit_of(number)
            return f"dc|{permit}" if permit else ""
        region, last = visible_ends(number)
        if number.kind == "masked" and record.born is not None:
            day = day_of(record.born)
            return f"bl|{day}|{last}" if last else f"br|{day}|{region}" if region else ""
        if region and last:
            return f"rl|{region}|{last}"
        name = name_key(record.subject.name or "") if number.kind == "masked" and last else ""
        return f"nl|{name}|{last}" if name else ""

    def mask(self, text: str) -> str:
        return mask_number(text)


ID_NUMBER: Final = IdNumberComparison()
