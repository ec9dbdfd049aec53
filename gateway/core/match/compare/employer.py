"""The employer. People change theirs, and rosters are old, so another one speaks against nobody."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from gateway.core.match.compare.comparison import Comparison, RecordSide, day_of
from gateway.core.match.writing.contacts import compare_employers, employer_key
from gateway.model.decision import Candidate
from gateway.model.person import Particulars


class EmployerComparison(Comparison):
    """Employers by what two writings have in common."""

    field = "employer"
    levels = ("equal", "similar", "differs", "missing")
    record_field = "employer_name"
    member_field = "unit_name"
    supports = frozenset(("equal", "similar"))
    # In the place of the number, where its digits lead nowhere.
    place = 2

    def compare(self, record: RecordSide, member: Candidate) -> str:
        employer = record.subject.employer_name
        return compare_employers(employer, member.unit_name) if employer and member.unit_name else "missing"

    def by_chance(self, member: Candidate) -> Hashable:
        return member.unit_name

    def member_blocks(self, person: Particulars, day: str) -> tuple[str, ...]:
        key = employer_key(person.unit_name) if day else ""
        return (f"be|{day}|{key}",) if key else ()

    def record_block(self, record: RecordSide) -> str:
        """Only where no person number is there, which leads to one member, not to all of an employer's of that day."""
        born, subject = record.born, record.subject
        key = employer_key(subject.employer_name) if born is not None and not subject.person_no else ""
        return f"be|{day_of(born)}|{key}" if born is not None and key else ""


EMPLOYER: Final = EmployerComparison()
