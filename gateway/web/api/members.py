"""An association's members, one at a time: how a member is enrolled, and that a member wants no part any more."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.flow.roster.opting_out import OptOut, find_line, opt_out
from gateway.flow.roster.searching import MemberLine
from gateway.web.api.associations import MemberNo
from gateway.web.api.desk import desk_of
from gateway.web.api.documents import answers, json_body, problems, signed
from gateway.web.api.messages import decode, json_answer
from gateway.web.api.proving import SignedRoute, may
from gateway.web.problems import Problem

router = APIRouter(
    prefix="/api/v1/associations/{association}/members/{member_no}", tags=["members"], route_class=SignedRoute
)

_PROBLEMS = (
    *("bad_request", "not_authentic", "not_allowed", "too_large", "unsupported_encoding", "not_valid"),
    *("unknown_member", "unavailable", "not_configured"),
)


class OptOutRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`action` and `member_no` repeat the address, so that the signature covers it."""

    action: Literal["opt-out"]
    member_no: MemberNo


@router.get(
    "",
    summary="一名会员的参保情况 (how a member is enrolled)",
    responses={**answers(MemberLine, "会员号与保障期，无个人信息 (number and periods)"), **problems(*_PROBLEMS)},
    openapi_extra=signed(or_key="roster"),
)
async def show_enrolment(
    association: str, member_no: str, request: Request, _: Annotated[bytes, may("roster")]
) -> Response:
    """Nothing personal but the number."""
    line = await run_in_threadpool(find_line, desk_of(request).office, association, member_no)
    if line is None:
        raise Problem("unknown_member")
    return json_answer(line)


@router.post(
    "/opt-out",
    summary="不再参与 (the member wants no part any more)",
    responses={
        **answers(OptOut, "即时生效，并列出现有申领 (in force; what stands is told)"),
        **problems(*_PROBLEMS, "seen_before"),
    },
    openapi_extra=signed(json_body(OptOutRequest), or_key="roster"),
)
async def take_opt_out(
    association: str, member_no: str, request: Request, body: Annotated[bytes, may("roster")]
) -> Response:
    """From the answer on no row is matched to the member and no line is asked; a roster file takes it back."""
    if decode(body, OptOutRequest).member_no != member_no:
        raise Problem("not_valid", "member_no 与地址不符 (differs from the address)")
    result = await run_in_threadpool(opt_out, desk_of(request).office, association, member_no)
    if result is None:
        raise Problem("unknown_member")
    return json_answer(result)
