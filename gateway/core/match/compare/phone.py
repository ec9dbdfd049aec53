"""The telephone. Families share one, so another number speaks against nobody."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from gateway.core.masks import mask_phone
from gateway.core.match.compare.comparison import Comparison, RecordSide
from gateway.core.match.writing.contacts import own_phone
from gateway.model.decision import Candidate
from gateway.model.person import Particulars


def _block(phone: str | None) -> str:
    digits = own_phone(phone)
    return f"ph|{digits}" if digits else ""


class PhoneComparison(Comparison):
    """Telephone numbers that a person carries, by their digits; the lines of houses say nothing."""

    field = "phone"
    levels = ("equal", "differs", "missing")
    record_field = "phone"
    member_field = "phone"
    supports = frozenset(("equal",))
    place = 4
    told_by_feeds = False

    def compare(self, record: RecordSide, member: Candidate) -> str:
        of_record, of_member = own_phone(record.subject.phone), own_phone(member.phone)
        if not of_record or not of_member:
            return "missing"
        return "equal" if of_record == of_member else "differs"

    def by_chance(self, member: Candidate) -> Hashable:
        return member.phone

    def member_blocks(self, person: Particulars, day: str) -> tuple[str, ...]:
        block = _block(person.phone)
        return (block,) if block else ()

    def record_block(self, record: RecordSide) -> str:
        return _block(record.subject.phone)

    def mask(self, text: str) -> str:
        return mask_phone(text)


PHONE: Final = PhoneComparison()
