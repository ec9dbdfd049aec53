"""Which enrolments are one person (一人多号): those of one document and name, as far as nothing speaks against it.

Two member numbers of one document whose periods follow one another are one person who moved or was renumbered. Where
their periods in a scheme overlap he is enrolled twice at one time, and only a person may say that he is one: until then
they are two.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from gateway.core.match import LEVELS
from gateway.core.match.writing.names import compare_names
from gateway.core.roster.people import RosterMember
from gateway.model.member import Coverage, Member

_NAME_NOISE: Final = str.maketrans("", "", " ·•‧・.。")


class Group(msgspec.Struct, kw_only=True):
    """Enrolments that are one person already, or one that nobody knew. `person`: his id; None for a new one.

    `claimed`: the association decided claims of his, so he cannot become another person.
    """

    person: int | None
    members: list[RosterMember]
    claimed: bool = False

    @property
    def first(self) -> str:
        """The first of his member numbers, as text: what orders groups the same whatever came first."""
        return min(member.member_no for member in self.members)


def same_name(name: str, name_elsewhere: str) -> bool:
    """Whether two names differ in width, case, spaces and dots only."""
    return name == name_elsewhere or _bare(name) == _bare(name_elsewhere)


_NEAR: Final = frozenset(LEVELS["name"]) - {"surname", "hidden_surname", "newborn", "differs", "missing"}


def near_name(name: str, name_elsewhere: str) -> bool:
    """Whether two names may be one that was written wrongly in one of two places: under one document's number."""
    return compare_names(name, name_elsewhere) in _NEAR


def one_holder(member: RosterMember | Member) -> tuple[str, str]:
    """Document and name: enrolments that share both are of one holder, whatever their member numbers."""
    return member.id_number, _bare(member.name)


def _bare(name: str) -> str:
    return unicodedata.normalize("NFKC", name).translate(_NAME_NOISE).casefold()


def overlap(periods: Sequence[Coverage], further: Sequence[Coverage]) -> bool:
    """Whether some scheme covers a day in both."""
    return any(
        a.scheme == b.scheme and a.first_day <= b.last_day and b.first_day <= a.last_day
        for a in periods
        for b in further
    )


def persons_of(groups: Iterable[Group]) -> list[list[Group]]:
    """The groups of one holder by the person they are from now on: each list is one person (see `who_stays`).

    Groups whose periods overlap stay apart, and so do two about whose claims the association decided. What is one
    group stays one, whatever its periods: a person, or the roster of an earlier day, said so.
    """
    people: list[list[Group]] = []
    for group in sorted(groups, key=lambda member_group: (member_group.person is None, member_group.first)):
        for person in people:
            if not any(
                (group.claimed and member_group.claimed)
                or any(overlap(a.coverage, b.coverage) for a in group.members for b in member_group.members)
                for member_group in person
            ):
                person.append(group)
                break
        else:
            people.append([group])
    return people


def who_stays(groups: Sequence[Group]) -> int | None:
    """Which person these groups are from now on: the one with decided claims, else the lowest id; None: a new one."""
    stored = [group for group in groups if group.person is not None]
    return min(stored, key=lambda group: (not group.claimed, group.person)).person if stored else None
