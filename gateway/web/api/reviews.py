"""Doubts before a person: listed, shown masked, revealed with a trace, decided and undone.

The association is named in the query and signs like for its claims. Bodies repeat the action and the item's number, so
that the signature covers both; pages of the gateway call the same use cases.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.core.reviewing import Answer
from gateway.errors import Conflict
from gateway.flow.accounts.proving import told_from_outside
from gateway.flow.reviewing import show as reviewing
from gateway.flow.reviewing.decide import ReviewAnswer, ReviewResult, decide, undo
from gateway.model.states import ItemState, QuestionKind
from gateway.web.api.cursors import CURSOR, opaque, place_of
from gateway.web.api.desk import desk_of
from gateway.web.api.documents import answers, json_body, problems, signed
from gateway.web.api.messages import decode, json_answer
from gateway.web.api.proving import SignedRoute, may
from gateway.web.problems import Problem

router = APIRouter(prefix="/api/v1/reviews", tags=["reviews"], route_class=SignedRoute)

_PLACE = re.compile(r"[0-9]{1,18}", re.ASCII)

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
ItemNo = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person must decide, without personal data. `row` of its page, from 1; `amount`: the whole settlement,
    in yuan as text.

    `unsure`: how many could not say; `proposed_by`: whose "same" waits for a second person, about
    `proposed_member_no`, and with `proposed_join` that the other candidate is he too.
    """

    item_id: int
    kind: QuestionKind
    association: str
    feed: str
    page_seq: int
    row: int | None
    amount: str
    member_id: int | None
    score: float | None
    reasons: list[str]
    claim_id: str | None
    state: str
    created_at: str
    unsure: int
    proposed_by: str | None
    proposed_member_no: str | None
    proposed_join: bool


class ItemList(msgspec.Struct, frozen=True, kw_only=True):
    """Items in order of number. Ask again with `after` = `next` where there is `more`."""

    items: list[Item]
    next: str
    more: bool


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of record and member, masked unless revealed."""

    field: str
    label: str
    record: str | None
    member: str | None
    verdict: Literal["agrees", "differs", "missing"]


class ShownCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """A member the record may be about, beside the record."""

    member_no: str
    member_id: int
    score: float
    reasons: list[str]
    fields: list[Field]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the waterfall: evidence, how it agreed, its weight in bits, and the sum so far."""

    field: str
    level: str
    weight: float
    running: float


class ShownAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said about the item. state: noted | proposed | confirmed | overtaken | done | undone.

    `member_no`: about whom; `join`: the members said to be he too.
    """

    answer: str
    state: str
    member_no: str | None
    join: list[str]
    by: str
    at: str
    note: str | None
    undone_by: str | None
    undone_at: str | None
    undone_note: str | None


class ShownItem(Item, frozen=True, kw_only=True):
    """An item with all that decides it; what does not go with its kind is left empty.

    `available`: whether its page can still be read; `claim`: for claims the association decided, what became of the
    settlements, what the stay would be owed now, the difference, and what waits and is in neither; `bills`: the bill in
    question and those it is held against.
    """

    revealed: bool
    decisions: list[ShownAnswer]
    available: bool | None = None
    evidence: list[Step] = msgspec.field(default_factory=list)
    model: str = ""
    settlement: dict[str, Any] | None = None
    candidates: list[ShownCandidate] = msgspec.field(default_factory=list)
    file: str | None = None
    claim: dict[str, Any] | None = None
    bills: list[dict[str, Any]] = msgspec.field(default_factory=list)


class Reveal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to see plain values of which item."""

    action: Literal["reveal"]
    item: ItemNo
    by: Name


class ReviewVerdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer. match: same, different, unsure; takeback and approval: agree, refuse, unsure; repeat (is it the same
    bill): same, different, unsure; refund: original with `settlement_no`, none, unsure; else: noted, unsure.

    These go with same: `member_no` and `join`, who it is, and that the other candidate is he too;
    `although_different`, where nothing in the evidence speaks for him (a second person must confirm then, whatever the
    amount); `confirm`, exactly what another one proposed (`member_no` beside it must be the proposed one).
    """

    action: Literal["decide"]
    item: ItemNo
    by: Name
    answer: Answer
    member_no: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    join: bool = False
    although_different: bool = False
    confirm: bool = False
    settlement_no: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


class Undo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who takes back the decision about which item."""

    action: Literal["undo"]
    item: ItemNo
    by: Name
    note: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


M = TypeVar("M", Reveal, ReviewVerdict, Undo)

_PROBLEMS = ("bad_request", "not_authentic", "not_allowed", "too_large", "unsupported_encoding", "not_valid")
_PROBLEMS_LATER = ("unavailable", "not_configured")


