"""What an association's own systems may ask and say; each request is signed with its secret for requests."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.errors import BadInput, HubaoError, Unavailable, WrongUse
from gateway.flow.delivery.claims import claims_after, claims_of_person, find_claim, summary
from gateway.flow.delivery.decisions import DecisionStanding, receive_decision
from gateway.flow.intake.sweep import find_member, lines_about, look_up
from gateway.flow.office import Office
from gateway.model.claim import PrefilledClaim
from gateway.model.money import Money, parse_yuan, yuan
from gateway.web.api.cursors import CURSOR, opaque, place_of
from gateway.web.api.desk import Desk, desk_of
from gateway.web.api.documents import answers, json_body, problems, signed
from gateway.web.api.messages import decode, json_answer
from gateway.web.api.proving import Proved, SignedRoute
from gateway.web.problems import Problem, retry_after

log = logging.getLogger("hubao.web")

router = APIRouter(prefix="/api/v1/associations/{association}", tags=["associations"], route_class=SignedRoute)

_LARGEST_AMOUNT = Money(1_000_000_000)
"""Ten million yuan, in fen: no claim of a mutual aid scheme comes near it."""

_CLAIM_ID = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)
_PLACE = re.compile(r"([0-9]{1,15})\.([A-Za-z0-9-]{0,40})", re.ASCII)

MemberNo = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\u0000-\u001f\u007f\ud800-\udfff]+$")]
Amount = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,12}(\.[0-9]{1,2})?$")]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The latest version of a claim; `body` as it was delivered, null once it has expired."""

    claim_id: str
    version: int
    status: str
    association: str
    scheme: str
    edition: str | None
    payable: str
    flags: list[str]
    claim_by: str | None
    updated_at: str
    body: msgspec.Raw


class ClaimList(msgspec.Struct, frozen=True, kw_only=True):
    """Claims in order of their last change. Ask again with `after` = `next`; at once where there is `more`."""

    claims: list[Claim]
    next: str
    more: bool


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the association decided about a version of a claim. `amount` in yuan as text; 0.00 for a refusal.

    `action` and `claim_id` repeat the address, so that the signature covers it.
    """

    action: Literal["decision"]
    claim_id: str
    version: Annotated[int, msgspec.Meta(ge=1, le=2_000_000_000)]
    outcome: Literal["approved", "paid", "refused"]
    amount: Amount


class DecisionTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The decision as it now stands; saying it again changes nothing."""

    claim_id: str
    version: int
    outcome: str
    amount: str


class DecisionAsked(msgspec.Struct, frozen=True, kw_only=True):
    """More than the claim asks for does not stand: in_review until a person has answered, not_taken after a no."""

    claim_id: str
    version: int
    outcome: str
    amount: str
    state: Literal["in_review", "not_taken"]


