"""付款: lists of what is to be paid leave for the bank, and its answer comes back; no claim is on two lists."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Query, Response, UploadFile

from gateway.core.accounts.rights import Right
from gateway.errors import BadInput
from gateway.flow.desk.accounts import read_accounts
from gateway.flow.desk.paying import AnswerReport, NewList, make_list, show_list, show_lists, take_answer
from gateway.flow.desk.payment_files import fetch_files
from gateway.web.api.payments import ANSWER_BYTES, FILE_TYPES, ListNumber
from gateway.web.pages.showing import HEADERS, ErrorPageRoute, Sitting, needs
from gateway.words.desk import PAYMENT_STATES

router = APIRouter(prefix="/payments", route_class=ErrorPageRoute, include_in_schema=False)

AssociationField = Annotated[str, Form(max_length=40)]
AssociationQuery = Annotated[str | None, Query(max_length=40)]


@router.get("")
def lists(at: Annotated[Sitting, needs(Right.CLAIMS_PAY)], association: AssociationQuery = None) -> Response:
    """Every list, newest first, and the form that makes one."""
    return _lists(at, association)


def _lists(
    at: Sitting, association: str | None, *, made: NewList | None = None, problem: str = "", notice: str = ""
) -> Response:
    name, names = at.one_with_desk(association), at.with_desk
    return at.page(
        "payments.html",
        status=422 if problem else 200,
        association=name,
        names=names,
        lists=show_lists(at.office, name),
        made=made,
        problem=problem,
        after=notice,
        states=PAYMENT_STATES,
    )


@router.post("")
def make(
    at: Annotated[Sitting, needs(Right.CLAIMS_PAY)],
    association: AssociationField = "",
    league: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """A list of everything that can be paid; what could not be listed is said with its reason."""
    name = at.one_with_desk(association)
    made = make_list(at.office, name, by=at.viewer.account, league=league.strip() or None)
    return _lists(at, name, made=made)


@router.post("/accounts")
def accounts(
    at: Annotated[Sitting, needs(Right.CLAIMS_PAY)],
    file: Annotated[UploadFile, File()],
    association: AssociationField = "",
    other_holder: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """A file of accounts by claim or member: all of them, or none and everything that is wrong."""
    name = at.one_with_desk(association)
    try:
        report = read_accounts(at.office, name, _content(file), by=at.viewer.account, other_holder=bool(other_holder))
    except BadInput as error:
        return _lists(at, name, problem=error.message)
    more = f"，{report.without_claim} 行的会员现在没有待付的申领" if report.without_claim else ""
    return _lists(at, name, notice=f"读入 {report.rows} 行，登记了 {report.claims} 份申领的账户{more}。")


@router.get("/{number}")
def one_list(
    at: Annotated[Sitting, needs(Right.CLAIMS_PAY)], number: ListNumber, association: AssociationQuery = None
) -> Response:
    """A list and what became of each claim on it."""
    return _one(at, association, number)


def _one(
    at: Sitting, association: str | None, number: int, *, answer: AnswerReport | None = None, problem: str = ""
) -> Response:
    name, names = at.one_with_desk(association), at.with_desk
    return at.page(
        "payment_list.html",
        status=422 if problem else 200,
        association=name,
        names=names,
        payment=show_list(at.office, name, number),
        answer=answer,
        problem=problem,
        states=PAYMENT_STATES,
    )


@router.post("/{number}/file")
def fetch(
    at: Annotated[Sitting, needs(Right.CLAIMS_PAY)],
    number: ListNumber,
    form: Annotated[Literal["csv", "xlsx", "sums.csv", "json"], Form()],
    association: AssociationField = "",
) -> Response:
    """The list as the bank takes it. That somebody fetched it is written down: it holds accounts."""
    name = at.one_with_desk(association)
    content = fetch_files(at.office, name, number, by=at.viewer.account)[f"{name}-{number:06d}.{form}"]
    place = f'attachment; filename="{name}-{number:06d}.{form}"'
    return Response(content, media_type=FILE_TYPES[form], headers={**HEADERS, "content-disposition": place})


@router.post("/{number}/answer")
def answer(
    at: Annotated[Sitting, needs(Right.CLAIMS_PAY)],
    number: ListNumber,
    file: Annotated[UploadFile, File()],
    association: AssociationField = "",
) -> Response:
    """The bank's answer: all of it fits the list, or nothing of it counts; the same again changes nothing."""
    name = at.one_with_desk(association)
    try:
        report = take_answer(at.office, name, number, _content(file), by=at.viewer.account)
    except BadInput as error:
        return _one(at, name, number, problem=error.message)
    return _one(at, name, number, answer=report)


def _content(file: UploadFile) -> bytes:
    """What a file that was brought holds. Raises BadInput for one that is empty or larger than any of its kind."""
    content = file.file.read(ANSWER_BYTES + 1)
    if not content or len(content) > ANSWER_BYTES:
        raise BadInput("not_valid", "请选择一个不超过 4 MB 的文件 (no file, or too large)")
    return content
