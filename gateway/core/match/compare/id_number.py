"""The number of a document. It stands first: what the others are worth depends on how far it agrees."""

from __future__ import annotations

from typing import Final

from gateway.core.masks import mask_number
from gateway.core.match.compare.comparison import Comparison, RecordSide, day_of
from gateway.core.match.writing.numbers import compare_numbers, permit_of, read_number, visible_ends
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
        """A resident's number by its ends; a permit by itself, because it changes its form with every issue."""
        number = person.id_number
        ends = (f"bl|{day}|{number[14:]}", f"rl|{number[:6]}|{number[14:]}") if checksum_ok(number) else ()
        permit = permit_of(read_number(number)) if person.id_type != "01" else ""
        return (*ends, f"dc|{permit}") if permit else ends

    def record_block(self, record: RecordSide) -> str:
        """By birth date and last four where the digits shown are right; by region and last four where one is wrong,
        which the birth date may have been taken from; a permit by its number; "" for other documents.

        The check digit of an old number was worked out from digits that may be wrong: it leads nowhere.
        """
        number = record.number
        if number.kind in ("other", "missing", "old", "sound"):
            permit = permit_of(number)
            return f"dc|{permit}" if permit else ""
        region, last = visible_ends(number)
        if number.kind == "masked" and record.born is not None and last:
            return f"bl|{day_of(record.born)}|{last}"
        return f"rl|{region}|{last}" if region and last else ""

    def mask(self, text: str) -> str:
        return mask_number(text)


ID_NUMBER: Final = IdNumberComparison()
