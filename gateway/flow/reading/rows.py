"""Read a batch of rows before any transaction opens: who is it about, what does it say, what cannot be read.

A stranger is read only as far as counting and looking for him needs (DECISIONS 3); a row whose id number is a
member's is read in full, and so is one whose other evidence leads to a member.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.core.changes import ReadRow
from gateway.core.match import match, own_person_no
from gateway.core.normalise import CompiledMapping, Glance, Rejected, Rows, fields_of, is_skipped, only_in_doubt
from gateway.core.schemes import could_pay_any
from gateway.flow.office import Office
from gateway.flow.opening import UNREADABLE
from gateway.flow.reading.candidates import CandidateSet, Search, blocks_asked, number_asked
from gateway.flow.reading.rulings import RuledRow, rulings_about
from gateway.model.decision import MatchDecision, MatchOutcome
from gateway.model.feed_day import WARNING, UnknownCodes
from gateway.model.member import Member
from gateway.model.page import Identity, RowError
from gateway.model.person import Subject
from gateway.model.pieces import Piece
from gateway.model.record import SettlementRecord
from gateway.model.rows import RowClass, signed
from gateway.store import roster
from gateway.store.engine import Tx

_HIDDEN = re.compile("[*#•●×■□xX]{2,}")
"""Signs a feed puts in the place of digits it does not want to show, after NFKC."""

# A member of an enum asked of its class costs as much as ten look-ups, and this is asked of every row.
_MEMBER, _NOT_PAYABLE, _NON_MEMBER = RowClass.MEMBER, RowClass.NOT_PAYABLE, RowClass.NON_MEMBER
_REVIEW, _QUARANTINED = RowClass.REVIEW, RowClass.QUARANTINED
_MATCHED, _IN_REVIEW = MatchOutcome.MATCHED, MatchOutcome.REVIEW

SHUT = RowError(code=UNREADABLE, field="", message="会员资料的密文打不开 (the stored fields of a member do not open)")
"""What is wrong with a row that leads to a member who cannot be compared with it."""


Noticed = dict[str, dict[str, tuple[int, int]]]
"""`UnknownCodes` while they are counted."""


class Reading(msgspec.Struct, kw_only=True):
    """A batch as read, under the roster versions it was looked up with. `unknown`: codes that decide about money and
    that the mapping does not know, of rows that may be members' and of rows refused for them; and what the mapping
    warned of in members' rows."""

    rows: list[ReadRow]
    versions: tuple[int, ...]
    members: dict[int, list[Member]]
    aside: list[Piece] = msgspec.field(default_factory=list)
    unknown: UnknownCodes = msgspec.field(default_factory=dict)


def identify(office: Office, feed: str, rows: Any, start: int, stop: int) -> list[ReadRow]:
    """Settlement number, sign, id number and total of every row; what cannot be read is quarantined."""
    compiled, digest = office.mapping_of(feed), office.record_key(feed)
    within_facility = compiled.language.unique_within == "facility"
    out = []
    for index, identity in enumerate(compiled.identify(rows, start, stop, names=office.looks_further), start):
        if isinstance(identity, Identity):
            if identity.reversal:
                row = _reversal(digest, compiled, rows, index, identity)
            else:
                key = digest(identity.settlement_no + "+")
                row = ReadRow(index=index, key=key, amount=identity.total, identity=identity)
            if within_facility:
                number, original = identity.settlement_no, identity.reverses or identity.settlement_no
                _know_by_facility(office.number_key(feed), row, identity.facility_no, number, original)
        else:
            salvaged, reversal, total, facility_no = compiled.salvage(rows, index)
            row = _unreadable(digest, salvaged, reversal, total)
            row.index, row.errors = index, identity
            if salvaged and within_facility:
                _know_by_facility(office.number_key(feed), row, facility_no, salvaged, salvaged)
        out.append(row)
    return out


def _know_by_facility(
    number_key: Callable[[str | None, str], bytes], row: ReadRow, facility_no: str | None, number: str, original: str
) -> None:
    """A row whose number is only unique within its facility is known by both; what was stored before is found too."""
    row.former, row.former_original = row.key, row.original
    row.key = number_key(facility_no, number + ("+" if row.original is None else "-"))
    row.original = None if row.original is None else number_key(facility_no, original + "+")


def _reversal(
    digest: Callable[[str], bytes], compiled: CompiledMapping, rows: Rows, index: int, identity: Identity
) -> ReadRow:
    """A reversal, with what it reverses. One that names nobody may be a member's: it is read whole at once, because
    later, when its original is known, nobody would see its errors."""
    row = ReadRow(
        index=index,
        key=digest(identity.settlement_no + "-"),
        original=digest((identity.reverses or identity.settlement_no) + "+"),
        amount=signed(identity.total, reversal=True),
        identity=identity,
    )
    whole = compiled.record(rows, index) if identity.names_nobody else None
    if isinstance(whole, Rejected):
        row.row_class, row.identity, row.errors = RowClass.QUARANTINED, None, whole.errors
    elif whole is not None:
        row.record = whole.record
    return row


