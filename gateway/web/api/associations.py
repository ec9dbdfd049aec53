"""What an association's own systems may ask and say; each request is signed with its secret for requests."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Literal, TypeAlias, cast

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.errors import BadInput, WrongUse
from gateway.flow.delivery.claims import find_claim, summary
from gateway.flow.delivery.hearing import AssociationMessage, MessageOutcome, MessageStanding, hear
from gateway.flow.delivery.pulling import Acknowledgement, acknowledge, claims_after, number_before
from gateway.flow.office import Office
from gateway.model.claim import PrefilledClaim
from gateway.model.money import Money, parse_yuan, yuan
from gateway.web.api.cursors import CURSOR, opaque, place_of
from gateway.web.api.desk import desk_of
from gateway.web.api.documents import answers, json_body, problems, signed
from gateway.web.api.messages import decode, json_answer
from gateway.web.api.proving import SignedRoute, may
from gateway.web.problems import Problem

router = APIRouter(prefix="/api/v1/associations/{association}", tags=["associations"], route_class=SignedRoute)

_LARGEST_AMOUNT = Money(1_000_000_000)
"""Ten million yuan, in fen: no claim of a mutual aid scheme comes near it."""

_CLAIM_ID = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)
_PLACE = re.compile(r"n([0-9]{1,15})|([0-9]{1,15})\.[A-Za-z0-9-]{0,40}", re.ASCII)
"""The number of a claim; cursors of before were an instant in milliseconds and a claim."""

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
    """Claims in the order in which they came or changed. Ask again with `after` = `next`, at once while `more`."""

    claims: list[Claim]
    next: str
    more: bool


ClaimId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,40}$")]
VersionNo = Annotated[int, msgspec.Meta(ge=1, le=2_000_000_000)]
VersionState: TypeAlias = Literal["accepted", "refused", "overtaken", "unknown"]


class Ack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a version: `accepted`, or `refused` with a code of the association's own (letters, digits, . _ -);
    `reference`: its own number for it."""

    claim_id: ClaimId
    version: VersionNo
    result: Literal["accepted", "refused"]
    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[ -~]+$")] | None = None


class AckList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`action` repeats the address, so that the signature covers it."""

    action: Literal["ack"]
    acks: Annotated[list[Ack], msgspec.Meta(min_length=1, max_length=300)]


class AckState(msgspec.Struct, frozen=True, kw_only=True):
    """How a version stands: `overtaken` where a later one was answered before, `unknown` where there is none."""

    claim_id: str
    version: int
    state: VersionState


class AckResult(msgspec.Struct, frozen=True, kw_only=True):
    """Each version in the order it was told."""

    acks: list[AckState]


MessageCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,39}$")]


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the association says about a version of a claim: taken in (`accepted` 已受理), `papers` wanted (补材料),
    `approved`, `paid` or `refused`. `amount` in yuan as text, of what decides; 0.00 for a refusal.

    `reason` (refused), `papers`: codes of the association's own; `paid_on`: the day it was paid; `at`: when it was so,
    with offset: of two decisions the later one stands, whichever comes first.
    `action` and `claim_id` repeat the address, so that the signature covers it.
    """

    action: Literal["decision"]
    claim_id: str
    version: Annotated[int, msgspec.Meta(ge=1, le=2_000_000_000)]
    outcome: MessageOutcome
    amount: Amount | None = None
    reason: MessageCode | None = None
    papers: Annotated[list[MessageCode], msgspec.Meta(max_length=20)] = []
    paid_on: date | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class DecisionTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The decision as it now stands; saying it again changes nothing."""

    claim_id: str
    version: int
    outcome: str
    amount: str


class DecisionAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What does not stand: above what the claim asks for, in_review until a person has answered, not_taken after a no;
    overtaken, where the association said before that it was otherwise later."""

    claim_id: str
    version: int
    outcome: str
    amount: str
    state: Literal["in_review", "not_taken", "overtaken"]


_PROBLEMS = ("bad_request", "not_authentic", "not_allowed", "too_large", "unsupported_encoding", "not_valid")
_PROBLEMS_LATER = ("unavailable", "not_configured")


