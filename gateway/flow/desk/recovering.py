"""Recovery (追回, 第十八条、第十九条): what was paid by error or fraud is asked back, comes back, or is written off by
two persons. What the member keeps in the end is the decision that later estimates see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec

from gateway.core.claims.told import Recovery
from gateway.errors import BadInput, Conflict, WrongUse
from gateway.flow.accounts.two_persons import confirms, propose
from gateway.flow.delivery.claims import show_claim, write_decision
from gateway.flow.delivery.recovery_notices import send_recovery
from gateway.flow.desk.hands import ClaimInHand, check_reason, in_hand, sealed_note, step_note_context
from gateway.flow.office import Office
from gateway.model.money import Money, yuan
from gateway.store import recoveries
from gateway.store.claims import ClaimDecisionRow
from gateway.store.recoveries import RecoveryRow, RecoveryTotal
from gateway.store.values import from_ms, to_ms
from gateway.words.desk import RECOVERIES, RECOVERY_ARTICLES, RECOVERY_STATES


class RecoveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """One recovery; money in yuan. `left`: what is still to come. `notice_version`, where it was just asked: the
    claim's version that tells the association; None where there is nothing to tell it with."""

    recovery_id: int
    claim_id: str
    association: str
    paid: str
    amount: str
    recovered: str
    left: str
    reason: str
    words: str
    article: str | None
    state: str
    state_words: str
    asked_by: str
    asked_at: datetime
    proposed_by: str | None
    closed_by: str | None
    closed_at: datetime | None
    notice_version: int | None = None


def ask_back(
    office: Office, claim_id: str, *, amount: Money | None, reason: str, by: str, note: str | None = None
) -> RecoveryReport:
    """Decide that money comes back: `amount` in fen of what was paid, None for all of it. The association is told by
    the claim's next version, also where it decides in a system of its own.

    Raises BadInput for an amount or reason that cannot be, Conflict where nothing was paid or one is open.
    """
    code = check_reason(reason, RECOVERIES, note, what="追回的理由")
    with in_hand(office, claim_id, by, wherever=True) as hand:
        decision = hand.decision
        if decision is None or decision.outcome != "paid" or not decision.amount:
            raise Conflict("申领没有已支付的金额 (nothing was paid for this claim)")
        if any(row.state == "asked" for row in recoveries.of_claim(hand.tx, claim_id)):
            raise Conflict("申领已有未了结的追回 (a recovery of this claim is open)")
        asked_for = decision.amount if amount is None else amount
        if not 0 < asked_for <= decision.amount:
            raise BadInput(
                "not_valid", f"追回金额应大于0，不超过已付的{yuan(decision.amount)}元 (at most what was paid)"
            )
        row = RecoveryRow(
            recovery_id=recoveries.next_id(hand.tx),
            claim_id=claim_id,
            association=hand.row.association,
            paid=decision.amount,
            amount=asked_for,
            recovered=0,
            reason=code,
            state="asked",
            asked_by=hand.by,
            asked_at=to_ms(office.now()),
            note=sealed_note(office, claim_id, note),
        )
        recoveries.add(hand.tx, row)
        hand.write_step("recovery", amount=asked_for, code=code, note=note)
        version = send_recovery(hand.tx, office, hand.row, _told(row))
    return msgspec.structs.replace(_report(row), notice_version=version)


def _told(row: RecoveryRow) -> Recovery:
    """As the association is told."""
    return Recovery(
        recovery_id=row.recovery_id,
        paid=yuan(row.paid),
        amount=yuan(row.amount),
        reason=row.reason,
        text=RECOVERIES.get(row.reason, row.reason),
        article=RECOVERY_ARTICLES.get(row.reason),
    )


def money_came(office: Office, recovery_id: int, *, amount: Money, by: str) -> RecoveryReport:
    """So much came back (fen), on top of what came before; all of it ends the recovery. Raises BadInput, Conflict."""
    with _open(office, recovery_id, by) as (hand, before):
        left = before.amount - before.recovered
        if not 0 < amount <= left:
            raise BadInput("not_valid", f"收回金额应大于0，不超过尚欠的{yuan(left)}元 (at most what is still to come)")
        row = msgspec.structs.replace(before, recovered=before.recovered + amount)
        hand.write_step("recovered", amount=amount)
        if row.recovered == row.amount:
            row = _close(hand, row, "recovered")
        recoveries.change(hand.tx, row)
    return _report(row)


