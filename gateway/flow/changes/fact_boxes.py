"""Confirmed facts as they are kept: one sealed box each, of which only what is still about the same person counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import msgspec

from gateway.core.forms import Forms, packed
from gateway.core.schemes import EMERGENCY_PART
from gateway.errors import BrokenSeal
from gateway.flow.office import Office, Opener
from gateway.flow.opening import open_or_set_aside
from gateway.model.benefit import Fact
from gateway.model.member import Member
from gateway.model.pieces import Piece
from gateway.store import facts
from gateway.store.engine import Tx, lock
from gateway.store.facts import FactRow
from gateway.vault import context_for

fact_context = context_for("fact", "sealed")

_KEYS = "fact-keys"
"""The lock under which keys of facts are made and destroyed: a fact being written down has no row to be seen."""


class FactBox(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed box of a fact: what it says, who said so, and the id number of whom it was said.

    A member number whose id number changed since may be somebody else's: the fact then counts no longer.
    """

    fact: Fact
    by: str
    id_number: str

    def is_about(self, member: Member) -> bool:
        """Whether the member is still whom the fact was told about, and takes part."""
        return not member.opt_out and member.id_number == self.id_number


FACTS = Forms("事实 (fact)", packed(FactBox), packed(FactBox), packed(FactBox))
"""How a confirmed fact is packed. A field that it gains later has a default, and a form of its own: form 2 knows
`accident`, form 3 `settlements`."""


def hold_keys(tx: Tx) -> None:
    """Until this transaction ends no key of a fact is destroyed. Before the key of a new fact is made."""
    lock(tx, _KEYS)


def seal_box(office: Office, row: FactRow, box: FactBox) -> bytes:
    """The box of this fact, under a key of its own that ends with the fact, bound to association and member."""
    return office.vault.fact_key(row.fact_id).seal(FACTS.write(box), _bound_context(row))


def open_box(office: Office, row: FactRow, open_one: Opener | None = None) -> FactBox:
    """A stored fact; `open_one` for many in a row. Raises BrokenSeal."""
    open_one = open_one or office.vault.open
    try:
        return FACTS.read(open_one(row.sealed, _bound_context(row)))
    except BrokenSeal:
        # Before facts had keys of their own they stood under the roster's, bound to their number alone.
        return FACTS.read(open_one(row.sealed, fact_context(row.fact_id)))


def _bound_context(row: FactRow) -> bytes:
    return fact_context(f"{row.association}/{row.member_id}/{row.fact_id}")


def destroy_withdrawn(office: Office) -> int:
    """Destroy the keys of facts that do not stand any more; returns how many. After the transaction in which they were
    withdrawn, and every night, since a crash may come between the two."""
    keys = office.vault.fact_keys()
    if not keys:
        return 0
    with office.store.read() as tx:
        if facts.standing(tx, keys) == keys.keys():
            return 0
    with office.store.write() as tx:
        hold_keys(tx)
        standing = facts.standing(tx, keys)
        return sum(office.vault.shred(number) for fact_id, number in keys.items() if fact_id not in standing)


def kinds_paid(office: Office, association: str) -> set[str]:
    """The kinds of facts at which some scheme of the association pays, or by which it pays otherwise."""
    families = office.families(association)
    events: set[str] = {
        lump.event
        for family in families
        if family.pays_at_events
        for edition in family.editions
        for lump in edition.lump_sums
    }
    return events | {EMERGENCY_PART for family in families if family.emergency_days is not None}


def groups_paid(office: Office, association: str) -> set[str]:
    """The disease groups at whose diagnosis some scheme of the association pays."""
    return {group.name for family in office.families(association) for group in family.disease_groups}


def facts_of(
    tx: Tx,
    office: Office,
    enrolments: Mapping[int, Sequence[Member]],
    people: Mapping[int, str],
    unopened: list[Piece],
    *,
    with_emergencies: Collection[int] = (),
) -> dict[int, list[Fact]]:
    """Person → what was confirmed of any enrolment and still counts; one query, none where no scheme of the people's
    associations (`people`: person → association) pays at facts and nobody is of those `with_emergencies`, who had
    emergency care. What does not open is added to `unopened`."""
    paying = {name for name in set(people.values()) if _pays(office, name)}
    members = {
        member.member_id: (person_id, member)
        for person_id, enrolled in enrolments.items()
        if people[person_id] in paying or person_id in with_emergencies
        for member in enrolled
    }
    facts_by_person: dict[int, list[Fact]] = defaultdict(list)
    if members:
        open_one = office.vault.opener()
        for row in facts.of_members(tx, members):
            person_id, member = members[row.member_id]
            piece = Piece(kind="fact", name=str(row.fact_id), subject=row.association, person_id=person_id)
            box = open_or_set_aside(piece, partial(open_box, office, row, open_one), unopened)
            if box is not None and box.is_about(member):
                facts_by_person[person_id].append(box.fact)
    return facts_by_person


def _pays(office: Office, association: str) -> bool:
    return any(family.pays_at_events for family in office.families(association))
