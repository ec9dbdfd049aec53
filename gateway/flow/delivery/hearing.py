"""What an association says about a claim: each message is kept once, and what of it decides is put in force in the
order in which the association says that it was so, whatever the order of coming."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal, TypeAlias

import msgspec

from gateway.errors import WrongUse
from gateway.flow.delivery.decisions import DecisionStanding, receive_decision
from gateway.flow.office import Office
from gateway.model.money import Money
from gateway.store import claim_messages, claims, people
from gateway.store.claim_messages import ClaimMessage
from gateway.store.values import to_ms

MessageOutcome: TypeAlias = Literal["accepted", "papers", "approved", "paid", "refused"]
"""accepted: 已受理; papers: asks for papers (补材料); the others decide."""

MessageStanding: TypeAlias = Literal["taken", "in_review", "not_taken", "overtaken"]
"""overtaken: the association has said since that it was otherwise later; the others as `DecisionStanding`."""

_DECIDES: Final = ("approved", "paid", "refused")


class AssociationMessage(msgspec.Struct, frozen=True, kw_only=True):
    """`amount` of a decision in fen; `reason` of a refusal and the `papers` wanted: codes; `paid_on`: the day it was
    paid; `at`: when it was so, None where the association does not tell: then the order of coming counts."""

    version: int
    outcome: MessageOutcome
    amount: Money
    reason: str = ""
    papers: tuple[str, ...] = ()
    paid_on: date | None = None
    at: datetime | None = None


def hear(office: Office, claim_id: str, message: AssociationMessage) -> MessageStanding:
    """Keep a message and put in force what it decides. Raises WrongUse for a claim or version that does not exist."""
    with office.store.write() as tx:
        rows = claims.by_ids(tx, [claim_id])
        if not rows or not 1 <= message.version <= rows[0].version:
            raise WrongUse("没有这份申领或这一版 (no such claim or version)")
        # Two messages about one claim at one moment are kept one after the other.
        people.lock(tx, [rows[0].person_id])
        latest = claim_messages.said_last(tx, claim_id)
        claim_messages.add(tx, _row(office, claim_id, message))
    if message.outcome not in _DECIDES:
        return "taken"
    if message.at is not None and latest is not None and to_ms(message.at) < latest:
        return "overtaken"
    outcome = message.outcome
    standing: DecisionStanding = receive_decision(
        office, claim_id, version=message.version, outcome=outcome, amount=message.amount
    )
    return standing


def _row(office: Office, claim_id: str, message: AssociationMessage) -> ClaimMessage:
    now = to_ms(office.now())
    # Without an instant of its own the same words may be meant anew, after others came in between.
    meant = msgspec.json.encode(message).decode() + ("" if message.at is not None else f"/{now}")
    return ClaimMessage(
        claim_id=claim_id,
        version=message.version,
        outcome=message.outcome,
        amount=message.amount,
        reason=message.reason,
        papers=",".join(message.papers),
        paid_on=message.paid_on.isoformat() if message.paid_on is not None else None,
        said_at=to_ms(message.at) if message.at is not None else None,
        received_at=now,
        digest=office.vault.fingerprinter("claim_message")(meant),
    )
