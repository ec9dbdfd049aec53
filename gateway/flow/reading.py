"""Read a batch of rows before any transaction opens: who is it about, what does it say, what cannot be read.

A stranger is read only as far as counting needs (DECISIONS 3); a row whose id number is a member's is read in full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.core.match import match
from gateway.core.normalise import CompiledMapping, Glance, Rejected, Rows
from gateway.core.schemes import Kind
from gateway.core.schemes import could_pay as scheme_could_pay
from gateway.flow.office import Office
from gateway.model.decision import Candidate, MatchDecision, Outcome
from gateway.model.member import Member
from gateway.model.page import Identity, RowError
from gateway.model.record import SettlementRecord
from gateway.store import roster
from gateway.store.engine import Tx


class Row(msgspec.Struct, kw_only=True, gc=False):
    """One row as read: its class so far, and what it says where that matters.

    kind: stranger | left | member | review | quarantined (later also duplicate, superseded). `original`: the key of
    what a reversal reverses.
    """

    index: int
    kind: str = "stranger"
    key: bytes | None = None
    original: bytes | None = None
    amount: int = 0
    identity: Identity | None = None
    errors: tuple[RowError, ...] = ()
    record: SettlementRecord | None = None
    decisions: list[tuple[str, MatchDecision]] = msgspec.field(default_factory=list)

    @property
    def matched(self) -> list[tuple[str, Candidate]]:
        """(association, member) for every association whose member this certainly is."""
        return [(name, d.member) for name, d in self.decisions if d.outcome is Outcome.MATCHED and d.member]


class Reading(msgspec.Struct, kw_only=True):
    """A batch as read, under the roster versions it was looked up with."""

    rows: list[Row]
    versions: tuple[int, ...]
    members: dict[int, list[Member]]


def identify(office: Office, feed: str, rows: Any, start: int, stop: int) -> list[Row]:
    """Settlement number, sign, id number and total of every row; what cannot be read is quarantined."""
    compiled, digest = office.mapping_of(feed), office.record_key(feed)
    out = []
    for index, one in enumerate(compiled.identify(rows, start, stop), start):
        if isinstance(one, Identity):
            if one.reversal:
                out.append(_reversal(digest, compiled, rows, index, one))
            else:
                out.append(Row(index=index, key=digest(one.settlement_no + "+"), amount=one.total, identity=one))
        else:
            out.append(_unreadable(digest, compiled, rows, index, one))
    return out


def _reversal(digest: Callable[[str], bytes], compiled: CompiledMapping, rows: Rows, index: int, one: Identity) -> Row:
    """A reversal, with what it reverses. One that names nobody may be a member's: it is read whole at once, because
    later, when its original is known, nobody would see its errors."""
    row = Row(
        index=index,
        key=digest(one.settlement_no + "-"),
        original=digest((one.reverses or one.settlement_no) + "+"),
        amount=-abs(one.total),
        identity=one,
    )
    found = compiled.record(rows, index) if one.names_nobody else None
    if isinstance(found, Rejected):
        row.kind, row.identity, row.errors = "quarantined", None, found.errors
    return row


def _unreadable(
    digest: Callable[[str], bytes], compiled: CompiledMapping, rows: Rows, index: int, errors: tuple[RowError, ...]
) -> Row:
    """A row for quarantine, with its number and money where at least these can be read."""
    number, reversal, total = compiled.salvage(rows, index)
    row = Row(index=index, kind="quarantined", amount=total or 0, errors=errors)
    if number:
        row.key = digest(number + ("-" if reversal else "+"))
    if reversal:
        row.amount = -abs(row.amount)
        row.original = digest(number + "+") if number else None
    return row


def look_up(tx: Tx, office: Office, feed: str, rows: Sequence[Row], content: Rows) -> Reading:
    """Ask the roster who is a member; read members' rows in full and decide whether it is them."""
    associations = office.feeds[feed].associations
    versions = roster.version(tx, associations)
    wanted: dict[bytes, list[Row]] = {}
    fingerprint = office.id_fingerprint
    for row in rows:
        if row.identity is not None and row.identity.id_number is not None:
            wanted.setdefault(fingerprint(row.identity.id_number), []).append(row)
    hits = roster.find(tx, wanted)
    enrolled = roster.members_of_people(tx, {person_id for _, _, person_id in hits})
    open_one = office.vault.opener()
    opened = {row.member_id: office.open_member(row, open_one) for row in enrolled}
    people: dict[int, list[Member]] = {}
    for member in sorted(opened.values(), key=lambda each: each.member_id):
        people.setdefault(member.person_id, []).append(member)
    candidates: dict[bytes, list[Member]] = {}
    for digest, member_id, _ in hits:
        candidates.setdefault(digest, []).append(opened[member_id])
    for digest, members in candidates.items():
        for row in wanted[digest]:
            _read_in_full(office, feed, content, row, [m for m in members if m.association in associations])
    return Reading(rows=list(rows), versions=versions, members=people)


def _read_in_full(office: Office, feed: str, content: Rows, row: Row, members: Sequence[Member]) -> None:
    """A row that may be a member's: decided by number and name, and read whole where a scheme could pay for it."""
    number = row.identity.id_number if row.identity else None
    associations = sorted({member.association for member in members})

    def wanted(glance: Glance) -> bool:
        for association in associations:
            offered = [_candidate(member) for member in members if member.association == association]
            row.decisions.append((association, match(number, glance.name, offered)))
        row.kind = _kind(office, row, glance)
        return row.kind == "member"

    found = office.mapping_of(feed).record_if(content, row.index, wanted) if members else None
    if isinstance(found, Rejected):
        row.kind, row.errors = "quarantined", found.errors
    elif found is not None:
        row.record = found.record


def _kind(office: Office, row: Row, glance: Glance) -> str:
    outcomes = {decision.outcome for _, decision in row.decisions}
    if Outcome.MATCHED in outcomes:
        payable = any(could_pay(office, name, glance) for name, _ in row.matched)
        return "member" if payable else "left"
    return "review" if Outcome.REVIEW in outcomes else "stranger"


def could_pay(office: Office, association: str, kind: Kind) -> bool:
    """Whether any scheme of the association could ever pay for such a settlement."""
    return any(scheme_could_pay(kind, family) for family in office.families(association))


def _candidate(member: Member) -> Candidate:
    return Candidate(
        member_id=member.member_id,
        person_id=member.person_id,
        member_no=member.member_no,
        name=member.name,
        id_number=member.id_number,
    )
