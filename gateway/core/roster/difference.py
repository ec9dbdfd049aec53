"""The difference (差异) between the roster that is stored and the one that came."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.core.roster.people import RosterMember, period_order
from gateway.model.member import Member

_COMPARED = tuple(name for name in RosterMember.__struct_fields__ if name not in ("member_no", "coverage"))


class MemberChange(msgspec.Struct, frozen=True, kw_only=True):
    """Which fields of a member differ; names of fields only, because values belong to a person."""

    member_no: str
    fields: tuple[str, ...]


class RosterChange(msgspec.Struct, frozen=True, kw_only=True):
    """Member numbers by what happens to them. One whose fields and periods both changed is in both lists.

    `missing` are stored members the file does not hold. They are left as they are: a file may be a part.
    """

    added: tuple[str, ...]
    changed: tuple[MemberChange, ...]
    coverage_changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    missing: tuple[str, ...]


def difference(old: Iterable[RosterMember], new: Iterable[RosterMember]) -> RosterChange:
    """What taking in `new` would do to `old`, each with every member number at most once."""
    stored = {member.member_no: member for member in old}
    came = {member.member_no: member for member in new}
    stated_again = [(stored[number], member) for number, member in came.items() if number in stored]
    changes = []
    for before, after in stated_again:
        fields = tuple(name for name in _COMPARED if getattr(before, name) != getattr(after, name))
        if fields:
            changes.append(MemberChange(member_no=after.member_no, fields=fields))
    return RosterChange(
        added=tuple(number for number in came if number not in stored),
        changed=tuple(changes),
        coverage_changed=tuple(after.member_no for before, after in stated_again if before.coverage != after.coverage),
        unchanged=tuple(after.member_no for before, after in stated_again if before == after),
        missing=tuple(number for number in stored if number not in came),
    )


def as_roster(member: Member) -> RosterMember:
    """A stored member as a roster would state it, its periods in the roster's order; another enrolment's opt-out is
    none of its own."""
    values = {name: getattr(member, name) for name in ("member_no", *_COMPARED)}
    values["opt_out"] = member.opt_out and not member.kept_out
    return RosterMember(**values, coverage=tuple(sorted(member.coverage, key=period_order)))
