"""What people ruled before about the same evidence: applied to rows as they are read, so that no doubt comes twice.

A ruling is remembered as a keyed digest of the evidence (`gateway.core.reviewing.memory_of`) and the member it is
about. It beats whatever matching makes of the same evidence, but for the certain case; who changes is asked about anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from gateway.core.changes.leavings import is_plain
from gateway.core.match import match
from gateway.core.normalise import Rows
from gateway.core.reviewing import alone, memory_of
from gateway.flow.office import Office
from gateway.flow.reading.candidates import CandidateSet
from gateway.model.decision import MatchDecision, MatchOutcome
from gateway.model.person import Subject
from gateway.store import members, rulings
from gateway.store.engine import Tx
from gateway.store.rulings import Ruling


class DecidedRow(Protocol):
    """A row as far as rulings go: its place, its settlement, and the decision of every association about it."""

    @property
    def index(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def decisions(self) -> Sequence[tuple[str, MatchDecision]]: ...


class KnownRow(Protocol):
    """A row whose settlement number could be read."""

    @property
    def index(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...


class RuledRow(msgspec.Struct, frozen=True, kw_only=True):
    """The decisions about a row, one an association, where people ruled; and the rulings they lean on."""

    decisions: tuple[tuple[str, MatchDecision], ...]
    rulings: tuple[int, ...]


class Digests(msgspec.Struct, frozen=True):
    """What a ruling about a row is remembered by."""

    same: bytes
    different: bytes


def subject_of(office: Office, feed: str, content: Rows, index: int) -> Subject | None:
    """What stands in a row as it was written; None where nothing of who it is about can be read."""
    subject = office.mapping_of(feed).subject(content, index)
    return None if subject.name is None and subject.id_number is None else subject


def digests_of(office: Office, feed: str, content: Rows, row: KnownRow) -> Digests:
    """The keyed digests of a row's evidence. The row has a settlement number."""
    memory = memory_of(subject_of(office, feed, content, row.index), f"{feed}/{(row.key or b'').hex()}")
    digest = office.vault.fingerprinter("ruling")
    return Digests(digest(memory.same), digest(memory.different))


def rulings_about(
    tx: Tx,
    office: Office,
    feed: str,
    content: Rows,
    rows: Iterable[DecidedRow],
    candidates: CandidateSet,
) -> dict[int, RuledRow]:
    """Row → the decisions that hold now, for the doubtful rows about whose evidence people ruled."""
    doubtful = [
        row for row in rows if row.key is not None and any(_in_doubt(decision) for _, decision in row.decisions)
    ]
    if not doubtful:
        return {}
    digests = {row.index: digests_of(office, feed, content, row) for row in doubtful}
    by_digest = rulings.by_digest(tx, {digest for pair in digests.values() for digest in (pair.same, pair.different)})
    ruled = {}
    for row in doubtful if by_digest else ():
        pair = digests[row.index]
        about = [
            ruling for digest in dict.fromkeys((pair.same, pair.different)) for ruling in by_digest.get(digest, ())
        ]
        subject = subject_of(office, feed, content, row.index) or Subject()
        bench = _Bench(tx, office, candidates, row.index, subject)
        answers = [(name, *bench.decide(name, decision, about)) for name, decision in row.decisions]
        used = {number for _, _, numbers in answers for number in numbers}
        if used:
            decisions = tuple((name, decision) for name, decision, _ in answers)
            ruled[row.index] = RuledRow(decisions=decisions, rulings=tuple(sorted(used)))
    return ruled


def _in_doubt(decision: MatchDecision) -> bool:
    return decision.outcome is not MatchOutcome.NONE and not is_plain(decision)


class _Bench:
    """Decides one row under rulings."""

    def __init__(self, tx: Tx, office: Office, candidates: CandidateSet, index: int, subject: Subject) -> None:
        self._tx, self._office, self._candidates = tx, office, candidates
        self._index, self._subject = index, subject

    def decide(
        self, association: str, decision: MatchDecision, about: Sequence[Ruling]
    ) -> tuple[MatchDecision, set[int]]:
        """The decision as people ruled it, with the rulings it leans on; as it was, with none, where they did not.

        "This is the member" comes before "this is not": whoever said the first saw every candidate, while the second
        takes out one of them. A member who has left the roster since cannot be meant any more.
        """
        about_its_own = [ruling for ruling in about if ruling.association == association]
        if not about_its_own or not _in_doubt(decision):
            return decision, set()
        for ruling in about_its_own:
            rows = members.by_id(self._tx, [ruling.member_id]) if ruling.same else []
            enrolled = [row for row in rows if row.association == association and not row.opt_out]
            if enrolled:
                member = self._candidates.as_matched(self._index, self._office.open_member(enrolled[0]))
                # The evidence is the member's own, not that of whoever else the row made matching think of.
                own = alone(self._subject, member, self._office.match_model)
                reasons = (*own.reasons, "decided_by_person")
                matched = msgspec.structs.replace(own, outcome=MatchOutcome.MATCHED, member=member, reasons=reasons)
                return matched, {ruling.ruling_id}
        ruled_out = {ruling.member_id: ruling.ruling_id for ruling in about_its_own if not ruling.same}
        return self._without(ruled_out, association, decision)

    def _without(
        self, ruled_out: dict[int, int], association: str, decision: MatchDecision
    ) -> tuple[MatchDecision, set[int]]:
        """Matched anew among the candidates that no ruling is against."""
        candidates = self._candidates.of_rows.get(self._index, ())
        offered = [member for member in candidates if member.association == association]
        against = {ruled_out[member.member_id] for member in offered if member.member_id in ruled_out}
        if not against:
            return decision, set()
        remaining = [
            self._candidates.as_matched(self._index, member) for member in offered if member.member_id not in ruled_out
        ]
        again = match(self._subject, remaining, self._office.match_model)
        return msgspec.structs.replace(again, reasons=(*again.reasons, "ruled_out_by_person")), against