def write_off(office: Office, recovery_id: int, *, by: str, note: str | None = None) -> RecoveryReport:
    """The rest will not come: proposed by one person, done once another says the same. Raises BadInput, Conflict."""
    with _open(office, recovery_id, by) as (hand, before):
        left, subject = before.amount - before.recovered, f"recovery {recovery_id}"
        first = before.proposed_by
        if first is None or not confirms(hand.tx, office, subject, first=first, second=hand.by):
            if not (note or "").strip():
                raise BadInput("not_valid", "核销须写明原因 (say why: a note)")
            row = msgspec.structs.replace(before, proposed_by=hand.by)
            hand.write_step("written_off", amount=left, code="proposed", note=note)
            propose(hand.tx, office, subject, by=hand.by)
        else:
            hand.write_step("written_off", amount=left, note=note)
            row = _close(hand, before, "written_off")
        recoveries.change(hand.tx, row)
    return _report(row)


@contextmanager
def _open(office: Office, recovery_id: int, by: str) -> Iterator[tuple[ClaimInHand, RecoveryRow]]:
    """A recovery that is open, with its claim in hand."""
    row = _numbered(office, recovery_id)
    with in_hand(office, row.claim_id, by, wherever=True) as hand:
        now = recoveries.by_id(hand.tx, recovery_id)
        if now is None or now.state != "asked":
            raise Conflict(f"第{recovery_id}号追回已了结 (the recovery has ended)")
        yield hand, now


def _numbered(office: Office, recovery_id: int) -> RecoveryRow:
    with office.store.read() as tx:
        row = recoveries.by_id(tx, recovery_id)
    if row is None:
        raise WrongUse(f"没有第{recovery_id}号追回 (no such recovery)")
    return row


def _close(hand: ClaimInHand, row: RecoveryRow, state: recoveries.RecoveryState) -> RecoveryRow:
    """It ends: what the member keeps is the final fact. Nothing kept is as if the claim had been refused."""
    now, keeps = to_ms(hand.office.now()), row.paid - row.recovered
    decision = ClaimDecisionRow(
        claim_id=row.claim_id,
        version=hand.decision.version if hand.decision is not None else hand.row.version,
        outcome="paid" if keeps else "refused",
        amount=keeps,
        decided_at=now,
    )
    write_decision(hand.tx, hand.office, hand.row, decision)
    return msgspec.structs.replace(row, state=state, closed_by=hand.by, closed_at=now)


def list_recoveries(
    office: Office, *, association: str | None = None, state: str | None = None, limit: int = 100
) -> tuple[list[RecoveryReport], list[RecoveryTotal]]:
    """Recoveries, newest first, and what all of them come to by association and state; without personal data."""
    with office.store.read() as tx:
        rows = recoveries.listing(tx, association=association, state=state, limit=limit)
        return [_report(row) for row in rows], recoveries.totals(tx, association=association)


def recovery_notice(office: Office, recovery_id: int, *, by: str) -> dict[str, Any]:
    """What the notice to the member says (追回通知): holds personal data, and that somebody reads it is written down.
    Raises WrongUse."""
    row = _numbered(office, recovery_id)
    with in_hand(office, row.claim_id, by, wherever=True) as hand:
        hand.write_step("seen", code="recovery")
    note = office.vault.open(row.note, step_note_context(row.claim_id)).decode() if row.note is not None else None
    return {
        **msgspec.to_builtins(_report(row)),
        "note": note,
        "claim": show_claim(office, row.claim_id)["body"],
        "association_name": office.associations[row.association].name,
    }


def _report(row: RecoveryRow) -> RecoveryReport:
    return RecoveryReport(
        recovery_id=row.recovery_id,
        claim_id=row.claim_id,
        association=row.association,
        paid=yuan(row.paid),
        amount=yuan(row.amount),
        recovered=yuan(row.recovered),
        left=yuan(row.amount - row.recovered),
        reason=row.reason,
        words=RECOVERIES.get(row.reason, row.reason),
        article=RECOVERY_ARTICLES.get(row.reason),
        state=row.state,
        state_words=RECOVERY_STATES[row.state],
        asked_by=row.asked_by,
        asked_at=from_ms(row.asked_at),
        proposed_by=row.proposed_by,
        closed_by=row.closed_by,
        closed_at=from_ms(row.closed_at) if row.closed_at is not None else None,
    )
