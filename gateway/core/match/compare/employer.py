"""The employer. People change theirs, and rosters are old, so another one speaks against nobody."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from gateway.core.match.compare.comparison import Blocking, Comparison, RecordSide, day_of
from gateway.core.match.writing.contacts import compare_employers, employer_key
from gateway.model.decision import Candidate
from gateway.model.person import Particulars


def _compare(record: RecordSide, member: Candidate) -> str:
    employer = record.subject.employer_name
    return compare_employers(employer, member.unit_name) if employer and member.unit_name else "missing"


def _by_chance(member: Candidate) -> Hashable:
    return member.unit_name


def _of_member(member: Particulars, day: str) -> tuple[str, ...]:
    key = employer_key(member.unit_name) if day else ""
    return (f"be|{day}|{key}",) if key else ()


def _of_record(record: RecordSide) -> str:
    """Only where no person number is there, which leads to one member and not to all of an employer's of that day."""
    born, subject = record.born, record.subject
    key = employer_key(subject.employer_name) if born is not None and not subject.person_no else ""
    return f"be|{day_of(born)}|{key}" if born is not None and key else ""


EMPLOYER: Final = Comparison(
    field="employer",
    levels=("equal", "similar", "differs", "missing"),
    compare=_compare,
    record_field="employer_name",
    member_field="unit_name",
    by_chance=_by_chance,
    supports={"equal": "agrees", "similar": "agrees"},
    # In the place of the number, where its digits lead nowhere.
    blocking=Blocking(place=2, of_member=_of_member, of_record=_of_record),
)
