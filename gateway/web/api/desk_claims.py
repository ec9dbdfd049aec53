"""The clerks' desk for an association's own pages: what waits, one claim's form, and what a clerk does about it.

Each request is signed with the association's secret for requests; `by` names the clerk, as at the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.errors import BadInput, Conflict, WrongUse
from gateway.flow.accounts.proving import told_from_outside
from gateway.flow.delivery.claims import find_claim
from gateway.flow.desk.deciding import ClerkDecision, ask_papers, decide_claim, papers_came, undo_decision
from gateway.flow.desk.levels import pass_claim, return_claim
from gateway.flow.desk.showing import DeskPage, DeskSearch, DeskState, list_desk, show_form
from gateway.flow.office import Office
from gateway.model.money import Money, parse_yuan
from gateway.web.api.associations import Amount
from gateway.web.api.desk import desk_of
from gateway.web.api.documents import answers, json_body, problems, signed
from gateway.web.api.facts import Name
from gateway.web.api.messages import decode, json_answer
from gateway.web.api.proving import SignedRoute, may
from gateway.web.problems import Problem

router = APIRouter(prefix="/api/v1/associations/{association}/desk", tags=["associations"], route_class=SignedRoute)

_CLAIM_ID: Final = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern="^[a-z_]+$")]
Clerk = Annotated[bytes, may("decide")]
DeskVerb = Literal["approve", "refuse", "papers", "papers-in", "undo", "pass", "return"]


class DeskAction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a clerk does. `action` and `claim_id` repeat the address, so that the signature covers them. `version`: the
    one that was looked at; `amount` (yuan) and `reason` as at the terminal; `confirm`: what another one proposed."""

    action: DeskVerb
    claim_id: str
    by: Name
    version: Annotated[int, msgspec.Meta(ge=1, le=2_000_000_000)] | None = None
    amount: Amount | None = None
    reason: Code | None = None
    papers: Annotated[list[Code], msgspec.Meta(max_length=20)] = []
    note: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    confirm: bool = False


class DeskDone(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: `state` done, or proposed until a second person says the same; `level`: who has the claim."""

    claim_id: str
    action: str
    state: str
    level: str
    amount: str | None = None


class DeskForm(msgspec.Struct, frozen=True, kw_only=True):
    """A claim in full: `claim` as it was delivered with its steps, papers and what may be answered."""

    claim: dict[str, Any]


_PROBLEMS = (
    "bad_request",
    "not_authentic",
    "not_allowed",
    "too_large",
    "unsupported_encoding",
    "not_valid",
    "unavailable",
)
_OF_A_CLAIM = ("unknown_claim", "not_configured")


@router.get(
    "",
    summary="经办台：待办的申领，最急的在前 (claims at the desk, most urgent first)",
    responses={**answers(DeskPage, "不含个人信息 (without personal data)"), **problems(*_PROBLEMS, "not_configured")},
    openapi_extra=signed(or_key="decide"),
)
async def list_waiting(
    association: str,
    request: Request,
    _: Clerk,
    state: Annotated[DeskState | None, Query()] = None,
    league: Annotated[str | None, Query(max_length=40)] = None,
    level: Annotated[str | None, Query(max_length=40)] = None,
    after: Annotated[
        str | None, Query(max_length=60, description="上次答复的 next (`next` of the last answer)")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Ask again with `after` = `next` where there is one."""
    office = desk_of(request).office
    search = DeskSearch(association=association, state=state, league=league, level=level)
    try:
        page = await run_in_threadpool(list_desk, office, search, after=after, limit=limit)
    except WrongUse as error:
        raise Problem("not_valid", str(error)) from None
    return json_answer(page)


@router.get(
    "/{claim_id}",
    summary="一份申领的表单；留下查看记录 (the form of a claim; that it was seen is kept)",
    responses={**answers(DeskForm, "含个人信息 (personal)"), **problems(*_PROBLEMS, *_OF_A_CLAIM)},
    openapi_extra=signed(or_key="decide"),
)
async def read_form(
    association: str, claim_id: str, request: Request, _: Clerk, by: Annotated[str, Query(min_length=1, max_length=80)]
) -> Response:
    """Form data, what was done, and the codes that may be answered with."""
    office = desk_of(request).office
    await run_in_threadpool(_check_claim, office, association, claim_id)
    try:
        form = await run_in_threadpool(lambda: show_form(office, claim_id, by=told_from_outside(office, by)))
    except WrongUse as error:
        raise Problem("not_valid", str(error)) from None
    return json_answer(DeskForm(claim=form))


@router.post(
    "/{claim_id}/{verb}",
    summary="核定、不予补助、补材料、撤销、上报、退回 (approve, refuse, papers, undo, pass, return)",
    responses={
        **answers(DeskDone, "已办，或待第二人确认 (done, or a second person must confirm)"),
        **problems(*_PROBLEMS, *_OF_A_CLAIM, "not_open", "second_person", "seen_before", "conflict"),
    },
    openapi_extra=signed(json_body(DeskAction), or_key="decide"),
)
async def act(association: str, claim_id: str, verb: str, request: Request, body: Clerk) -> Response:
    """One thing a clerk does about one claim."""
    asked = decode(body, DeskAction)
    if (asked.action, asked.claim_id) != (verb, claim_id):
        raise Problem("not_valid", "action、claim_id 与地址不符 (differs from the address)")
    office = desk_of(request).office
    await run_in_threadpool(_check_claim, office, association, claim_id)
    return json_answer(await run_in_threadpool(_carry_out, office, asked))


def _check_claim(office: Office, association: str, claim_id: str) -> None:
    row = find_claim(office, claim_id) if _CLAIM_ID.fullmatch(claim_id) else None
    if row is None or row.association != association:
        raise Problem("unknown_claim")


def _carry_out(office: Office, asked: DeskAction) -> DeskDone:
    """What was asked for, by the same use cases as at the terminal."""
    try:
        told_from_outside(office, asked.by)
        result = _VERBS[asked.action](office, asked)
    except BadInput as error:
        code = error.code if error.code == "second_person" else "not_valid"
        raise Problem(code, error.message) from None
    except Conflict as error:
        raise Problem("not_open", str(error)) from None
    except WrongUse as error:
        raise Problem("not_valid", str(error)) from None
    return DeskDone(
        claim_id=asked.claim_id,
        action=asked.action,
        state=getattr(result, "state", "done"),
        level=result.level,
        amount=getattr(result, "amount", None),
    )


def _decide(office: Office, asked: DeskAction) -> Any:
    amount: Money | None = parse_yuan(asked.amount) if asked.amount is not None else None
    decision = ClerkDecision(
        outcome="approved" if asked.action == "approve" else "refused",
        by=asked.by,
        version=asked.version,
        amount=amount,
        reason=asked.reason,
        note=asked.note,
        confirm=asked.confirm,
    )
    return decide_claim(office, asked.claim_id, decision)


_VERBS: Final[Mapping[DeskVerb, Callable[[Office, DeskAction], Any]]] = {
    "approve": _decide,
    "refuse": _decide,
    "papers": lambda office, a: ask_papers(office, a.claim_id, by=a.by, papers=a.papers, note=a.note),
    "papers-in": lambda office, a: papers_came(office, a.claim_id, by=a.by, note=a.note),
    "undo": lambda office, a: undo_decision(office, a.claim_id, by=a.by, note=a.note),
    "pass": lambda office, a: pass_claim(office, a.claim_id, by=a.by, note=a.note),
    "return": lambda office, a: return_claim(office, a.claim_id, by=a.by, note=a.note),
}