class Lookup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to ask about; `action` repeats the address, so that the signature covers it."""

    action: Literal["lookup"]
    member_no: MemberNo


class LookupResult(msgspec.Struct, frozen=True, kw_only=True):
    """The feeds that were asked, and the claims of this member now."""

    asked: list[str]
    claims: list[Claim]


_PROBLEMS = ("bad_request", "not_authentic", "too_large", "unsupported_encoding", "not_valid")
_PROBLEMS_LATER = ("unavailable", "not_configured")


@router.get(
    "/claims",
    summary="申领清单，按最近变动排序 (claims by last change)",
    responses={
        **answers(ClaimList, "申领及其内容 (claims with their bodies)"),
        **problems(*_PROBLEMS, *_PROBLEMS_LATER),
    },
    openapi_extra=signed(),
)
async def list_claims(
    association: str,
    request: Request,
    _: Proved,
    after: Annotated[str, Query(pattern=CURSOR, description="上次答复的 next (`next` of the last answer)")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    status: Annotated[Literal["proposed", "amended", "withdrawn"] | None, Query()] = None,
) -> Response:
    """From a cursor on. A claim changed in the last ten seconds comes again: tell claims apart by id and version."""
    office = desk_of(request).office
    place = place_of(after, _PLACE) if after else None
    start = (int(place[1]), place[2]) if place else (-1, "")
    page = await run_in_threadpool(claims_after, office, association, status=status, after=start, limit=limit)
    shown = [_claim(row, body) for row, body in page.claims]
    changed_at, last = page.after
    following = opaque(f"{changed_at}.{last}") if changed_at >= 0 else ""
    return json_answer(ClaimList(claims=shown, next=following, more=page.more))


def _claim(row: PrefilledClaim, body: bytes | None) -> Claim:
    return Claim(**summary(row), body=msgspec.Raw(body or b"null"))


@router.post(
    "/claims/{claim_id}/decision",
    summary="协会的决定 (what the association decided)",
    responses={
        **answers(DecisionTaken, "已记下，其余待遇已重新核算 (kept, and what follows weighed again)"),
        **answers(DecisionAsked, "高于申领金额，待人核定 (above the claim: a person is asked)", status=202),
        **problems(*_PROBLEMS, "unknown_claim", "unknown_version", "conflict", "seen_before", *_PROBLEMS_LATER),
    },
    openapi_extra=signed(json_body(Decision)),
)
async def take_decision(association: str, claim_id: str, request: Request, body: Proved) -> Response:
    """The same decision twice is one decision; another one about the same claim replaces it. One above the claim's
    amount stands only once a person has agreed."""
    decision = decode(body, Decision)
    try:
        amount = parse_yuan(decision.amount)
    except BadInput as error:
        raise Problem("not_valid", f"amount：{error.message}") from None
    if amount > _LARGEST_AMOUNT:
        raise Problem("not_valid", f"amount 不得超过 {yuan(_LARGEST_AMOUNT)} (too large)")
    if amount < 0 or (decision.outcome == "refused" and amount != 0):
        raise Problem("not_valid", "amount 不得为负，拒付时应为 0.00 (not negative, and 0.00 for a refusal)")
    if decision.claim_id != claim_id:
        raise Problem("not_valid", "claim_id 与地址不符 (differs from the address)")
    office = desk_of(request).office
    standing = await run_in_threadpool(_decide, office, association, claim_id, decision, amount)
    taken = DecisionTaken(claim_id=claim_id, version=decision.version, outcome=decision.outcome, amount=yuan(amount))
    if standing == "taken":
        return json_answer(taken)
    return json_answer(DecisionAsked(**msgspec.structs.asdict(taken), state=standing), status=202)


def _decide(office: Office, association: str, claim_id: str, decision: Decision, amount: Money) -> DecisionStanding:
    row = find_claim(office, claim_id) if _CLAIM_ID.fullmatch(claim_id) else None
    if row is None or row.association != association:
        raise Problem("unknown_claim")
    try:
        return receive_decision(office, claim_id, version=decision.version, outcome=decision.outcome, amount=amount)
    except WrongUse:
        raise Problem("unknown_version") from None


@router.post(
    "/lookup",
    summary="当场查询一人 (one person, now)",
    responses={
        **answers(LookupResult, "查询后的申领 (the member's claims afterwards)"),
        **problems(
            *_PROBLEMS,
            "unknown_member",
            "opted_out",
            "seen_before",
            "line_refused",
            "line_unavailable",
            *_PROBLEMS_LATER,
        ),
    },
    openapi_extra=signed(json_body(Lookup)),
)
async def look_up_member(association: str, request: Request, body: Proved) -> Response:
    """Every line that serves the member's league is asked; what it says is taken in like any page."""
    desk, lookup = desk_of(request), decode(body, Lookup)
    # Lines are slow: they have their own threads, so that pushes never wait for them.
    running = asyncio.get_running_loop()
    result = await running.run_in_executor(desk.lookups, _look_up, desk, association, lookup.member_no)
    return json_answer(result)


def _look_up(desk: Desk, association: str, member_no: str) -> LookupResult:
    office, row = desk.office, find_member(desk.office, association, member_no)
    if row is None:
        raise Problem("unknown_member")
    if row.opt_out:
        raise Problem("opted_out")
    asked = lines_about(office, row)
    failures = [error for feed in asked if (error := _ask_line(desk, feed, row.member_id)) is not None]
    if failures:
        raise failures[0]
    shown = claims_of_person(office, association, row.person_id)
    return LookupResult(asked=asked, claims=[_claim(claim, body) for claim, body in shown])


def _ask_line(desk: Desk, feed: str, member_id: int) -> HubaoError | None:
    """Ask one line; what went wrong is told after the other lines were asked too."""
    try:
        line: Any = desk.doors.feed(desk.office, feed)
        look_up(desk.office, feed, line, member_id)
    except Unavailable as error:
        log.warning("lookup over %s: %s", feed, error)
        return Problem("line_unavailable", f"数据源 (feed): {feed}", headers=retry_after(error))
    except WrongUse as error:
        log.error("lookup over %s: %s", feed, error)
        return Problem("not_configured")
    return None
