"""What an association confirms and no settlement tells; each request is signed with its secret for requests.

A diagnosis says much about a person, so it stands in bodies only, never in an address.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.flow.accounts.proving import told_from_outside
from gateway.flow.people.facts import FactKind, FactList, FactReport, KnownFact, list_facts, record_fact, withdraw_fact
from gateway.web.api.associations import MemberNo
from gateway.web.api.desk import desk_of
from gateway.web.api.documents import answers, json_body, problems, signed
from gateway.web.api.messages import decode, json_answer
from gateway.web.api.proving import SignedRoute, may
from gateway.web.problems import Problem

router = APIRouter(prefix="/api/v1/associations/{association}/facts", tags=["associations"], route_class=SignedRoute)

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
SettlementNo = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Group = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern="^[a-z0-9_]+$")]

_PROBLEMS = (
    "bad_request",
    "not_authentic",
    "not_allowed",
    "too_large",
    "unsupported_encoding",
    "not_valid",
    "unavailable",
)
_ALSO = ("not_configured",)


class NewFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A confirmed fact: the day of diagnosis or death, or the last day of the period that ended.

    `disease` is the name of a disease group of the association's schemes and goes with a diagnosis only, `accident`
    (an accident caused it) with a diagnosis or a death, `settlements` with an `emergency_part`: the numbers of the
    settlements of emergency care that belong to the inpatient stay after them, `on` being the day this was found.
    `action` says what the signed body is for.
    """

    action: Literal["add"]
    member_no: MemberNo
    kind: FactKind
    on: date
    by: Name
    disease: Group | None = None
    accident: bool = False
    settlements: Annotated[tuple[SettlementNo, ...], msgspec.Meta(max_length=50)] = ()


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Repeats the number of the fact and what is to be done, so that the signature covers both."""

    action: Literal["withdraw"]
    fact_id: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


@router.get(
    "",
    summary="已确认的事实 (confirmed facts)",
    responses={**answers(FactList, "有效的事实，按编号 (facts that stand)"), **problems(*_PROBLEMS, *_ALSO)},
    openapi_extra=signed(or_key="facts"),
)
async def list_known(
    association: str,
    request: Request,
    _: Annotated[bytes, may("facts")],
    after: Annotated[int, Query(ge=0, le=2**53, description="上次最后一项的编号 (number of the last one told)")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """In order of number; ask again with `after` where there is `more`."""
    office = desk_of(request).office
    return json_answer(await run_in_threadpool(list_facts, office, association, after=after, limit=limit))


@router.post(
    "",
    summary="登记确诊、身故、期满或急诊并入住院 (a diagnosis, a death, the end of a period, emergency care of a stay)",
    responses={
        **answers(KnownFact, "已登记，本人待遇已重新核算 (kept, and the member's stays weighed again)"),
        **problems(*_PROBLEMS, "unknown_member", "opted_out", "seen_before", *_ALSO),
    },
    openapi_extra=signed(json_body(NewFact), or_key="facts"),
)
async def tell(association: str, request: Request, body: Annotated[bytes, may("facts")]) -> Response:
    """The same fact twice is one fact."""
    new = decode(body, NewFact)
    report = FactReport(
        member_no=new.member_no,
        kind=new.kind,
        on=new.on,
        by=await run_in_threadpool(told_from_outside, desk_of(request).office, new.by),
        disease=new.disease,
        accident=new.accident,
        settlements=new.settlements,
    )
    return json_answer(await run_in_threadpool(record_fact, desk_of(request).office, association, report))


@router.post(
    "/{fact_id}/withdraw",
    summary="撤回一项事实 (take a fact back)",
    responses={
        **answers(KnownFact, "撤回前的内容 (what it said)"),
        **problems(*_PROBLEMS, "unknown_fact", "seen_before", *_ALSO),
    },
    openapi_extra=signed(json_body(Withdrawal), or_key="facts"),
)
async def take_back(association: str, fact_id: str, request: Request, body: Annotated[bytes, may("facts")]) -> Response:
    """Claims that rested on it are withdrawn or wait for a person again."""
    asked = decode(body, Withdrawal)
    if str(asked.fact_id) != fact_id:
        raise Problem("not_valid", "fact_id 与地址不符 (differs from the address)")
    return json_answer(await run_in_threadpool(withdraw_fact, desk_of(request).office, association, asked.fact_id))
