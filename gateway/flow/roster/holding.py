"""What an import takes away waits for a person: told beforehand, sealed in a hold, written once it is accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Final

import msgspec

from gateway.core.changes.difference import Difference
from gateway.core.forms import Forms, packed
from gateway.core.roster import RosterMember, Statement, as_roster, one_holder
from gateway.core.roster.correcting import Correction, Ending
from gateway.flow.changes.preview import preview
from gateway.flow.findings.holds import open_hold
from gateway.flow.office import Office
from gateway.flow.opening import member_piece, open_or_set_aside
from gateway.flow.roster.planning import Enrolled
from gateway.flow.roster.same_person import Plan
from gateway.model.holds import Cause
from gateway.model.member import Member
from gateway.model.pieces import Piece
from gateway.store import holds, members
from gateway.store.engine import Tx


class HeldRows(msgspec.Struct, frozen=True, kw_only=True):
    """What an import said of one person's member numbers and was not written: kept sealed in the hold."""

    statements: tuple[Statement, ...] = ()
    endings: tuple[Ending, ...] = ()


_HELD_ROWS: Final = Forms("held roster rows", packed(HeldRows))


class PutAside(msgspec.Struct, kw_only=True):
    """Person → what was stated of that person's member numbers and waits; and the members as they would be then."""

    people: dict[int, list[Statement | Ending]] = msgspec.field(default_factory=dict)
    members: dict[str, RosterMember] = msgspec.field(default_factory=dict)


def put_aside(plan: Plan, report: Enrolled) -> PutAside:
    """Take out of the plan whoever would lose days of coverage, with all that is stated of the same person; an opt-out
    is not put aside, and everybody else goes on."""
    report.lost = {number: correction.lost for number, correction in plan.corrections.items() if correction.lost}
    persons = {row.person_id for row, _, _ in plan.changed if row.member_no in report.lost}
    people: dict[int, list[Statement | Ending]] = defaultdict(list)
    waiting = PutAside(people=people)
    # A further member number of the same holder belongs to what waits: alone it would be a second person beside it.
    holder_of = {one_holder(old): row.person_id for row, old, _ in plan.changed if row.person_id in persons}
    staying = []
    for row, old, new in plan.changed:
        if row.person_id not in persons:
            staying.append((row, old, new))
            continue
        people[row.person_id].append(plan.stated[row.member_no])
        waiting.members[row.member_no] = new
        if new.opt_out and not as_roster(old).opt_out:
            opted_out = msgspec.structs.replace(as_roster(old), opt_out=True)
            staying.append((row, old, opted_out))
            plan.corrections[row.member_no] = Correction(after=opted_out)
    for member in plan.new:
        if one_holder(member) in holder_of:
            people[holder_of[one_holder(member)]].append(plan.stated[member.member_no])
            waiting.members[member.member_no] = member
    plan.changed = staying
    plan.new = [member for member in plan.new if member.member_no not in waiting.members]
    report.waiting = sorted(waiting.members)
    return waiting


def tell(tx: Tx, office: Office, association: str, plan: Plan, waiting: PutAside, *, everybody: bool) -> Difference:
    """What would become of claims, if what waits were accepted too. Without `everybody` only of those from whom
    something is taken away: nobody else needs to be asked about."""
    then = {row.member_no: new for row, _, new in plan.changed} | waiting.members
    persons = {
        row.person_id
        for row, old, new in plan.changed
        if everybody or (new.opt_out and not old.opt_out) or plan.loses(row.member_no)
    }
    return preview(tx, office, association, _enrolments(tx, office, persons | waiting.people.keys(), then))


def _enrolments(
    tx: Tx, office: Office, persons: Collection[int], then: dict[str, RosterMember]
) -> dict[int, Sequence[Member]]:
    """Person → all enrolments as they would be. A person of whom one does not open is left out: nothing is concluded
    about such a person now either."""
    enrolments: dict[int, list[Member]] = defaultdict(list)
    shut: set[int] = set()
    aside: list[Piece] = []
    for row in members.of_people(tx, persons) if persons else ():
        member = open_or_set_aside(member_piece(row), partial(office.open_member, row), aside)
        if member is None:
            shut.add(row.person_id)
        else:
            enrolments[row.person_id].append(_as_stated(member, then.get(row.member_no)))
    return {person_id: stated for person_id, stated in enrolments.items() if person_id not in shut}


def _as_stated(member: Member, then: RosterMember | None) -> Member:
    if then is None:
        return member
    return msgspec.structs.replace(
        member, **{name: getattr(then, name) for name in RosterMember.__struct_fields__}, kept_out=False
    )


def hold(tx: Tx, office: Office, association: str, waiting: PutAside, foreseen: Difference) -> int | None:
    """Put what waits into a hold; returns its number, None where nothing does. The same import again is the same hold.
    The caller holds the roster and has locked these people."""
    if not waiting.people:
        return None
    contents: dict[int, bytes | None] = {
        person_id: _HELD_ROWS.write(_held(stated)) for person_id, stated in sorted(waiting.people.items())
    }
    digest = office.vault.digest_content(b"".join(content for content in contents.values() if content)).hex()[:16]
    cause = Cause(kind="roster", subject=association, name=digest)
    same = (cause.kind, cause.subject, cause.name)
    for standing in holds.listing(tx):
        if (standing.cause, standing.subject, standing.name) == same:
            return standing.hold_id
    concerned = Difference(claims=tuple(claim for claim in foreseen.claims if claim.person_id in contents))
    return open_hold(tx, office, cause, contents, concerned)


def _held(stated: Sequence[Statement | Ending]) -> HeldRows:
    return HeldRows(
        statements=tuple(statement for statement in stated if isinstance(statement, Statement)),
        endings=tuple(statement for statement in stated if isinstance(statement, Ending)),
    )


def held_statements(contents: Iterable[bytes]) -> list[Statement | Ending]:
    """What a hold of a roster's import keeps of its people."""
    statements: list[Statement | Ending] = []
    for content in contents:
        rows = _HELD_ROWS.read(content)
        statements += [*rows.statements, *rows.endings]
    return statements


def one_person_is_enough(office: Office, foreseen: Difference) -> bool:
    """Whether what would be lost is below the amount above which a second person confirms."""
    return foreseen.lost <= int(office.gateway.holds.second_above * 100)
