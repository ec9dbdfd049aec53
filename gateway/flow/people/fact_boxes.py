"""Confirmed facts as they are kept: one sealed box each, of which only what is still about the same person counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec

from gateway.core.forms import Forms, packed
from gateway.flow.findings.aside import open_or_set_aside
from gateway.flow.office import Office, Opener
from gateway.flow.people.assess import PersonFile
from gateway.model.benefit import Fact
from gateway.model.member import Member
from gateway.store import facts
from gateway.store.engine import Tx
from gateway.store.facts import FactRow
from gateway.store.unreadable import Piece
from gateway.vault import context_for

fact_context = context_for("fact", "sealed")


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


FACTS = Forms("事实 (fact)", packed(FactBox))
"""How a confirmed fact is packed. A field that it gains later has a default, and a form of its own."""


def seal_box(office: Office, fact_id: int, box: FactBox) -> bytes:
    """A fact's box, under the roster's key: it lives as long as what the roster says of its member."""
    return office.vault.roster_key().seal(FACTS.write(box), fact_context(fact_id))


def open_box(office: Office, row: FactRow, open_one: Opener | None = None) -> FactBox:
    """A stored fact; `open_one` for many in a row. Raises BrokenSeal."""
    return FACTS.read((open_one or office.vault.open)(row.sealed, fact_context(row.fact_id)))


def kinds_paid(office: Office, association: str) -> set[str]:
    """The kinds of facts at which some scheme of the association pays."""
    return {
        lump.event
        for family in office.families(association)
        if family.pays_at_events
        for edition in family.editions
        for lump in edition.lump_sums
    }


def groups_paid(office: Office, association: str) -> set[str]:
    """The disease groups at whose diagnosis some scheme of the association pays."""
    return {group.name for family in office.families(association) for group in family.disease_groups}


def give_facts(tx: Tx, office: Office, people: Sequence[PersonFile]) -> None:
    """Put into each person's file what was confirmed about him; one query, none where no scheme pays at facts."""
    about = _members_of(people, {name for name in {each.association for each in people} if _pays(office, name)})
    if not about:
        return
    open_one = office.vault.opener()
    for row in facts.of_members(tx, about):
        person, member = about[row.member_id]
        piece = Piece(kind="fact", name=str(row.fact_id), subject=row.association, person_id=person.person_id)
        box = open_or_set_aside(piece, partial(open_box, office, row, open_one), person.aside)
        if box is not None and box.is_about(member):
            person.facts += (box.fact,)


def _pays(office: Office, association: str) -> bool:
    return any(family.pays_at_events for family in office.families(association))


def _members_of(people: Iterable[PersonFile], associations: set[str]) -> dict[int, tuple[PersonFile, Member]]:
    return {
        member.member_id: (person, member)
        for person in people
        if person.association in associations
        for member in person.members
    }