@router.get(
    "/claims",
    summary="申领清单，按最近变动排序 (claims by last change)",
    responses={
        **answers(ClaimList, "申领及其内容 (claims with their bodies)"),
        **problems(*_PROBLEMS, *_PROBLEMS_LATER),
    },
    openapi_extra=signed(or_key="read"),
)
async def list_claims(
    association: str,
    request: Request,
    _: Annotated[bytes, may("read")],
    after: Annotated[str, Query(pattern=CURSOR, description="上次答复的 next (`next` of the last answer)")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    status: Annotated[Literal["proposed", "amended", "withdrawn"] | None, Query()] = None,
) -> Response:
    """From a cursor on, which passes nothing by whoever commits when. A claim that changes comes again, in its latest
    version: tell claims apart by id and version."""
    office = desk_of(request).office
    place = place_of(after, _PLACE) if after else None
    start = int(place[1] or 0) if place else 0
    if place and place[2]:
        start = await run_in_threadpool(number_before, office, association, int(place[2]))
    page = await run_in_threadpool(claims_after, office, association, status=status, after=start, limit=limit)
    shown = [_claim(row, body) for row, body in page.claims]
    return json_answer(ClaimList(claims=shown, next=opaque(f"n{page.after}") if page.after else "", more=page.more))


def _claim(row: PrefilledClaim, body: bytes | None) -> Claim:
    return Claim(**summary(row), body=msgspec.Raw(body or b"null"))


@router.post(
    "/claims/ack",
    summary="回执：收下或拒收 (versions taken in, or refused)",
    responses={
        **answers(AckResult, "各版本现在的状态 (how each version stands now)"),
        **problems(*_PROBLEMS, "not_pulled", "seen_before", *_PROBLEMS_LATER),
    },
    openapi_extra=signed(json_body(AckList), or_key="ack"),
)
async def take_acknowledgements(association: str, request: Request, body: Annotated[bytes, may("ack")]) -> Response:
    """For an association whose file says `delivery = pull`: what it acknowledges is delivered. The same again changes
    nothing; a version of which a later one was answered is `overtaken`."""
    listed, office = decode(body, AckList), desk_of(request).office
    acknowledgements = [msgspec.convert(msgspec.structs.asdict(ack), Acknowledgement) for ack in listed.acks]
    try:
        states = await run_in_threadpool(acknowledge, office, association, acknowledgements)
    except WrongUse:
        raise Problem("not_pulled") from None
    return json_answer(
        AckResult(
            acks=[
                AckState(claim_id=ack.claim_id, version=ack.version, state=cast("VersionState", state))
                for ack, state in zip(listed.acks, states, strict=True)
            ]
        )
    )


@router.post(
    "/claims/{claim_id}/decision",
    summary="协会的决定 (what the association decided)",
    responses={
        **answers(DecisionTaken, "已记下，其余待遇已重新核算 (kept, and what follows weighed again)"),
        **answers(
            DecisionAsked,
            "高于申领金额，待人核定；或已被取代 (above the claim, or overtaken)",
            status=202,
        ),
        **problems(*_PROBLEMS, "unknown_claim", "unknown_version", "conflict", "seen_before", *_PROBLEMS_LATER),
    },
    openapi_extra=signed(json_body(Decision), or_key="decide"),
)
async def take_decision(
    association: str, claim_id: str, request: Request, body: Annotated[bytes, may("decide")]
) -> Response:
    """The same decision twice is one decision; another one about the same claim replaces it. One above the claim's
    amount stands only once a person has agreed."""
    decision = decode(body, Decision)
    amount = _amount_of(decision)
    if decision.claim_id != claim_id:
        raise Problem("not_valid", "claim_id 与地址不符 (differs from the address)")
    office = desk_of(request).office
    standing = await run_in_threadpool(_decide, office, association, claim_id, decision, amount)
    taken = DecisionTaken(claim_id=claim_id, version=decision.version, outcome=decision.outcome, amount=yuan(amount))
    if standing == "taken":
        return json_answer(taken)
    return json_answer(DecisionAsked(**msgspec.structs.asdict(taken), state=standing), status=202)


def _amount_of(decision: Decision) -> Money:
    """The amount of a message whose parts fit together. Raises Problem."""
    fitting = {"reason": ("refused",), "papers": ("papers",), "paid_on": ("paid",)}
    wrong = [name for name, outcomes in fitting.items() if getattr(decision, name) and decision.outcome not in outcomes]
    if (decision.outcome == "papers") and not decision.papers:
        wrong.append("papers")
    if decision.amount is None and decision.outcome in ("approved", "paid"):
        wrong.append("amount")
    if wrong:
        raise Problem("not_valid", f"与 outcome 不符 (does not go with the outcome): {'、'.join(wrong)}")
    try:
        amount = parse_yuan(decision.amount or "0.00")
    except BadInput as error:
        raise Problem("not_valid", f"amount：{error.message}") from None
    if amount > _LARGEST_AMOUNT:
        raise Problem("not_valid", f"amount 不得超过 {yuan(_LARGEST_AMOUNT)} (too large)")
    if amount < 0 or (decision.outcome not in ("approved", "paid") and amount != 0):
        raise Problem("not_valid", "amount 不得为负，拒付时应为 0.00 (not negative, and 0.00 for a refusal)")
    return amount


def _decide(office: Office, association: str, claim_id: str, decision: Decision, amount: Money) -> MessageStanding:
    row = find_claim(office, claim_id) if _CLAIM_ID.fullmatch(claim_id) else None
    if row is None or row.association != association:
        raise Problem("unknown_claim")
    try:
        message = AssociationMessage(
            version=decision.version,
            outcome=decision.outcome,
            amount=amount,
            reason=decision.reason or "",
            papers=tuple(decision.papers),
            paid_on=decision.paid_on,
            at=decision.at,
        )
        return hear(office, claim_id, message)
    except WrongUse:
        raise Problem("unknown_version") from None
