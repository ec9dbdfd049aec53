"""What an answer about a doubt would do in money, before it is given: carried out in full, looked at, and let go.

One way for both: what is shown is what the decision does, because it is the decision, in a transaction that is
not kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from gateway.core.changes.difference import ClaimChange, difference_between
from gateway.core.reviewing import Answer
from gateway.errors import BadInput, Conflict, HubaoError
from gateway.flow.office import Office
from gateway.flow.reviewing.answers import ReviewAnswer
from gateway.flow.reviewing.decide import answer_in
from gateway.flow.reviewing.show import find_item
from gateway.model.claim import PrefilledClaim
from gateway.model.money import yuan
from gateway.store import claims, members
from gateway.store.engine import Tx

_SECOND = "另一人 (second person)"


class ForeseenClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of one claim: new, raised, lowered, withdrawn or amended; yuan, None where not in force."""

    claim_id: str
    scheme: str
    move: str
    was: str | None
    becomes: str | None


class AnswerEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer would do. `state`: where the item would stand, as `ReviewResult` has it; `refused`: why the
    answer cannot be given as it stands; `more`: by how many yuan all claims together would go up (negative: down)."""

    answer: Answer
    state: str = ""
    refused: str = ""
    claims: list[ForeseenClaim] = []
    more: str = "0.00"
    rows: int = 0


def foresee(
    office: Office, item_id: int, answers: Sequence[Answer], *, by: str, about: Collection[int]
) -> list[AnswerEffect]:
    """What each answer would do to the claims of the people of these members (`about`: member ids). Nothing is kept.
    Raises BadInput for an item that is none."""
    return [_effect(office, item_id, ReviewAnswer(answer=answer, by=by), about) for answer in answers]


def _effect(office: Office, item_id: int, answer: ReviewAnswer, about: Collection[int]) -> AnswerEffect:
    with office.store.write() as tx:
        item = find_item(tx, item_id, None)
        concerned = {*about, *([item.member_id] if item.member_id is not None else [])}
        people = {row.person_id for row in members.by_id(tx, concerned)}
        before = _claims(tx, people)
        try:
            result = answer_in(tx, office, item, answer)
            if result.state == "proposed":
                # A proposal changes nothing by itself: shown is what the second person would carry out.
                second = msgspec.structs.replace(answer, by=_SECOND, confirm=True)
                answer_in(tx, office, item, second)
            after = _claims(tx, people)
        except (BadInput, Conflict) as error:
            return AnswerEffect(answer=answer.answer, refused=_why(error))
        finally:
            tx.rollback()
    changed = [claim for claim in after.values() if before.get(claim.claim_id) != claim]
    difference = difference_between(before, changed)
    was, becomes = difference.money
    return AnswerEffect(
        answer=answer.answer,
        state=result.state,
        claims=[_foreseen(change) for change in difference.claims],
        more=yuan(becomes - was),
        rows=result.rows,
    )


def _claims(tx: Tx, people: Collection[int]) -> Mapping[str, PrefilledClaim]:
    return {claim.claim_id: claim for claim in claims.of_people(tx, people)}


def _why(error: HubaoError) -> str:
    return error.message if isinstance(error, BadInput) else str(error)


def _foreseen(change: ClaimChange) -> ForeseenClaim:
    return ForeseenClaim(
        claim_id=change.claim_id,
        scheme=change.scheme,
        move=change.move,
        was=yuan(change.was) if change.was is not None else None,
        becomes=yuan(change.becomes) if change.becomes is not None else None,
    )
