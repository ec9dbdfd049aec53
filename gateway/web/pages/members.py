"""名册: looked for by number, name, sound or id number; one member with periods and what is left of each limit."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Response

from gateway.core.accounts.rights import Right
from gateway.core.roster.columns import shown as column_words
from gateway.errors import BadInput, BrokenSeal
from gateway.flow.people.ledgers import member_ledger
from gateway.flow.roster.searching import MemberSearch, list_members, search_members, show_member
from gateway.web.pages.fields import COUNT_AT_MOST, ROWS, a_number
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.words.records import CATEGORIES, value_in_words
from gateway.words.schemes import LIMIT_SPANS, LIMITS
from gateway.words.waiting import waiting_words

router = APIRouter(prefix="/members", route_class=ErrorPageRoute, include_in_schema=False)

SearchBy = Literal["member_no", "name", "sound", "id_number", "settlement_no"]


@router.get("")
def roster(
    at: Annotated[Sitting, needs(Right.ROSTER, narrow=True)],
    association: Annotated[str | None, Query(max_length=40)] = None,
    after: Annotated[str | None, Query(max_length=18)] = None,
) -> Response:
    """The members by clear columns alone, in the order they were enrolled."""
    name = at.one_association(association)
    page = list_members(
        at.office,
        name,
        after=a_number(after) or 0,
        limit=ROWS,
        count_at_most=COUNT_AT_MOST + 1,
        scope=at.viewer.scope,
    )
    return at.page(
        "members.html",
        association=name,
        page=page,
        matches=None,
        by="member_no",
        after=after,
        filters={"association": name if len(at.associations) > 1 else None},
        categories=CATEGORIES,
    )


@router.post("")
def search(
    at: Annotated[Sitting, needs(Right.ROSTER, narrow=True)],
    by: Annotated[SearchBy, Form()],
    text: Annotated[str, Form(min_length=1, max_length=80)],
    association: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Whoever is looked for, masked. What was typed stands in no address; that somebody looked is written down."""
    name, typed = at.one_association(association), text.strip()
    if not typed:
        raise BadInput("not_valid", "请写明要找什么 (nothing to look for)")
    wish = MemberSearch(
        member_no=typed if by == "member_no" else None,
        id_number=typed if by == "id_number" else None,
        name=typed if by in ("name", "sound") else None,
        sound=by == "sound",
        settlement_no=typed if by == "settlement_no" else None,
    )
    matches = search_members(at.office, name, wish, by=at.viewer.account, limit=ROWS, scope=at.viewer.scope)
    return at.page(
        "members.html",
        association=name,
        page=None,
        matches=matches,
        by=by,
        after=None,
        filters={"association": name if len(at.associations) > 1 else None},
        categories=CATEGORIES,
    )


@router.get("/{association}/{member_no}")
def one_member(at: Annotated[Sitting, needs(Right.ROSTER, narrow=True)], association: str, member_no: str) -> Response:
    """One member, masked; that somebody looked is written down."""
    return _member_page(at, association, member_no, reveal=False)


@router.post("/{association}/{member_no}/reveal")
def reveal(
    at: Annotated[Sitting, needs(Right.ROSTER_REVEAL, narrow=True)], association: str, member_no: str
) -> Response:
    """The same with plain values."""
    return _member_page(at, association, member_no, reveal=True)


def _member_page(at: Sitting, association: str, member_no: str, *, reveal: bool) -> Response:
    name = at.one_association(association)
    member = show_member(at.office, name, member_no, by=at.viewer.account, reveal=reveal, scope=at.viewer.scope)
    try:
        ledger = member_ledger(at.office, name, member_no)
    except BrokenSeal:
        ledger = None
    return at.page(
        "member.html",
        association=name,
        member=member,
        particulars=[(column_words(field), value_in_words(field, text)) for field, text in member.particulars.items()],
        ledger=ledger,
        waiting=waiting_words(ledger.waiting) if ledger is not None else None,
        categories=CATEGORIES,
        limits=LIMITS,
        spans=LIMIT_SPANS,
    )
