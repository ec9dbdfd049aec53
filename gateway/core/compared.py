"""Values of which only a digest is kept, to see whether they are still the same, and their fields of the first form.

A released list is never edited: a field that one of these gains later counts only where it has a value.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.core.forms import ComparedForm
from gateway.core.roster.people import RosterMember
from gateway.core.schemes import Insured
from gateway.model.member import Coverage

ROSTER_MEMBER_FIRST: Final = (
    "member_no",
    "name",
    "id_type",
    "id_number",
    "sex",
    "birth_date",
    "phone",
    "unit_no",
    "unit_name",
    "league",
    "category",
    "opt_out",
    "coverage",
)
"""The fields of a roster's member in the first form, in the order they are packed in."""
COVERAGE_FIRST: Final = ("first_day", "last_day", "scheme", "category")
"""The same of a coverage period."""

_ROSTER_MEMBER: Final = ComparedForm({RosterMember: ROSTER_MEMBER_FIRST, Coverage: COVERAGE_FIRST})
_SITUATION: Final = ComparedForm(
    {
        Insured: ("category", "sex", "birth_date", "coverage", "shares", "joined_on", "insured", "region"),
        Coverage: COVERAGE_FIRST,
    }
)


def to_compare(value: Any) -> bytes:
    """The bytes to be digested of a roster's member, or of the settlements and the insured of a situation.

    Settlement records need no list: they never tell a field without a value.
    """
    return (_ROSTER_MEMBER if isinstance(value, RosterMember) else _SITUATION).pack(value)
