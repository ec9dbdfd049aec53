"""The feed's own number of a person (医保人员编号), learnt from certain matches: it is known or says nothing."""

from __future__ import annotations

from typing import Final

from gateway.core.masks import mask_number
from gateway.core.match.compare.comparison import Comparison, RecordSide
from gateway.model.decision import Candidate

_COUNTED: Final = "01234567890123456789"
_SHORTEST_COUNTED: Final = 6


def own_person_no(number: str | None) -> str:
    """A person number that can be one person's; "" for what a system puts there for everybody (0, 1111111111,
    123456789) and for one that is not shown whole."""
    if not number or not number.replace("-", "").isalnum() or len(set(number.lstrip("0"))) < 2:
        return ""
    return "" if len(number) >= _SHORTEST_COUNTED and number in _COUNTED else number


class PersonNoComparison(Comparison):
    """Person numbers as feeds give them."""

    field = "person_no"
    levels = ("known", "missing")
    record_field = "person_no"
    member_field = ""
    supports = frozenset(("known",))
    # A member's block is given by the flow, when it learns the number.
    place = 3

    def compare(self, record: RecordSide, member: Candidate) -> str:
        number = own_person_no(record.subject.person_no)
        return "known" if number and number in member.person_nos else "missing"

    def record_block(self, record: RecordSide) -> str:
        number = own_person_no(record.subject.person_no)
        return f"pn|{number}" if number else ""

    def mask(self, text: str) -> str:
        return mask_number(text)


PERSON_NO: Final = PersonNoComparison()
