"""Whom a batch of rows may be about: asked for together by keyed fingerprints only, each member opened once.

First the number of every row, in one statement. Then, in another, for rows whose number is nobody's, at most two
blocks each (`gateway.core.match`): so a member's row costs one fingerprint and one look-up, a stranger's at most three.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from gateway.core.match import number_looked_up, own_person_no, record_blocks, sound_block
from gateway.core.normalise import Rows
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN, member_piece, not_written_off
from gateway.model.decision import Candidate
from gateway.model.member import Member
from gateway.model.national_id import looks_like_id
from gateway.model.page import Identity
from gateway.model.person import Subject
from gateway.model.pieces import Piece
from gateway.store import blocks, members
from gateway.store.engine import Tx

PERSON_NO = b"pn"
"""The kind of block that holds person numbers learnt from certain matches."""


class AskingRow(Protocol):
    """A row as far as asking for it goes: its identity, or where that is in doubt what stands in it as written."""

    index: int
    identity: Identity | None
    subject: Subject | None


class CandidateSet(msgspec.Struct, kw_only=True):
    """Whom the rows of a batch may be about.

    `of_rows`: row → the members it led to; `by_number`: the rows that led to them by their number; `members`: every
    enrolment of the people concerned; `person_nos`: (row, member) → the person number of the row, where it was learnt
    of this very member; `shut`: rows that led to a member whose personal fields do not open (`shut_by_number`: by his
    number); `aside`: what does not open.
    """

    of_rows: dict[int, list[Member]] = msgspec.field(default_factory=dict)
    by_number: set[int] = msgspec.field(default_factory=set)
    members: dict[int, Member] = msgspec.field(default_factory=dict)
    person_nos: dict[tuple[int, int], str] = msgspec.field(default_factory=dict)
    shut: set[int] = msgspec.field(default_factory=set)
    shut_by_number: set[int] = msgspec.field(default_factory=set)
    aside: list[Piece] = msgspec.field(default_factory=list)

    def people(self) -> dict[int, list[Member]]:
        """Person → all enrolments, in order of id. Left out: whoever has one that does not open."""
        people: dict[int, list[Member]] = {}
        not_whole = {piece.person_id for piece in self.aside}
        for member in sorted(self.members.values(), key=lambda member: member.member_id):
            if member.person_id not in not_whole:
                people.setdefault(member.person_id, []).append(member)
        return people

    def as_matched(self, index: int, member: Member) -> Candidate:
        """A member as matching may know him when it looks at this row."""
        person_no = self.person_nos.get((index, member.member_id))
        return msgspec.structs.replace(member, person_nos=(person_no,)) if person_no else member


class Search:
    """One batch's search. Every answer is the same whatever the order of rows and members."""

    def __init__(self, tx: Tx, office: Office, feed: str, content: Rows) -> None:
        self._tx, self._office, self._feed, self._content = tx, office, feed, content
        self._associations = frozenset(office.feeds[feed].associations)
        self._open = office.vault.opener()
        self._candidates = CandidateSet()
        self._shut_members: set[int] = set()

    def run(self, rows: Sequence[AskingRow]) -> CandidateSet:
        """The candidates of every row that has any. A row whose number is a member's is asked for by nothing else:
        whoever it says it is, the doubt is about the owner of the number."""
        self._by_number(rows)
        self._by_block([row for row in rows if row.index not in self._candidates.by_number])
        return self._candidates

    def _by_number(self, rows: Sequence[AskingRow]) -> None:
        rows_of: dict[bytes, list[int]] = {}
        fingerprint = self._office.id_fingerprint
        for row in rows:
            number = row.identity.id_number if row.identity is not None else None
            if number is None or len(number) != 18:
                number = number_asked(row)
            if number is not None:
                rows_of.setdefault(fingerprint(number), []).append(row.index)
        hits = members.by_fingerprint(self._tx, rows_of)
        self._open_people({person_id for _, _, person_id in hits})
        for digest, member_id, _ in sorted(hits):
            self._offer(member_id, rows_of[digest])
        self._candidates.shut_by_number = set(self._candidates.shut)
        self._candidates.by_number.update(self._candidates.of_rows)

    def _by_block(self, rows: Sequence[AskingRow]) -> None:
        rows_of: dict[bytes, list[int]] = {}
        # Four rows in five have a sound number that is nobody's.
        looks_further = self._office.looks_further
        for row in rows:
            if looks_further or row.identity is None or not _proved(row.identity):
                for block in blocks_asked(self._office, self._feed, self._content, row):
                    rows_of.setdefault(block, []).append(row.index)
        hits = blocks.find(self._tx, rows_of)
        if not hits:
            return
        unopened = {member_id for _, member_id in hits} - self._candidates.members.keys()
        self._open_people({row.person_id for row in members.by_id(self._tx, unopened)})
        for _, member_id, indexes in sorted((block, member_id, rows_of[block]) for block, member_id in hits):
            self._offer(member_id, indexes)
        # Which candidates have the person number a row carries: learnt ones are known by their digests alone.
        compiled = self._office.mapping_of(self._feed)
        doubtful = [index for index in self._candidates.of_rows if index not in self._candidates.by_number]
        carried = {index: own_person_no(compiled.subject(self._content, index).person_no) for index in doubtful}
        block_of = {number: person_block(self._office, self._feed, number) for number in carried.values() if number}
        learnt = self._learnt_of_one(block_of.values())
        for index, number in carried.items():
            for member in self._candidates.of_rows[index] if number else ():
                if number and (block_of[number], member.member_id) in learnt:
                    self._candidates.person_nos[index, member.member_id] = number

    def _learnt_of_one(self, asked: Iterable[bytes]) -> set[tuple[bytes, int]]:
        """(block, member) of the person numbers that were learnt of one person only: one that several people's records
        carry is their feed's default, and nobody's."""
        learnt = set(blocks.find(self._tx, asked))
        bearers: dict[bytes, set[int]] = {}
        for block, member_id in learnt:
            member = self._candidates.members.get(member_id)
            bearers.setdefault(block, set()).add(member.person_id if member else -member_id)
        return {(block, member_id) for block, member_id in learnt if len(bearers[block]) == 1}

    def _offer(self, member_id: int, indexes: Iterable[int]) -> None:
        if member_id in self._shut_members:
            self._candidates.shut.update(indexes)
        member = self._candidates.members.get(member_id)
        if member is None or member.association not in self._associations:
            return
        for index in indexes:
            offered = self._candidates.of_rows.setdefault(index, [])
            if member not in offered:
                offered.append(member)

    def _open_people(self, person_ids: set[int]) -> None:
        aside: list[Piece] = []
        for row in members.of_people(self._tx, person_ids):
            # Written out: a night opens every member it finds here, and nearly all of them open.
            try:
                self._candidates.members[row.member_id] = self._office.open_member(row, self._open)
            except DOES_NOT_OPEN:
                aside.append(member_piece(row))
        self._candidates.aside += aside
        waiting = not_written_off(self._tx, aside)
        self._shut_members.update(int(piece.name) for piece in waiting if piece.subject in self._associations)


def number_asked(row: AskingRow) -> str | None:
    """The number a row is looked up by first: members' stand under 18 characters."""
    person = row.identity or row.subject
    if person is None or person.id_number is None:
        return None
    return number_looked_up(person.id_type, person.id_number)


def blocks_asked(office: Office, feed: str, content: Rows, row: AskingRow) -> list[bytes]:
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
    texts = record_blocks(subject, sound_too=office.looks_further)
    return [person_block(office, feed, text[3:]) if text.startswith("pn|") else office.block(text) for text in texts]


def _proved(identity: Identity) -> str | None:
    """The number, where it is a resident's of 18 characters: normalising lets only proved ones of theirs pass."""
    number = identity.id_number
    if number is None or len(number) != 18:
        return None
    return number if identity.id_type == "01" or (identity.id_type is None and looks_like_id(number)) else None


def person_block(office: Office, feed: str, person_no: str) -> bytes:
    """The block of a learnt person number. Leagues number their people each for itself, so a feed's are its own."""
    return office.block(f"pn|{feed}|{person_no}")
