"""Read a batch of rows before any transaction opens: who is it about, what does it say, what cannot be read.

A stranger is read only as far as counting and looking for him needs (DECISIONS 3); a row whose id number is a
member's is read in full, and so is one whose other evidence leads to a member.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.core.match import match
from gateway.core.normalise import CompiledMapping, Glance, Normalised, Rejected, Rows, only_in_doubt
from gateway.core.schemes import CareKind
from gateway.core.schemes import could_pay as scheme_could_pay
from gateway.flow.office import Office
from gateway.flow.reading.candidates import Found, Search, blocks_asked, candidate_of, number_asked
from gateway.flow.reading.rulings import Ruled, apply_rulings
from gateway.model.decision import Candidate, MatchDecision, Outcome, Subject
from gateway.model.member import Member
from gateway.model.page import Identity, RowError
from gateway.model.record import SettlementRecord
from gateway.store import roster
from gateway.store.engine import Tx

_HIDDEN = re.compile("[*#•●×■□xX]{2,}")
"""Signs a feed puts in the place of digits it does not want to show, after NFKC."""


class Row(msgspec.Struct, kw_only=True, gc=False):
    """One row as read: its class so far, and what it says where that matters.

    kind: stranger | left | member | review | quarantined (later also duplicate, superseded). `original`: the key of
    what a reversal reverses; `subject`: what stands in a row whose number or name is in doubt, as it was written;
    `person_no`: the feed's own number of somebody who is certainly the member matched; `ruled_by`: the rulings of
    people that decided the row.
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
    subject: Subject | None = None
    person_no: str | None = None
    ruled_by: tuple[int, ...] = ()

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
    for index, one in enumerate(compiled.identify(rows, start, stop, names=office.looks_further), start):
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
    for row in rows:
        if row.identity is None:
            see_as_written(office, feed, content, row)
    found = Search(tx, office, feed, content).run(rows)
    for row in rows:
        if row.index in found.candidates:
            _Deciding(office, feed, content, row, found).decide()
        if row.kind == "quarantined" and row.subject is not None:
            _let_go_hidden(row)
    decided = [row for row in rows if row.decisions]
    for row, ruled in apply_rulings(tx, office, feed, content, decided, found):
        _Deciding(office, feed, content, row, found, ruled).decide()
    return Reading(rows=list(rows), versions=versions, members=found.people())


def see_as_written(office: Office, feed: str, content: Rows, row: Row) -> None:
    """A row with nothing wrong but its number or name is looked for by what stands there."""
    if row.identity is None and only_in_doubt(row.errors):
        row.subject = office.mapping_of(feed).subject(content, row.index)


def digests_asked(office: Office, feed: str, content: Rows, row: Row) -> set[bytes]:
    """Every fingerprint and block under which a row could be looked up."""
    see_as_written(office, feed, content, row)
    digests = set(blocks_asked(office, feed, content, row))
    number = number_asked(row)
    if number is not None:
        digests.add(office.id_fingerprint(number))
    return digests


def _let_go_hidden(row: Row) -> None:
    """A number that is hidden on purpose is no error of its row: unless it leads to a member, it is a stranger's."""
    if row.subject is not None and _HIDDEN.search(row.subject.id_number or ""):
        row.kind, row.errors = "stranger", ()


class _Deciding:
    """One row and its candidates: decided by the evidence, and read whole where a scheme could pay for it."""

    def __init__(
        self, office: Office, feed: str, content: Rows, row: Row, found: Found, ruled: Sequence[Ruled] = ()
    ) -> None:
        self._office, self._feed, self._content, self._row = office, feed, content, row
        self._ruled = ruled
        self._members = found.candidates[row.index]
        self._person_nos = found.person_nos
        self._by_number = row.index in found.by_number

    def decide(self) -> None:
        """Give the row its decisions and class, its record where it is wanted, or its errors."""
        row = self._row
        found = self._read(as_written=row.identity is None or self._by_old_number(row.identity))
        if isinstance(found, Rejected) and row.identity is not None and only_in_doubt(found.errors):
            row.kind, row.errors = "quarantined", found.errors
            found = self._read(as_written=True)
        if isinstance(found, Rejected):
            row.kind, row.errors, row.decisions = "quarantined", row.errors or found.errors, []
        elif row.kind != "quarantined":
            row.errors = ()
            row.record = found.record if found is not None else None

    def _by_old_number(self, identity: Identity) -> bool:
        """Whether the row stands under an old number that is nobody's: in 18 characters it would seem proved."""
        return not self._by_number and len(identity.id_number or "") == 15

    def _read(self, *, as_written: bool) -> Normalised | None:
        compiled = self._office.mapping_of(self._feed)
        return compiled.record_if(self._content, self._row.index, self._wanted, as_written=as_written)

    def _wanted(self, glance: Glance) -> bool:
        row = self._row
        row.decisions = list(self._ruled or self._decisions(glance))
        kind = _kind(self._office, row, glance)
        if kind == "stranger" and row.kind == "quarantined":
            return False
        row.kind = kind
        # What a person ruled he may take back, so nothing is learnt from it.
        certain = self._by_number and kind in ("member", "left") and not self._ruled
        row.person_no = glance.subject.person_no if certain else None
        return kind == "member"

    def _decisions(self, glance: Glance) -> Iterator[tuple[str, MatchDecision]]:
        for association in sorted({member.association for member in self._members}):
            offered = [self._candidate(member) for member in self._members if member.association == association]
            yield association, match(glance.subject, offered, self._office.match_model)

    def _candidate(self, member: Member) -> Candidate:
        return candidate_of(member, self._person_nos.get((self._row.index, member.member_id)))


def _kind(office: Office, row: Row, glance: Glance) -> str:
    outcomes = {decision.outcome for _, decision in row.decisions}
    if Outcome.MATCHED in outcomes:
        refund = row.original is not None
        payable = any(could_pay(office, name, glance, refund=refund) for name, _ in row.matched)
        return "member" if payable else "left"
    return "review" if Outcome.REVIEW in outcomes else "stranger"


class _Codeless(msgspec.Struct, frozen=True, gc=False):
    """A settlement whose diagnoses nobody told."""

    insurance_type: str | None
    care_type: str | None


def could_pay(office: Office, association: str, seen: Glance | SettlementRecord, *, refund: bool) -> bool:
    """Whether any scheme of the association could ever pay for such a settlement.

    A refund that tells no diagnosis may take back one that told it, so it is not ruled out by that.
    """
    kind: CareKind = _Codeless(seen.insurance_type, seen.care_type) if refund and not seen.diagnosis_codes else seen
    return any(scheme_could_pay(kind, family) for family in office.families(association))
