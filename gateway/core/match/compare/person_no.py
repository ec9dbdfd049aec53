"""The feed's own number of a person (医保人员编号), learnt from certain matches: it is known or says nothing."""

from __future__ import annotations

from typing import Final

from gateway.core.masks import mask_number
from gateway.core.match.compare.comparison import Blocking, Comparison, RecordSide
from gateway.model.decision import Candidate
from gateway.model.person import Particulars


def _compare(record: RecordSide, member: Candidate) -> str:
    number = record.subject.person_no
    return "known" if number and number in member.person_nos else "missing"


def _of_member(member: Particulars, day: str) -> tuple[str, ...]:
    """None: the flow gives a member this block when it learns the number."""
    return ()


def _of_record(record: RecordSide) -> str:
    return f"pn|{record.subject.person_no}" if record.subject.person_no else ""


PERSON_NO: Final = Comparison(
    field="person_no",
    levels=("known", "missing"),
    compare=_compare,
    record_field="person_no",
    member_field="",
    supports={"known": "known"},
    blocking=Blocking(place=3, of_member=_of_member, of_record=_of_record),
    mask=mask_number,
)
