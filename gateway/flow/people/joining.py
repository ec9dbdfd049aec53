"""Two members who are one person (一人在两个单位参保): from now on the union of their coverage, until it is undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.core.changes.claims import DECISION_WITHDRAWN
from gateway.errors import BadInput
from gateway.flow.office import Office
from gateway.flow.people.reassess import reassess
from gateway.model.claim import ClaimStatus
from gateway.model.holds import AsideItem
from gateway.model.member import Member
from gateway.store import claims, holds, members, people
from gateway.store.engine import Tx
from gateway.store.members import MemberRow

PersonMove = tuple[int, int, int]
"""(member, the person it belonged to before, the person it belongs to since)."""

_AT_ONCE = 500


def join_people(tx: Tx, office: Office, member: Member, others: Sequence[Member]) -> list[PersonMove]:
    """Make these enrolments one person; returns whom that moved. The caller holds the roster.

    The person whose claims the association decided stays, else the one with most claims that stand: so joining again
    what was parted brings the same claims back. Raises BadInput where several have decided claims.
    """
    persons = sorted({member.person_id, *(enrolment.person_id for enrolment in others)})
    people.lock(tx, persons)
    decided = decided_people(tx, persons)
    if len(decided) > 1:
        raise BadInput("not_valid", "双方都有协会已决定的申领，须先由协会处理 (both have claims already decided)")
    rows = claims.of_people(tx, persons)
    standing = Counter(row.person_id for row in rows if row.status != ClaimStatus.WITHDRAWN)
    ever = Counter(row.person_id for row in rows)
    stays = min(persons, key=lambda person: (person not in decided, -standing[person], -ever[person], person))
    return unite(tx, office, member.association, [(stays, [person for person in persons if person != stays])])


def unite(tx: Tx, office: Office, association: str, merges: Sequence[tuple[int, Sequence[int]]]) -> list[PersonMove]:
    """Move all enrolments of the others to the person who stays, and weigh them all. The caller holds the roster and
    has locked these people."""
    into = {leaving: stays for stays, others in merges for leaving in others}
    # Whoever becomes the person of somebody who waits waits too, until that hold is decided.
    for leaving, hold_id in people.lock(tx, into).items():
        holds.put_aside(tx, hold_id, [AsideItem(person_id=into[leaving], reason="joined")])
    rows = members.of_people(tx, into)
    for row in rows:
        people.move_member(tx, row.member_id, person_id=into[row.person_id])
    for start in range(0, len(merges), _AT_ONCE):
        some = merges[start : start + _AT_ONCE]
        reassess(tx, office, association, {person for stays, others in some for person in (stays, *others)})
    return [(row.member_id, row.person_id, into[row.person_id]) for row in rows]


def part_people(tx: Tx, office: Office, association: str, joined: Sequence[Sequence[int]]) -> list[MemberRow]:
    """Make enrolments that were joined the people they were before; returns all enrolments of these. The caller holds
    the roster. Who is another person since, because his number was corrected, stays that.

    Raises BadInput where the association has decided claims since: whose they are, nobody could tell.
    """
    now = {row.member_id: row.person_id for row in members.by_id(tx, [entry[0] for entry in joined])}
    moves = [
        (member_id, before, now[member_id])
        for member_id, before, *since in joined
        if member_id in now and since in ([], [now[member_id]])
    ]
    if not moves:
        return []
    persons = sorted({person for _, *before_and_now in moves for person in before_and_now})
    people.lock(tx, persons)
    if decided_people(tx, sorted({person for _, _, person in moves})):
        raise BadInput("not_valid", "合并后协会已决定了申领，不能再拆分 (claims were decided since: they cannot part)")
    for member_id, before, _ in moves:
        people.move_member(tx, member_id, person_id=before)
    reassess(tx, office, association, persons, withdrawal_reason=DECISION_WITHDRAWN)
    return members.of_people(tx, persons)


def decided_people(tx: Tx, persons: Sequence[int]) -> set[int]:
    """Those of these people about whose claims the association decided."""
    rows = claims.of_people(tx, persons)
    decided = claims.decisions(tx, [row.claim_id for row in rows])
    return {row.person_id for row in rows if row.claim_id in decided}
