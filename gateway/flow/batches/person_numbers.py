"""What a settled batch leaves for later: why doubtful rows were decided as they were, and person numbers learnt.

Both are written in the batch's own transaction, under its feed's lock, so they are there once or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from gateway.flow.office import Office
from gateway.flow.reading.candidates import person_block
from gateway.flow.reading.rows import Row
from gateway.flow.reading.rulings import is_plain
from gateway.model.decision import Evidence
from gateway.store import blocks, match_decisions
from gateway.store.engine import Tx
from gateway.store.match_decisions import MatchDecisionRow
from gateway.store.pages import StoredPage
from gateway.store.values import to_ms

_EXPLAINED = frozenset(("member", "duplicate", "review"))
_CERTAIN = frozenset(("member", "left", "duplicate"))


def remember(tx: Tx, office: Office, page: StoredPage, rows: Sequence[Row], *, again: bool = False) -> None:
    """Keep the decisions that need explaining, and learn person numbers. `again`: these rows were decided before."""
    if again:
        match_decisions.forget(tx, page.seq, [row.index for row in rows])
    now_ms = to_ms(office.now())
    match_decisions.keep(tx, [each for row in rows for each in _to_keep(page, row, now_ms)])
    learn(tx, office, page.feed, rows)


def _to_keep(page: StoredPage, row: Row, now_ms: int) -> Iterable[MatchDecisionRow]:
    if row.kind not in _EXPLAINED:
        return
    for association, decision in row.decisions:
        if decision.member is not None and not is_plain(decision):
            yield MatchDecisionRow(
                page_seq=page.seq,
                row=row.index,
                association=association,
                member_id=decision.member.member_id,
                outcome=decision.outcome.value,
                score=decision.score,
                reasons=decision.reasons,
                evidence=tuple(_blunted(each) for each in decision.evidence),
                model=decision.model,
                decided_at=now_ms,
            )


def _blunted(evidence: Evidence) -> Evidence:
    """To a tenth of a bit: an exact weight would tell how rare a name is, and so nearly the name."""
    return msgspec.structs.replace(evidence, weight=round(evidence.weight, 1), running=round(evidence.running, 1))


def learn(tx: Tx, office: Office, feed: str, rows: Iterable[Row]) -> None:
    """Members certainly matched are found by the feed's person numbers of theirs from now on. The caller holds the
    feed, and so nobody else learns the same at this moment."""
    people = {
        (row.person_no, member.member_id)
        for row in rows
        if row.person_no is not None and row.kind in _CERTAIN
        for _, member in row.matched
    }
    wanted = {(person_block(office, feed, person_no), member_id) for person_no, member_id in people}
    there = blocks.find(tx, sorted({block for block, _ in wanted}))
    blocks.add(tx, wanted.difference(there))
