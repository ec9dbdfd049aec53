"""One writing of what was concluded. Nothing is decided here but what only the database can tell: whether a question is
asked already, and whether a claim that is withdrawn was ever heard of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gateway.core.changes import Batch, Changes, HeldRecord, PagePlace
from gateway.core.changes.values import ExplainedRow
from gateway.core.claims import kept
from gateway.flow.changes.boxes import RecordSealer
from gateway.flow.office import Office, delivery_context
from gateway.flow.pages import row_lists
from gateway.flow.reading.candidates import person_block
from gateway.model.claim import ClaimStatus, PrefilledClaim
from gateway.model.decision import Evidence
from gateway.model.holds import AsideItem, Cause
from gateway.model.questions import ReviewItem
from gateway.store import (
    batches,
    blocks,
    claims,
    deliveries,
    holds,
    match_decisions,
    quarantine,
    records,
    reviews,
    rulings,
    unreadable,
)
from gateway.store.deliveries import Outgoing
from gateway.store.engine import Tx
from gateway.store.match_decisions import MatchDecisionRow
from gateway.store.records import RecordRow
from gateway.store.values import to_ms
from gateway.vault import DataKey


def write(tx: Tx, office: Office, batch: Batch, changes: Changes, cause: Cause | None = None) -> None:
    """Write all of it. The caller holds what `gather` wants held. `cause`: for what something is put aside."""
    _end_items(tx, changes)
    _write_records(tx, office, batch, changes)
    if changes.outgoing:
        write_claims(tx, office, changes)
    if changes.put_aside and cause is not None:
        _write_aside(tx, office, cause, changes)
    if changes.doubts:
        reviews.ask(tx, _unasked(tx, changes.doubts, changes.names_before))
    if changes.bill_questions:
        reviews.ask(tx, changes.bill_questions)
    if changes.asked_of:
        reviews.move(tx, [(seq, row, item_id) for item_id, (seq, row) in changes.asked_of.items()])
    if batch.page is not None:
        _write_leavings(tx, office, batch.page, changes, again=batch.again)
    if changes.moved:
        batches.change_classes(tx, changes.moved)
    unopened = list(changes.unopened)
    for seq, relisted in changes.relisted.items():
        unopened += row_lists.rewrite(tx, office, seq, relisted)
    if unopened:
        unreadable.note(tx, unopened, now=office.now())


def _write_aside(tx: Tx, office: Office, cause: Cause, changes: Changes) -> None:
    """Who waits for a hold already joins it; the others wait for the one that gathers for this cause."""
    by_hold: dict[int, list[AsideItem]] = defaultdict(list)
    for item in changes.put_aside:
        by_hold[changes.held[item.person_id]].append(item)
    for hold_id, items in sorted(by_hold.items()):
        holds.put_aside(tx, hold_id or holds.gather(tx, cause, now_ms=to_ms(office.now())), items)


def _end_items(tx: Tx, changes: Changes) -> None:
    """Questions and errors that end: a later row took their row's place, or they are asked anew below."""
    if changes.superseded_reviews or changes.closed_reviews:
        reviews.end(tx, changes.superseded_reviews, state="superseded")
        reviews.end(tx, changes.closed_reviews, state="closed")
    if changes.superseded_quarantine or changes.closed_quarantine:
        quarantine.end(tx, changes.superseded_quarantine, state="superseded")
        quarantine.end(tx, changes.closed_quarantine, state="closed")


def _write_records(tx: Tx, office: Office, batch: Batch, changes: Changes) -> None:
    """Records that go and come, and reversals that wait for their original."""
    if changes.woken or changes.waiting or batch.taken_back:
        records.woken(tx, changes.woken)
        records.wait(tx, [(feed, original, *place) for place, (feed, original) in changes.waiting.items()])
        records.forget_waiting(tx, batch.taken_back)
    if changes.removed:
        records.remove(tx, list(changes.removed))
    if changes.added:
        records.add(tx, _record_rows(office, changes.added))
    if changes.marks:
        records.mark(tx, changes.marks)
    if changes.came_first:
        records.came_first(tx, [(*place, record_id) for record_id, place in changes.came_first.items()])