def _unreadable(digest: Callable[[str], bytes], number: str | None, reversal: bool, total: int | None) -> ReadRow:
    """A row for quarantine, with its number and money where at least these can be read."""
    row = ReadRow(index=0, row_class=RowClass.QUARANTINED, amount=total or 0)
    if number:
        row.key = digest(number + ("-" if reversal else "+"))
    if reversal:
        row.amount = -abs(row.amount)
        row.original = digest(number + "+") if number else None
    return row


def look_up(tx: Tx, office: Office, feed: str, rows: Sequence[ReadRow], content: Rows) -> Reading:
    """Ask the roster who is a member; decide whether the rows found are about members, and read those in full.

    A row with candidates gets a verdict by its evidence; where that leaves a doubt about which people ruled before, a
    verdict by their ruling takes its place. A row is written to once, when its verdict is final.
    """
    versions = roster.version(tx, office.feeds[feed].associations)
    for row in rows:
        if row.identity is None:
            see_as_written(office, feed, content, row)
    candidates = Search(tx, office, feed, content).run(rows)
    judge = _Judge(office, feed, content, candidates)
    verdicts = {row.index: judge.by_evidence(row) for row in rows if row.index in candidates.of_rows}
    ruled = rulings_about(tx, office, feed, content, verdicts.values(), candidates)
    noticed: Noticed = {}
    # Four rows in five are sound and nobody's: what they are as identified is final.
    for row in [row for row in rows if row.index in verdicts or row.identity is None or row.index in candidates.shut]:
        verdict = verdicts.get(row.index)
        if row.index in ruled:
            verdict = judge.by_rulings(row, verdicts[row.index], ruled[row.index])
        if verdict is not None:
            verdict.write_to(row)
            for warning in verdict.warnings:
                _notice(noticed, f"{WARNING}{warning.code}", "、".join(fields_of(warning)), row.amount)
        if row.row_class is _QUARANTINED:
            # A number hidden on purpose is no error of its row: unless it leads to a member, it is a stranger's.
            hidden = row.subject is not None and _HIDDEN.search(row.subject.id_number or "")
            if hidden and row.index not in ruled:
                row.row_class, row.errors = _NON_MEMBER, ()
            elif any(error.code == "unknown_code" for error in row.errors):
                judge.odd_rows.append(row.index)
        if row.index in candidates.shut_by_number or (row.index in candidates.shut and not row.matched):
            # Whom it is about cannot be told before the member's box opens: nothing is concluded from it.
            row.row_class, row.errors, row.record = _QUARANTINED, (SHUT,), None
            row.decide(())
    if judge.odd_rows:
        by_index = {row.index: row for row in rows}
        note_unknown_codes(office, feed, content, [by_index[index] for index in dict.fromkeys(judge.odd_rows)], noticed)
    return Reading(
        rows=list(rows), versions=versions, members=candidates.people(), aside=candidates.aside, unknown=noticed
    )


def note_unknown_codes(office: Office, feed: str, content: Rows, rows: Sequence[ReadRow], noticed: Noticed) -> None:
    """Count the unknown codes of rows whose reading came out oddly; each row learns its own."""
    compiled = office.mapping_of(feed)
    for row in rows:
        if row.row_class is _NON_MEMBER:
            continue
        codes = compiled.unknown_codes(content, row.index, row.errors)
        row.unknown_codes = tuple(field for field, _ in codes)
        for field, code in codes:
            _notice(noticed, field, code, row.amount)


def _notice(noticed: Noticed, field: str, code: str, amount: int) -> None:
    rows, money = noticed.setdefault(field, {}).get(code, (0, 0))
    noticed[field][code] = (rows + 1, money + amount)


def see_as_written(office: Office, feed: str, content: Rows, row: ReadRow) -> None:
    """A row with nothing wrong but its number or name is looked for by what stands there."""
    if row.identity is None and is_skipped(row.errors):
        # It is no settlement: what it says is said by other rows. Nothing counts it, and nothing is asked about it.
        row.row_class, row.errors = RowClass.SUPERSEDED, ()
    elif row.identity is None and only_in_doubt(row.errors):
        row.subject = office.mapping_of(feed).subject(content, row.index)