@router.get(
    "",
    summary="待核事项清单 (what waits for a person)",
    responses={**answers(ItemList, "事项，不含个人信息 (items)"), **problems(*_PROBLEMS, *_PROBLEMS_LATER)},
    openapi_extra=signed(or_key="review"),
)
async def list_reviews(
    association: str,
    request: Request,
    _: Annotated[bytes, may("review")],
    after: Annotated[str, Query(pattern=CURSOR, description="上次答复的 next (`next` of the last answer)")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    state: Annotated[ItemState, Query()] = "open",
    kind: Annotated[QuestionKind | None, Query()] = None,
) -> Response:
    """From a cursor on, in order of number."""
    start, office = int(place_of(after, _PLACE)[0]) if after else 0, desk_of(request).office

    def look() -> list[dict[str, Any]]:
        return reviewing.list_items(
            office, state=state, association=association, kind=kind, after=start, limit=limit + 1
        )

    rows = await run_in_threadpool(look)
    shown = [Item(**row) for row in rows[:limit]]
    following = opaque(str(shown[-1].item_id)) if shown else after
    return json_answer(ItemList(items=shown, next=following, more=len(rows) > limit))


@router.get(
    "/{item_id}",
    summary="一件，记录与会员并列，遮蔽 (one item, side by side, masked)",
    responses={
        **answers(ShownItem, "一件待核事项 (the item)"),
        **problems(*_PROBLEMS, "unknown_item", *_PROBLEMS_LATER),
    },
    openapi_extra=signed(or_key="review"),
)
async def show_review(association: str, item_id: int, request: Request, _: Annotated[bytes, may("review")]) -> Response:
    """Masked: 张*国, 150999********1234."""
    office = desk_of(request).office
    shown = await run_in_threadpool(lambda: reviewing.show(office, item_id, association=association))
    return json_answer(msgspec.convert(shown, ShownItem))


@router.post(
    "/{item_id}/reveal",
    summary="显示明文，留下记录 (plain values, leaving a trace)",
    responses={
        **answers(ShownItem, "一件待核事项，明文 (the item in plain)"),
        **problems(*_PROBLEMS, "unknown_item", "seen_before", *_PROBLEMS_LATER),
    },
    openapi_extra=signed(json_body(Reveal), or_key="review"),
)
async def reveal_review(
    association: str, item_id: int, request: Request, body: Annotated[bytes, may("review")]
) -> Response:
    """Who looked at which item, and when, is written down before anything is shown."""
    message, office = _about(decode(body, Reveal), item_id), desk_of(request).office
    by, page = await run_in_threadpool(told_from_outside, office, message.by), f"/api/v1 {association}"
    shown = await run_in_threadpool(
        lambda: reviewing.reveal(office, item_id, by=by, association=association, page=page)
    )
    return json_answer(msgspec.convert(shown, ShownItem))


@router.post(
    "/{item_id}/decide",
    summary="核定 (decide)",
    responses={
        **answers(ReviewResult, "已核定，或待另一人确认 (decided, or waiting for a second person)"),
        **problems(
            *_PROBLEMS,
            "unknown_item",
            "unknown_member",
            "opted_out",
            "needs_join",
            "nothing_agrees",
            "second_person",
            "item_expired",
            "not_open",
            "seen_before",
            *_PROBLEMS_LATER,
        ),
    },
    openapi_extra=signed(json_body(ReviewVerdict), or_key="review"),
)
async def decide_review(
    association: str, item_id: int, request: Request, body: Annotated[bytes, may("review")]
) -> Response:
    """One transaction: the record, the stays weighed again, claims and outbox."""
    verdict, office = _about(decode(body, ReviewVerdict), item_id), desk_of(request).office
    review_answer = ReviewAnswer(
        answer=verdict.answer,
        by=await run_in_threadpool(told_from_outside, office, verdict.by),
        member_no=verdict.member_no,
        join=verdict.join,
        although_different=verdict.although_different,
        confirm=verdict.confirm,
        settlement_no=verdict.settlement_no,
        note=verdict.note,
    )
    try:
        result = await run_in_threadpool(lambda: decide(office, item_id, review_answer, association=association))
    except Conflict as error:
        raise Problem("not_open", str(error)) from None
    return json_answer(result)


@router.post(
    "/{item_id}/undo",
    summary="撤回决定 (take a decision back)",
    responses={
        **answers(ReviewResult, "已撤回 (taken back)"),
        **problems(*_PROBLEMS, "unknown_item", "item_expired", "not_open", "seen_before", *_PROBLEMS_LATER),
    },
    openapi_extra=signed(json_body(Undo), or_key="review"),
)
async def undo_review(
    association: str, item_id: int, request: Request, body: Annotated[bytes, may("review")]
) -> Response:
    """With all that followed; what the association had decided goes to a person with the difference."""
    message, office = _about(decode(body, Undo), item_id), desk_of(request).office

    def take_back() -> ReviewResult:
        by = told_from_outside(office, message.by)
        return undo(office, item_id, by=by, note=message.note, association=association)

    try:
        result = await run_in_threadpool(take_back)
    except Conflict as error:
        raise Problem("not_open", str(error)) from None
    return json_answer(result)


def _about(message: M, item_id: int) -> M:
    """The message, if it is about the item of the address. Raises Problem."""
    if message.item != item_id:
        raise Problem("not_valid", "item 与地址不符 (differs from the address)")
    return message