def _record_rows(office: Office, added: Iterable[HeldRecord]) -> list[RecordRow]:
    sealer = RecordSealer(office)
    return [
        RecordRow(
            record_id=0,
            association=settlement.association,
            feed=settlement.feed,
            key=settlement.key,
            person_id=settlement.person_id,
            member_id=settlement.member_id,
            page_seq=settlement.page_seq,
            row=settlement.row,
            received_on=settlement.received_on,
            amount=settlement.amount,
            duplicate=settlement.duplicate,
            sealed=sealer.box_of(settlement),
            first_seq=settlement.first[0] if settlement.first else None,
            first_row=settlement.first[1] if settlement.first else None,
        )
        for settlement in added
    ]


def write_claims(tx: Tx, office: Office, changes: Changes) -> None:
    """Claims and their outbox rows. A withdrawal of what was never on the wire need not go either."""
    claims.save(tx, changes.new_claims, changes.changed_claims)
    silent = deliveries.overtake(tx, [claim.claim_id for claim in changes.changed_claims])
    month = office.now().date().replace(day=1)
    associations = {claim.association for claim, _ in changes.outgoing}
    keys = {name: office.vault.claim_key(name, month) for name in associations}
    deliveries.add(
        tx,
        [_outgoing(keys[claim.association], claim, content, silent) for claim, content in changes.outgoing],
    )


def _outgoing(key: DataKey, claim: PrefilledClaim, content: bytes, silent: dict[str, bool]) -> Outgoing:
    plain = kept.body(claim.claim_id, claim.version, claim.status, content)
    unheard = silent.get(claim.claim_id, False) and claim.status == ClaimStatus.WITHDRAWN
    return Outgoing(
        claim_id=claim.claim_id,
        version=claim.version,
        association=claim.association,
        sealed=key.seal(plain, delivery_context(f"{claim.claim_id}/{claim.version}")),
        state="overtaken" if unheard else "pending",
        next_at=claim.updated_at,
        person_id=claim.person_id,
    )


def _unasked(tx: Tx, doubts: Sequence[ReviewItem], names_before: Mapping[str, str]) -> list[ReviewItem]:
    """Doubts about claims that are not open, and that nobody has answered for exactly these facts, under the name they
    have now or the one they had before names had a key."""
    return [
        doubt
        for doubt in doubts
        for names in [{doubt.claim_id, names_before.get(doubt.claim_id or "", doubt.claim_id)}]
        if not any(reviews.has_open(tx, kind=doubt.kind, claim_id=name) for name in names)
        and not any(
            reviews.is_answered(tx, kind=doubt.kind, claim_id=name, situation=doubt.situation) for name in names
        )
    ]


def _write_leavings(tx: Tx, office: Office, page: PagePlace, changes: Changes, *, again: bool) -> None:
    """What rows leave for later: errors, questions, decisions to explain, person numbers, which ruling decided what."""
    if changes.quarantined:
        (quarantine.add_again if again or changes.returned else quarantine.add)(tx, changes.quarantined)
    if again or changes.returned:
        # A doubt about a row that was asked before keeps its number; a decision before is forgotten.
        reviews.ask_again(tx, changes.questions)
    elif changes.questions:
        reviews.ask(tx, changes.questions)
    if again:
        match_decisions.forget(tx, page.seq, list(changes.classes))
    for seq, row in changes.returned:
        match_decisions.forget(tx, seq, [row])
    if changes.explained:
        now_ms = to_ms(office.now())
        match_decisions.keep(tx, [_kept_decision(explained, now_ms) for explained in changes.explained])
    if changes.person_numbers:
        learnt = {(person_block(office, page.feed, number), member_id) for number, member_id in changes.person_numbers}
        stored = blocks.find(tx, sorted({block for block, _ in learnt}))
        blocks.add(tx, learnt.difference(stored))
    if changes.ruled:
        rulings.note_uses(tx, [(ruling_id, seq, row) for ruling_id, (seq, row) in changes.ruled])


def _kept_decision(explained: ExplainedRow, now_ms: int) -> MatchDecisionRow:
    decision = explained.decision
    return MatchDecisionRow(
        page_seq=explained.place[0],
        row=explained.place[1],
        association=explained.association,
        member_id=decision.member.member_id if decision.member else 0,
        outcome=decision.outcome.value,
        score=decision.score,
        reasons=decision.reasons,
        evidence=tuple(_blunted(evidence) for evidence in decision.evidence),
        model=decision.model,
        decided_at=now_ms,
    )


def _blunted(evidence: Evidence) -> Evidence:
    """To a tenth of a bit: an exact weight would tell how rare a name is, and so nearly the name."""
    return msgspec.structs.replace(evidence, weight=round(evidence.weight, 1), running=round(evidence.running, 1))
