"""What an association says it decided. More than the claim asks for is a person's to believe, and nothing before."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, cast

import msgspec

from gateway.errors import BadInput, WrongUse
from gateway.flow.delivery.claims import decide, write_decision
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN
from gateway.model.claim import PrefilledClaim
from gateway.model.money import Money, parse_yuan
from gateway.model.questions import ReviewItem
from gateway.store import claims, deliveries, people, reviews
from gateway.store.claims import ClaimDecisionRow
from gateway.store.engine import Tx
from gateway.store.values import to_ms

ABOVE_CLAIM: Final = "approval"
"""The kind of question about an approval above the claim's amount."""

DecisionOutcome: TypeAlias = Literal["approved", "paid", "refused"]
DecisionStanding: TypeAlias = Literal["taken", "in_review", "not_taken"]
"""taken: it stands; in_review: a person is asked; not_taken: a person has said no to exactly this."""


def receive_decision(
    office: Office, claim_id: str, *, version: int, outcome: DecisionOutcome, amount: Money
) -> DecisionStanding:
    """Write down what the association decided, or ask a person where it is more than that version asks for.

    Raises WrongUse for a claim or version that does not exist.
    """
    with office.store.read() as tx:
        rows = claims.by_ids(tx, [claim_id])
        if not rows or not 1 <= version <= rows[0].version:
            raise WrongUse("没有这份申领或这一版 (no such claim or version)")
        row = rows[0]
        asked_for = _payable(tx, office, row, version)
        stands = claims.decisions(tx, [claim_id]).get(claim_id)
        waiting = reviews.open_of_claim(tx, kind=ABOVE_CLAIM, claim_id=claim_id)
    agreed = stands is not None and (stands.version, stands.outcome, stands.amount) == (version, outcome, amount)
    if amount > asked_for and not agreed:
        return ask_about(office, row, question_about(office, row, version, outcome, amount))
    decide(office, claim_id, version=version, outcome=outcome, amount=amount)
    if waiting:
        with office.store.write() as tx:
            # The association has said something else since.
            reviews.end(tx, [item.item_id for item in waiting], state="superseded")
    return "taken"


def _payable(tx: Tx, office: Office, row: PrefilledClaim, version: int) -> int:
    """What a version asks for, in fen; where an older one cannot be read any more, what the latest does."""
    sealed = deliveries.body_of(tx, row.claim_id, version) if version != row.version else None
    if sealed is None:
        return row.payable
    try:
        body: dict[str, Any] = msgspec.json.decode(office.claim_body(sealed, row.claim_id, version))
    except DOES_NOT_OPEN:
        return row.payable
    return parse_yuan(str(body.get("payable", "0.00")))


def question_about(
    office: Office, row: PrefilledClaim, version: int, outcome: DecisionOutcome, amount: Money
) -> ReviewItem:
    """What a person is asked; its situation is the same whenever the association says the same."""
    situation = f"approval/{row.claim_id}/{version}/{outcome}/{amount}"
    return ReviewItem(
        kind=ABOVE_CLAIM,
        association=row.association,
        feed="",
        page_seq=0,
        row=None,
        key=None,
        amount=amount,
        member_id=row.member_id,
        score=None,
        reasons=msgspec.json.encode(["above_claim", outcome, f"v{version}"]).decode(),
        state="open",
        created_at=to_ms(office.now()),
        claim_id=row.claim_id,
        situation=office.vault.fingerprinter("doubt")(situation),
    )


def ask_about(office: Office, row: PrefilledClaim, question: ReviewItem) -> DecisionStanding:
    """Put it before a person, once; another such decision takes the place of one that waits."""
    with office.store.write() as tx:
        # Two at one moment ask once.
        people.lock(tx, [row.person_id])
        if reviews.is_answered(tx, kind=ABOVE_CLAIM, claim_id=row.claim_id, situation=question.situation):
            return "not_taken"
        waiting = reviews.open_of_claim(tx, kind=ABOVE_CLAIM, claim_id=row.claim_id)
        others = [item.item_id for item in waiting if item.situation != question.situation]
        reviews.end(tx, others, state="superseded")
        if len(others) == len(waiting):
            reviews.ask(tx, [question])
    return "in_review"


def take_agreed(tx: Tx, office: Office, item: ReviewItem) -> None:
    """A person agrees to an approval above the claim: it stands from when the association said it. The caller holds
    the roster. Raises BadInput where the claim is gone."""
    _, outcome, version = msgspec.json.decode(item.reasons)
    rows = claims.by_ids(tx, [item.claim_id or ""])
    if not rows:
        raise BadInput("unknown_claim", "没有这份申领 (no such claim)")
    people.lock(tx, [rows[0].person_id])
    decision = ClaimDecisionRow(
        claim_id=rows[0].claim_id,
        version=int(version.removeprefix("v")),
        outcome=cast("DecisionOutcome", outcome),
        amount=item.amount,
        decided_at=item.created_at,
    )
    write_decision(tx, office, rows[0], decision)
