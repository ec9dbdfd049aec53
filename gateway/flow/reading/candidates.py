"""Whom a batch of rows may be about: asked for together by keyed fingerprints only, each member opened once.

First the number of every row, in one statement. Then, in another, for rows whose number is nobody's, at most two
blocks each (`gateway.core.match`): so a member's row costs one fingerprint and one look-up, a stranger's at most three.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from gateway.core.match import record_blocks, sound_block
from gateway.core.normalise import Rows
from gateway.flow.office import Office
from gateway.model.decision import Candidate, Subject
from gateway.model.member import Member
from gateway.model.national_id import looked_up_as, looks_like_id
from gateway.model.page import Identity
from gateway.store import blocks, members
from gateway.store.engine import Tx
from gateway.store.members import MemberRow

PERSON_NO = b"pn"
"""The kind of block that holds person numbers learnt from certain matches."""


class Asking(Protocol):
    """A row as far as asking for it goes: its identity, or where that is in doubt what stands in it as written."""

    index: int
    identity: Identity | None
    subject: Subject | None


class Found(msgspec.Struct, kw_only=True):
    """Row → candidates; the rows whose number a candidate has; every enrolment of the people concerned."""

    candidates: dict[int, list[Member]] = msgspec.field(default_factory=dict)
    by_number: set[int] = msgspec.field(default_factory=set)
    members: dict[int, Member] = msgspec.field(default_factory=dict)
    person_nos: dict[tuple[int, int], str] = msgspec.field(default_factory=dict)

    def people(self) -> dict[int, list[Member]]:
        """Person → all enrolments, in order of id."""
        people: dict[int, list[Member]] = {}
        for member in sorted(self.members.values(), key=lambda each: each.member_id):
            people.setdefault(member.person_id, []).append(member)
        return people


class Search:
    """One batch's search. Every answer is the same whatever the order of rows and members."""

    def __init__(self, tx: Tx, office: Office, feed: str, content: Rows) -> None:
        self._tx, self._office, self._feed, self._content = tx, office, feed, content
        self._associations = frozenset(office.feeds[feed].associations)
        self._open = office.vault.opener()
        self._found = Found()

    def run(self, rows: Sequence[Asking]) -> Found:
        """The candidates of every row that has any."""
        self._by_number(rows)
        self._by_block([row for row in rows if row.index not in self._found.by_number])
        return self._found

    def _by_number(self, rows: Sequence[Asking]) -> None:
        wanted: dict[bytes, list[int]] = {}
        fingerprint = self._office.id_fingerprint
        for row in rows:
            number = row.identity.id_number if row.identity is not None else None
            if number is None or len(number) != 18:
                number = number_asked(row)
            if number is not None:
                wanted.setdefault(fingerprint(number), []).append(row.index)
        hits = members.by_fingerprint(self._tx, wanted)
        self._open_people({person_id for _, _, person_id in hits})
        for digest, member_id, _ in sorted(hits):
            self._offer(member_id, wanted[digest])
        self._found.by_number.update(self._found.candidates)

    def _by_block(self, rows: Sequence[Asking]) -> None:
        wanted: dict[bytes, list[int]] = {}
        # Four rows in five have a sound number that is nobody's.
        looks_further = self._office.looks_further
        for row in rows:
            if looks_further or row.identity is None or not _proved(row.identity):
                for block in blocks_asked(self._office, self._feed, self._content, row):
                    wanted.setdefault(block, []).append(row.index)
        hits = blocks.find(self._tx, wanted)
        if not hits:
            return
        found = members.by_id(self._tx, {member_id for _, member_id in hits} - self._found.members.keys())
        self._open_people({row.person_id for row in found})
        for _, member_id, indexes in sorted((block, member_id, wanted[block]) for block, member_id in hits):
            self._offer(member_id, indexes)
        self._know_person_numbers()

    def _offer(self, member_id: int, indexes: Iterable[int]) -> None:
        member = self._found.members.get(member_id)
        if member is None or member.association not in self._associations:
            return
        for index in indexes:
            there = self._found.candidates.setdefault(index, [])
            if member not in there:
                there.append(member)

    def _open_people(self, person_ids: set[int]) -> None:
        for row in members.of_people(self._tx, person_ids):
            self._found.members[row.member_id] = self._opened(row)

    def _opened(self, row: MemberRow) -> Member:
        return self._office.open_member(row, self._open)

    def _know_person_numbers(self) -> None:
        """Which candidates have the person number a row carries: learnt ones are known by their digests alone."""
        compiled = self._office.mapping_of(self._feed)
        doubtful = [index for index in self._found.candidates if index not in self._found.by_number]
        carried = {index: compiled.subject(self._content, index).person_no for index in doubtful}
        block_of = {number: person_block(self._office, self._feed, number) for number in carried.values() if number}
        known = set(blocks.find(self._tx, block_of.values()))
        for index, number in carried.items():
            for member in self._found.candidates[index] if number else ():
                if number and (block_of[number], member.member_id) in known:
                    self._found.person_nos[index, member.member_id] = number


def number_asked(row: Asking) -> str | None:
    """The number a row is looked up by first: members' stand under 18 characters."""
    who = row.identity or row.subject
    if who is None or who.id_number is None:
        return None
    return looked_up_as(who.id_type, who.id_number)


def blocks_asked(office: Office, feed: str, content: Rows, row: Asking) -> list[bytes]:
    """The blocks a row is looked up under when its number is nobody's: none to two."""
    subject, identity = row.subject, row.identity
    if identity is not None:
        if number := _proved(identity):
            text = office.looks_further and sound_block(number, identity.name, identity.birth_date)
            return [office.block(text)] if text else []
        if not identity.names_nobody:
            subject = office.mapping_of(feed).subject(content, row.index)
    if subject is None:
        return []
    return [_digest(office, feed, text) for text in record_blocks(subject, sound_too=office.looks_further)]


def _proved(identity: Identity) -> str | None:
    """The number, where it is a resident's of 18 characters: normalising lets only proved ones of theirs pass."""
    number = identity.id_number
    if number is None or len(number) != 18:
        return None
    return number if identity.id_type == "01" or (identity.id_type is None and looks_like_id(number)) else None


def _digest(office: Office, feed: str, text: str) -> bytes:
    if text.startswith("pn|"):
        return person_block(office, feed, text[3:])
    return office.block(text)


def person_block(office: Office, feed: str, person_no: str) -> bytes:
    """The block of a learnt person number. Leagues number their people each for itself, so a feed's are its own."""
    return office.block(f"pn|{feed}|{person_no}")


def candidate_of(member: Member, person_no: str | None = None) -> Candidate:
    """What matching may know of a member; `person_no` where the row carries one learnt of him."""
    return Candidate(
        member_id=member.member_id,
        person_id=member.person_id,
        member_no=member.member_no,
        name=member.name,
        id_number=member.id_number,
        id_type=member.id_type,
        sex=member.sex,
        birth_date=member.birth_date,
        phone=member.phone,
        unit_name=member.unit_name,
        person_nos=(person_no,) if person_no else (),
    )
