"""The feed's own number of a person (医保人员编号), learnt from certain matches: it is known or says nothing."""

from __future__ import annotations

from typing import Final

from gateway.core.masks import mask_number
from gateway.core.match.compare.comparison import Comparison, RecordSide
from gateway.model.decision import Candidate


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
        number = record.subject.person_no
        return "known" if number and number in member.person_nos else "missing"

    def record_block(self, record: RecordSide) -> str:
        return f"pn|{record.subject.person_no}" if record.subject.person_no else ""

    def mask(self, text: str) -> str:
        return mask_number(text)


PERSON_NO: Final = PersonNoComparison()
