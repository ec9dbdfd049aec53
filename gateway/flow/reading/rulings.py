"""What people ruled before about the same evidence: applied to rows as they are read, so that no doubt comes twice.

A ruling is remembered as a keyed digest of the evidence (`gateway.core.reviewing.memory_of`) and the member it is
about. It beats whatever matching makes of the same evidence, but for the certain case; who changes is asked about anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from gateway.core.match import match
from gateway.core.normalise import Rows
from gateway.core.reviewing import alone, memory_of
from gateway.flow.office import Office
from gateway.flow.reading.candidates import Found, candidate_of
from gateway.model.decision import Candidate, MatchDecision, Outcome, Subject
from gateway.store import members, rulings
from gateway.store.engine import Tx
from gateway.store.rulings import Ruling

_PLAIN = ("id_number_agrees", "name_agrees")

Ruled: TypeAlias = tuple[str, MatchDecision]
"""(association, what a person ruled, or matching decided where nobody ruled)."""


class Decided(Protocol):
    """A row with the decisions about it, one an association."""

    index: int
    key: bytes | None
    decisions: list[tuple[str, MatchDecision]]
    ruled_by: tuple[int, ...]


R = TypeVar("R", bound=Decided)


class Digests(msgspec.Struct, frozen=True):
    """What a ruling about a row is remembered by."""

    same: bytes
    different: bytes


def subject_of(office: Office, feed: str, content: Rows, index: int) -> Subject | None:
    """What stands in a row as it was written; None where nothing of who it is about can be read."""
    subject = office.mapping_of(feed).subject(content, index)
    return None if subject.name is None and subject.id_number is None else subject


def digests_of(office: Office, feed: str, content: Rows, row: Decided) -> Digests:
    """The keyed digests of a row's evidence. The row has a settlement number."""
    memory = memory_of(subject_of(office, feed, content, row.index), f"{feed}/{(row.key or b'').hex()}")
    digest = office.vault.fingerprinter("ruling")
    return Digests(digest(memory.same), digest(memory.different))


def apply_rulings(
    tx: Tx, office: Office, feed: str, content: Rows, rows: Iterable[R], found: Found
) -> list[tuple[R, list[Ruled]]]:
    """The rows about whose evidence people ruled, with the decisions that hold now. Sets their `ruled_by`."""
    doubtful = [row for row in rows if row.key is not None and any(_in_doubt(each) for _, each in row.decisions)]
    if not doubtful:
        return []
    digests = {row.index: digests_of(office, feed, content, row) for row in doubtful}
    known = rulings.by_digest(tx, {each for both in digests.values() for each in (both.same, both.different)})
    ruled = []
    for row in doubtful if known else ():
        both = digests[row.index]
        mine = [each for digest in dict.fromkeys((both.same, both.different)) for each in known.get(digest, ())]
        bench = _Bench(tx, office, found, row.index, subject_of(office, feed, content, row.index) or Subject())
        decisions = [(name, bench.decide(name, decision, mine)) for name, decision in row.decisions]
        row.ruled_by = tuple(sorted(bench.used))
        if bench.used:
            ruled.append((row, decisions))
    return ruled


def is_plain(decision: MatchDecision) -> bool:
    """Whether number and name simply agree: that needs no waterfall, and nobody is ever asked about it."""
    return decision.outcome is Outcome.MATCHED and decision.reasons == _PLAIN


def _in_doubt(decision: MatchDecision) -> bool:
    return decision.outcome is not Outcome.NONE and not is_plain(decision)


class _Bench:
    """Decides one row under rulings, and knows which of them it leant on."""

    def __init__(self, tx: Tx, office: Office, found: Found, index: int, subject: Subject) -> None:
        self._tx, self._office, self._found, self._index, self._subject = tx, office, found, index, subject
        self.used: set[int] = set()

    def decide(self, association: str, decision: MatchDecision, rulings: Sequence[Ruling]) -> MatchDecision:
        """The decision as people ruled it; as it was, where they did not."""
        mine = [each for each in rulings if each.association == association]
        if not mine or not _in_doubt(decision):
            return decision
        for each in (each for each in mine if each.same):
            member = self._member(association, each.member_id)
            if member is not None:
                self.used.add(each.ruling_id)
                # The evidence is his own, not that of whoever else the row made matching think of.
                own = alone(self._subject, member, self._office.match_model)
                reasons = (*own.reasons, "decided_by_person")
                return msgspec.structs.replace(own, outcome=Outcome.MATCHED, member=member, reasons=reasons)
        return self._without({each.member_id: each.ruling_id for each in mine if not each.same}, association, decision)

    def _member(self, association: str, member_id: int) -> Candidate | None:
        rows = members.by_id(self._tx, [member_id])
        there = [row for row in rows if row.association == association and not row.opt_out]
        if not there:
            return None
        return candidate_of(self._office.open_member(there[0]), self._found.person_nos.get((self._index, member_id)))

    def _without(self, ruled_out: dict[int, int], association: str, decision: MatchDecision) -> MatchDecision:
        """Matched anew among the candidates nobody ruled out."""
        members = self._found.candidates.get(self._index, ())
        offered = [each for each in members if each.association == association]
        against = {ruled_out[each.member_id] for each in offered if each.member_id in ruled_out}
        if not against:
            return decision
        self.used |= against
        left = [
            candidate_of(each, self._found.person_nos.get((self._index, each.member_id)))
            for each in offered
            if each.member_id not in ruled_out
        ]
        again = match(self._subject, left, self._office.match_model)
        return msgspec.structs.replace(again, reasons=(*again.reasons, "ruled_out_by_person"))


def note_rulings(tx: Tx, seq: int, rows: Iterable[Decided]) -> None:
    """Remember which rows of a page the rulings decided, for when they are undone or void."""
    rulings.note_uses(tx, [(ruling, seq, row.index) for row in rows for ruling in row.ruled_by])
