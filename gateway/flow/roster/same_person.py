"""Who else has the id numbers of an import (一人多号): whom an opt-out holds for too, and which of them are one person.

Only asks: what an import plans is brought to what follows from the other enrolments, and written by `flow.enrol`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import partial
from typing import TypeAlias

import msgspec

from gateway.core.roster import Group, RosterMember, Statement, as_roster, one_holder, persons_of
from gateway.core.roster.correcting import Correction, Ending
from gateway.flow.office import Office
from gateway.flow.opening import member_piece, open_or_set_aside
from gateway.flow.people.joining import decided_people
from gateway.model.member import Member
from gateway.model.pieces import Piece
from gateway.store import blocks, members, unreadable
from gateway.store.engine import Tx
from gateway.store.members import MemberRow

OPTED_OUT = b"oo"
"""The kind of block under which who opted out is known by his number. No record asks for it; imports do."""

Changed: TypeAlias = tuple[MemberRow, Member, RosterMember]
"""A stored member and what he becomes; `opt_out` as it holds for him, see `hold_out`."""
Holder: TypeAlias = tuple[str, str]
"""Id number and name, see `one_holder`."""
People: TypeAlias = list[list[Group]]
"""The people that one holder is, each by the groups of enrolments that are him."""


class Plan(msgspec.Struct, kw_only=True):
    """What an import will write. `kept_out`: the member numbers that take no part because of another's opt-out.

    `corrections`, `stated`: member number → what the import makes of a stored member, and what it said of whoever is in
    the plan.
    """

    new: list[RosterMember] = msgspec.field(default_factory=list)
    changed: list[Changed] = msgspec.field(default_factory=list)
    kept_out: set[str] = msgspec.field(default_factory=set)
    corrections: dict[str, Correction] = msgspec.field(default_factory=dict)
    stated: dict[str, Statement | Ending] = msgspec.field(default_factory=dict)

    def coming(self) -> list[RosterMember]:
        """Everybody the import writes, as he will be."""
        return self.new + [new for _, _, new in self.changed]

    def loses(self, number: str) -> bool:
        """Whether days of coverage are taken away from a member number."""
        return number in self.corrections and bool(self.corrections[number].lost)

    def concerned(self) -> set[str]:
        """Every id number whose holders the import may change."""
        return {member.id_number for member in self.coming()} | {old.id_number for _, old, _ in self.changed}


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A stored member, opened."""

    row: MemberRow
    member: Member


Holders: TypeAlias = dict[str, list[Stored]]
"""id number → the stored members who have it, those who opted out too, in order of member number."""


def opted_out_block(office: Office, id_number: str) -> bytes:
    """Under what who opted out is known."""
    return office.block(f"{OPTED_OUT.decode()}|{id_number}")


def holders(tx: Tx, office: Office, association: str, numbers: Iterable[str]) -> Holders:
    """The stored members with these id numbers."""
    id_numbers = list(numbers)
    hits = members.by_fingerprint(tx, [office.id_fingerprint(number) for number in id_numbers])
    ids = {member_id for _, member_id, _ in hits}
    if blocks.has_kind(tx, OPTED_OUT):
        opted_out = [opted_out_block(office, number) for number in id_numbers]
        ids |= {member_id for _, member_id in blocks.find(tx, opted_out)}
    by_number: Holders = defaultdict(list)
    aside: list[Piece] = []
    open_one = office.vault.opener()
    for row in sorted(members.by_id(tx, ids), key=lambda row: row.member_no):
        if row.association == association:
            member = open_or_set_aside(member_piece(row), partial(office.open_member, row, open_one), aside)
            if member is not None:
                by_number[member.id_number].append(Stored(row, member))
    unreadable.note(tx, aside, now=office.now())
    return dict(by_number)