def digests_asked(office: Office, feed: str, content: Rows, row: ReadRow) -> set[bytes]:
    """Every fingerprint and block under which a row could be looked up."""
    see_as_written(office, feed, content, row)
    digests = set(blocks_asked(office, feed, content, row))
    number = number_asked(row)
    if number is not None:
        digests.add(office.id_fingerprint(number))
    return digests


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is concluded about one row that has candidates. Fields as those of `ReadRow`; `record` is there where a
    scheme could pay."""

    index: int
    key: bytes | None
    row_class: RowClass
    errors: tuple[RowError, ...] = ()
    decisions: tuple[tuple[str, MatchDecision], ...] = ()
    record: SettlementRecord | None = None
    person_no: str | None = None
    ruled_by: tuple[int, ...] = ()
    warnings: tuple[RowError, ...] = ()

    def write_to(self, row: ReadRow) -> None:
        """Make this the standing of its row. What a nameless reversal says is read already, whatever the verdict."""
        row.row_class, row.errors = self.row_class, self.errors
        row.decide(self.decisions)
        row.person_no, row.ruled_by = self.person_no, self.ruled_by
        if not row.is_nameless_reversal:
            row.record = self.record


class _Judge:
    """Draws the verdicts of a batch: by the evidence, or by what people ruled about it. Changes no row. `odd_rows`: in
    which a code may be unknown."""

    def __init__(self, office: Office, feed: str, content: Rows, candidates: CandidateSet) -> None:
        self._office, self._feed, self._content, self._candidates = office, feed, content, candidates
        self._compiled = office.mapping_of(feed)
        self.odd_rows: list[int] = []

    def by_evidence(self, row: ReadRow) -> Verdict:
        """What matching makes of a row as it was identified."""
        standing = Verdict(index=row.index, key=row.key, row_class=row.row_class, errors=row.errors)
        return self._verdict(row, standing, None)

    def by_rulings(self, row: ReadRow, verdict: Verdict, ruled: RuledRow) -> Verdict:
        """The verdict on a doubtful row once people's decisions stand in place of matching's."""
        return self._verdict(row, verdict, ruled)

    def _verdict(self, row: ReadRow, standing: Verdict, ruled: RuledRow | None) -> Verdict:
        """First as a sound row reads. One that has nothing wrong but its number or name is then read as it is written:
        it stays set aside with that error, unless what is written leads to a member."""
        # Under an old number that is nobody's a row would seem proved in 18 characters.
        by_number = row.index in self._candidates.by_number
        as_written = row.identity is None or (not by_number and len(row.identity.id_number or "") == 15)
        verdict = self._read(row, standing, ruled, as_written=as_written)
        if row.identity is not None and verdict.row_class is _QUARANTINED and only_in_doubt(verdict.errors):
            return self._read(row, verdict, ruled, as_written=True)
        return verdict

    def _read(self, row: ReadRow, standing: Verdict, ruled: RuledRow | None, *, as_written: bool) -> Verdict:
        glanced = self._compiled.glance(self._content, row.index, as_written=as_written)
        if isinstance(glanced, Rejected):
            return _set_aside(standing, glanced)
        if self._compiled.is_odd(glanced):
            self.odd_rows.append(row.index)
        subject = glanced.glance.subject
        decisions = ruled.decisions if ruled else tuple(self._matched(row.index, subject))
        row_class = self._class_of(row, glanced.glance, decisions)
        if row_class is _NON_MEMBER and standing.row_class is _QUARANTINED:
            return msgspec.structs.replace(standing, decisions=decisions)
        record = self._compiled.record_of(glanced) if row_class is _MEMBER else None
        if isinstance(record, Rejected):
            return _set_aside(standing, record)
        # What a person ruled can be taken back, so nothing is learnt from it.
        certain = row.index in self._candidates.by_number and row_class in (_MEMBER, _NOT_PAYABLE) and not ruled
        return Verdict(
            index=row.index,
            key=row.key,
            row_class=row_class,
            decisions=decisions,
            record=record.record if record is not None else None,
            person_no=own_person_no(subject.person_no) or None if certain else None,
            ruled_by=ruled.rulings if ruled else (),
            warnings=record.warnings if record is not None else (),
        )

    def _matched(self, index: int, subject: Subject) -> Iterator[tuple[str, MatchDecision]]:
        """One decision for every association that has candidates, whose members are matched apart from the others'."""
        members = self._candidates.of_rows[index]
        for association in sorted({member.association for member in members}):
            offered = [
                self._candidates.as_matched(index, member) for member in members if member.association == association
            ]
            yield association, match(subject, offered, self._office.match_model)

    def _class_of(self, row: ReadRow, glance: Glance, decisions: Sequence[tuple[str, MatchDecision]]) -> RowClass:
        """The class that follows: a certain member's row counts as his only where one of his schemes could pay."""
        matched = [name for name, decision in decisions if decision.outcome is _MATCHED]
        if matched:
            refund = row.original is not None
            payable = any(could_pay_any(glance, self._office.families(name), refund=refund) for name in matched)
            return _MEMBER if payable else _NOT_PAYABLE
        in_review = any(decision.outcome is _IN_REVIEW for _, decision in decisions)
        return _REVIEW if in_review else _NON_MEMBER


def _set_aside(standing: Verdict, rejected: Rejected) -> Verdict:
    """A row that cannot be read whole. What was wrong with it before is what a person must mend first."""
    return Verdict(
        index=standing.index,
        key=standing.key,
        row_class=_QUARANTINED,
        errors=standing.errors or rejected.errors,
    )
