"""Two members who are one person (一人在两个单位参保): from now on the union of their coverage, until it is undone."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import BadInput
from gateway.flow.office import Office
from gateway.flow.settling import Work, count_duplicates, person_files
from gateway.flow.weighing import WITHDRAWN, mark_duplicates, weigh
from gateway.model.member import Member
from gateway.store import claims, pages, reviews, roster
from gateway.store.engine import Tx

Joined = tuple[int, int]
"""(member, the person he was before)."""


def join_people(tx: Tx, office: Office, member: Member, others: Sequence[Member]) -> list[Joined]:
    """Make these enrolments one person; returns whom that moved. The caller holds the roster.

    The person whose claims the association decided stays. Raises BadInput where both have such claims.
    """
    persons = sorted({member.person_id, *(each.person_id for each in others)})
    roster.lock_people(tx, persons)
    decided = _decided(tx, persons)
    if len(decided) > 1:
        raise BadInput("not_valid", "双方都有协会已决定的申领，须先由协会处理 (both have claims already decided)")
    stays = decided.pop() if decided else member.person_id
    rows = roster.members_of_people(tx, [each for each in persons if each != stays])
    for row in rows:
        reviews.move_member(tx, row.member_id, person_id=stays)
    _weigh_again(tx, office, member.association, persons)
    return [(row.member_id, row.person_id) for row in rows]


def part_people(tx: Tx, office: Office, association: str, joined: Sequence[Sequence[int]]) -> None:
    """Make enrolments that were joined the people they were before. The caller holds the roster.

    Raises BadInput where the association has decided claims since: whose they are, nobody could tell.
    """
    if not joined:
        return
    now = {row.member_id: row.person_id for row in roster.members(tx, [each[0] for each in joined])}
    persons = sorted({*now.values(), *(each[1] for each in joined)})
    roster.lock_people(tx, persons)
    if _decided(tx, sorted(set(now.values()))):
        raise BadInput("not_valid", "合并后协会已决定了申领，不能再拆分 (claims were decided since: they cannot part)")
    for member_id, person_id in joined:
        if member_id in now:
            reviews.move_member(tx, member_id, person_id=person_id)
    _weigh_again(tx, office, association, persons, because=WITHDRAWN)


def _decided(tx: Tx, persons: Sequence[int]) -> set[int]:
    """Those of these people about whose claims the association decided."""
    rows = claims.of_people(tx, persons)
    decided = claims.decisions(tx, [row.claim_id for row in rows])
    return {row.person_id for row in rows if row.claim_id in decided}


def _weigh_again(
    tx: Tx, office: Office, association: str, persons: Sequence[int], *, because: str | None = None
) -> None:
    work = Work(associations=dict.fromkeys(persons, association))
    people = person_files(tx, office, {}, work)
    for person in people:
        mark_duplicates(person.stays)
    count_duplicates(tx, people, work)
    weigh(tx, office, people, because=because)
    pages.move_tally(tx, work.moves)