def hold_out(plan: Plan, stored: Holders) -> None:
    """Whoever opted out under one member number takes part under none of his others, until his own row says he does."""
    planned = {row.member_no for row, _, _ in plan.changed}
    staying = [
        enrolment
        for enrolments in stored.values()
        for enrolment in enrolments
        if enrolment.row.member_no not in planned
    ]
    out = {one_holder(enrolment) for enrolment in plan.coming() if enrolment.opt_out}
    out |= {
        one_holder(enrolment.member)
        for enrolment in staying
        if enrolment.member.opt_out and not enrolment.member.kept_out
    }
    if not out and not any(enrolment.member.kept_out for enrolment in staying):
        return
    plan.new = [_kept(plan, enrolment, out) for enrolment in plan.new]
    plan.changed = [(row, old, _kept(plan, new, out)) for row, old, new in plan.changed]
    for enrolment in staying:
        if enrolment.member.opt_out != (one_holder(enrolment.member) in out):
            plan.changed.append((enrolment.row, enrolment.member, _kept(plan, as_roster(enrolment.member), out)))


def _kept(plan: Plan, member: RosterMember, out: set[Holder]) -> RosterMember:
    """A member as what holds for all enrolments of his has it."""
    if member.opt_out or one_holder(member) not in out:
        return member
    plan.kept_out.add(member.member_no)
    return msgspec.structs.replace(member, opt_out=True)


def people_after(tx: Tx, plan: Plan, stored: Holders) -> list[People]:
    """For every holder of several enrolments the people he is once the plan is written. Whoever is new and not among
    them is a person of his own."""
    grouped: dict[Holder, list[Group]] = defaultdict(list)
    for holder, person, grouped_members in _groups(tx, plan, stored):
        grouped[holder].append(Group(person=person, members=list(grouped_members)))
    persons = {
        group.person
        for groups in grouped.values()
        if sum(group.person is not None for group in groups) > 1
        for group in groups
    }
    claimed = decided_people(tx, sorted(person for person in persons if person is not None))
    for group in (group for groups in grouped.values() for group in groups):
        group.claimed = group.person in claimed
    return [persons_of(groups) for groups in grouped.values()]


Entry: TypeAlias = tuple[Holder, int | None, list[RosterMember]]


def _groups(tx: Tx, plan: Plan, stored: Holders) -> list[Entry]:
    """(holder, person, enrolments) of every id number that has several enrolments: those that are one person already
    together, each new one alone; and of whoever leaves his person with his number."""
    planned = {row.member_no for row, _, _ in plan.changed}
    staying = [
        enrolment
        for enrolments in stored.values()
        for enrolment in enrolments
        if enrolment.row.member_no not in planned
    ]
    many = Counter(
        [enrolment.id_number for enrolment in plan.coming()] + [enrolment.member.id_number for enrolment in staying]
    )
    # The person of those whose id number changes; None where it is left to others of its enrolments, who do not go
    # along to the same number.
    moving = [(row, new) for row, old, new in plan.changed if old.id_number != new.id_number]
    goes = {row.member_no: new.id_number for row, new in moving}
    parts: dict[int, set[str | None]] = defaultdict(set)
    for row in members.of_people(tx, {row.person_id for row, _ in moving}):
        parts[row.person_id].add(goes.get(row.member_no))
    keeps = {row.member_no: row.person_id if len(parts[row.person_id]) == 1 else None for row, _ in moving}
    entries: dict[tuple[Holder, object], Entry] = {}
    for enrolment in staying:
        if many[enrolment.member.id_number] > 1:
            _add(entries, as_roster(enrolment.member), enrolment.row.person_id, enrolment.row.person_id)
    for row, _, new in plan.changed:
        person = keeps.get(row.member_no, row.person_id)
        if many[new.id_number] > 1 or person is None:
            _add(entries, new, person, row.person_id if person is not None else ("leaves", row.person_id))
    for member in plan.new:
        if many[member.id_number] > 1:
            _add(entries, member, None, member.member_no)
    return list(entries.values())


def _add(entries: dict[tuple[Holder, object], Entry], member: RosterMember, person: int | None, key: object) -> None:
    holder = one_holder(member)
    entries.setdefault((holder, key), (holder, person, []))[2].append(member)
