"""核定: claims of associations whose clerks decide in the gateway, most urgent first; approved, refused, papers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Form, Query, Response

from gateway.core.accounts.rights import Right
from gateway.errors import WrongUse
from gateway.flow.delivery.claims import find_claim
from gateway.flow.desk.accounts import AccountGiven, tell_account
from gateway.flow.desk.deciding import (
    ClerkDecision,
    DeskAnswer,
    ask_papers,
    decide_claim,
    papers_came,
    undo_decision,
)
from gateway.flow.desk.showing import DeskSearch, list_desk
from gateway.web.pages.fields import ROWS, an_amount, one_of
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.words.desk import DESK_STATES

router = APIRouter(prefix="/desk", route_class=ErrorPageRoute, include_in_schema=False)


@router.get("")
def waiting(
    at: Annotated[Sitting, needs(Right.CLAIMS)],
    state: Annotated[str | None, Query(max_length=20)] = None,
    league: Annotated[str | None, Query(max_length=40)] = None,
    association: Annotated[str | None, Query(max_length=40)] = None,
    after: Annotated[str | None, Query(max_length=60)] = None,
) -> Response:
    """The claims at the desk."""
    name, names = at.one_with_desk(association), at.with_desk
    filters = {"state": one_of(state, DESK_STATES), "league": (league or "").strip() or None}
    search = DeskSearch(association=name, **cast("dict[str, Any]", filters))
    return at.page(
        "desk.html",
        page=list_desk(at.office, search, after=after or None, limit=ROWS),
        filters={**filters, "association": name if len(names) > 1 else None},
        names=names,
        after=after,
        states=DESK_STATES,
    )


def _own(at: Sitting, claim_id: str) -> None:
    claim = find_claim(at.office, claim_id)
    if claim is None or claim.association not in at.with_desk:
        raise WrongUse(f"没有申领 {claim_id[:40]} (no such claim)")


def _back(at: Sitting, answer: DeskAnswer) -> Response:
    word = "proposed" if answer.state == "proposed" else answer.what
    return at.back(f"/claims/{answer.claim_id}?done={word}")


@router.post("/{claim_id}/decide")
def decide(
    at: Annotated[Sitting, needs(Right.CLAIMS_DECIDE)],
    claim_id: str,
    outcome: Annotated[Literal["approved", "refused"], Form()],
    version: Annotated[int, Form(ge=1)],
    amount: Annotated[str, Form(max_length=20)] = "",
    reason: Annotated[str, Form(max_length=40)] = "",
    note: Annotated[str, Form(max_length=500)] = "",
    confirm: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Approve or refuse the version that was looked at; confirming another's proposal wants its own right."""
    _own(at, claim_id)
    if confirm:
        at.require(Right.CLAIMS_SECOND)
    decision = ClerkDecision(
        outcome=outcome,
        by=at.viewer.account,
        version=version,
        amount=an_amount(amount),
        reason=reason or None,
        note=note.strip() or None,
        confirm=bool(confirm),
    )
    return _back(at, decide_claim(at.office, claim_id, decision))


@router.post("/{claim_id}/papers")
def papers(
    at: Annotated[Sitting, needs(Right.CLAIMS_DECIDE)],
    claim_id: str,
    paper: Annotated[str, Form(max_length=40)] = "",
    came: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Ask for a paper, or say that what was asked for has come."""
    _own(at, claim_id)
    if came:
        return _back(at, papers_came(at.office, claim_id, by=at.viewer.account, note=None))
    return _back(at, ask_papers(at.office, claim_id, by=at.viewer.account, papers=[paper], note=None))


@router.post("/{claim_id}/account")
def account(
    at: Annotated[Sitting, needs(Right.CLAIMS_PAY)],
    claim_id: str,
    number: Annotated[str, Form(max_length=40)],
    bank: Annotated[str, Form(max_length=80)],
    holder: Annotated[str, Form(max_length=80)] = "",
    other_holder: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Where this claim is paid to; sealed as it comes."""
    _own(at, claim_id)
    destination = AccountGiven(number=number.strip(), bank=bank.strip(), holder=holder, other_holder=bool(other_holder))
    tell_account(at.office, claim_id, destination, by=at.viewer.account)
    return at.back(f"/claims/{claim_id}?done=account")


@router.post("/{claim_id}/undo")
def undo(at: Annotated[Sitting, needs(Right.CLAIMS_DECIDE)], claim_id: str) -> Response:
    """Take a decision or a proposal back, before payment."""
    _own(at, claim_id)
    return _back(at, undo_decision(at.office, claim_id, by=at.viewer.account, note=None))
