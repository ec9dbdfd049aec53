"""Payment lists for an association's own finance system: make one, fetch it for the bank, bring the bank's answer.

The verb is `pay`: lists hold accounts. A file is fetched as it is written at the terminal, the same at every call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway.core.signing import clerk
from gateway.errors import BadInput, BrokenSeal, WrongUse
from gateway.flow.accounts.proving import told_from_outside
from gateway.flow.desk.hands import desk_of as desk_spec_of
from gateway.flow.desk.paying import (
    AnswerReport,
    ListReport,
    NewList,
    UnknownList,
    make_list,
    show_list,
    show_lists,
    take_answer,
)
from gateway.flow.desk.payment_files import fetch_files
from gateway.web.api.desk import desk_of
from gateway.web.api.documents import answers, json_body, problems, signed
from gateway.web.api.facts import Name
from gateway.web.api.messages import decode, json_answer
from gateway.web.api.proving import SignedRoute, may
from gateway.web.problems import Problem

router = APIRouter(prefix="/api/v1/associations/{association}/payments", tags=["associations"], route_class=SignedRoute)

ANSWER_BYTES: Final = 4 * 1024 * 1024
"""The largest answer of a bank: 4 MiB are more lines than a list has."""

_LIMIT: Final = ANSWER_BYTES * 4 // 3 + 64 * 1024
FILE_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "sums.csv": "text/csv; charset=utf-8",
    "json": "application/json",
}
"""What a payment list is fetched as: the end of its name → its type."""

T = TypeVar("T")
ListNumber = Annotated[int, Path(ge=1, le=999_999_999)]


class PaymentOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a list of what is approved, has an account and is on none; `by`: who has it made. `action` repeats what is
    asked for, so that the signature covers it."""

    action: Literal["make"]
    by: Name
    league: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None


class BankAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bank's answer to a list, CSV or Excel, in base64; `action` and `number` repeat the address."""

    action: Literal["answer"]
    number: Annotated[int, msgspec.Meta(ge=1, le=999_999_999)]
    by: Name
    content: bytes


class PaymentLists(msgspec.Struct, frozen=True, kw_only=True):
    """Lists, newest first, without personal data."""

    lists: list[ListReport]


class PaymentListShown(msgspec.Struct, frozen=True, kw_only=True):
    """One list with what became of each claim; without personal data."""

    list: dict[str, Any]


_PROBLEMS = (
    "bad_request",
    "not_authentic",
    "not_allowed",
    "too_large",
    "unsupported_encoding",
    "not_valid",
    "unavailable",
    "not_configured",
)


@router.get(
    "",
    summary="支付名单，新的在前 (payment lists, newest first)",
    responses={**answers(PaymentLists, "不含个人信息 (without personal data)"), **problems(*_PROBLEMS)},
    openapi_extra=signed(or_key="pay"),
)
async def list_payments(association: str, request: Request, _: Annotated[bytes, may("pay")]) -> Response:
    """Every list of the association."""
    office = desk_of(request).office

    def listed() -> PaymentLists:
        desk_spec_of(office, association)
        return PaymentLists(lists=show_lists(office, association))

    return json_answer(await _asked(listed))


@router.post(
    "",
    summary="列一份新名单 (make a list)",
    responses={
        **answers(NewList, "新名单，或没有可列的及原因 (the list, or why there is none)"),
        **problems(*_PROBLEMS, "seen_before", "conflict"),
    },
    openapi_extra=signed(json_body(PaymentOrder), or_key="pay"),
)
async def make_payments(association: str, request: Request, body: Annotated[bytes, may("pay")]) -> Response:
    """Each claim stands on one list only, however often this is asked."""
    order, office = decode(body, PaymentOrder), desk_of(request).office

    def make() -> NewList:
        return make_list(office, association, by=told_from_outside(office, order.by), league=order.league)

    return json_answer(await _asked(make))


@router.get(
    "/{number}",
    summary="一份名单的每笔与银行结果 (each line and what the bank said)",
    responses={
        **answers(PaymentListShown, "不含个人信息 (without personal data)"),
        **problems(*_PROBLEMS, "unknown_list"),
    },
    openapi_extra=signed(or_key="pay"),
)
async def read_payments(
    association: str, number: ListNumber, request: Request, _: Annotated[bytes, may("pay")]
) -> Response:
    """What became of each claim on it."""
    office = desk_of(request).office

    def shown() -> PaymentListShown:
        desk_spec_of(office, association)
        return PaymentListShown(list=show_list(office, association, number))

    return json_answer(await _asked(shown))


@router.get(
    "/{number}/file",
    summary="名单文件，供银行 (the file for the bank)",
    responses={
        200: {
            "description": "含收款账户 (holds accounts)",
            "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in FILE_TYPES.values()},
        },
        **problems(*_PROBLEMS, "unknown_list"),
    },
    openapi_extra=signed(or_key="pay"),
)
async def fetch_file(
    association: str,
    number: ListNumber,
    request: Request,
    _: Annotated[bytes, may("pay")],
    form: Annotated[Literal["csv", "xlsx", "sums.csv", "json"], Query()] = "xlsx",
) -> Response:
    """The list in a bank's usual columns, its sums, or the control file with count, sum and digests."""
    office = desk_of(request).office
    by = f"key {request.state.caller.key_id}"
    files = await _asked(lambda: fetch_files(office, association, number, by=by))
    name = f"{association}-{number:06d}.{form}"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(files[name], headers=headers, media_type=FILE_TYPES[form])


@router.post(
    "/{number}/answer",
    summary="银行回盘 (the bank's answer)",
    responses={
        **answers(AnswerReport, "记下了什么 (what was written down)"),
        **problems(*_PROBLEMS, "unknown_list", "seen_before", "conflict"),
    },
    openapi_extra=signed(json_body(BankAnswer), or_key="pay"),
)
async def bring_answer(
    association: str, number: ListNumber, request: Request, body: Annotated[bytes, may("pay", limit=_LIMIT)]
) -> Response:
    """All of it fits the list, or nothing of it counts; the same again changes nothing."""
    answer, office = decode(body, BankAnswer), desk_of(request).office
    if answer.number != number:
        raise Problem("not_valid", "number 与地址不符 (differs from the address)")
    if len(answer.content) > ANSWER_BYTES:
        raise Problem("too_large")

    def take() -> AnswerReport:
        return take_answer(office, association, number, answer.content, by=told_from_outside(office, clerk(answer.by)))

    return json_answer(await _asked(take))


async def _asked(use_case: Callable[[], T]) -> T:
    """What a use case answers; what it refuses is a problem, and a line that does not open is one for later."""
    try:
        return await run_in_threadpool(use_case)
    except BadInput as error:
        raise Problem("not_valid", error.message) from None
    except UnknownList:
        raise Problem("unknown_list") from None
    except WrongUse as error:
        raise Problem("not_valid", str(error)) from None
    except BrokenSeal:
        raise Problem("unavailable", "名单有一笔打不开，见 hubao unreadable list (a line does not open)") from None
