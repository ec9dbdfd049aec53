"""方案: editions in words with their articles, the settings that are assumed, and a case reckoned."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Response

from gateway.core.accounts.rights import Right
from gateway.core.schemes import SchemeFamily
from gateway.core.schemes.cases import answer_case
from gateway.errors import BadInput, WrongUse
from gateway.web.pages.edition_words import rules_in_words
from gateway.web.pages.fields import a_day
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.words.claims import FLAGS

router = APIRouter(prefix="/schemes", route_class=ErrorPageRoute, include_in_schema=False)


def _families(at: Sitting) -> list[SchemeFamily]:
    """The schemes of the viewer's associations."""
    named = {family.scheme: family for name in at.associations for family in at.office.families(name)}
    return [named[scheme] for scheme in sorted(named)]


@router.get("")
def schemes(at: Annotated[Sitting, needs(Right.SCHEMES)]) -> Response:
    """Every scheme and its editions."""
    return at.page("schemes.html", families=_families(at))


@router.get("/{scheme}/{edition}")
def one_edition(at: Annotated[Sitting, needs(Right.SCHEMES)], scheme: str, edition: str) -> Response:
    """One edition in words."""
    return _edition_page(at, scheme, edition, case=None, answer=None)


@router.post("/{scheme}/{edition}")
def reckon(
    at: Annotated[Sitting, needs(Right.SCHEMES)],
    scheme: str,
    edition: str,
    total: Annotated[str, Form(max_length=20)],
    in_scope: Annotated[str, Form(max_length=20)],
    fund_paid: Annotated[str, Form(max_length=20)],
    admitted_on: Annotated[str, Form(max_length=10)],
    discharged_on: Annotated[str, Form(max_length=10)],
    born: Annotated[str, Form(max_length=10)] = "1980-01-01",
    sex: Annotated[str, Form(pattern="^[FM]$")] = "F",
    covered_from: Annotated[str, Form(max_length=10)] = "",
    covered_to: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """What an invented stay would be paid; nothing is stored."""
    case = {
        "case": "1",
        "scheme": scheme,
        "member": {
            "category": "active",
            "sex": sex,
            "birth_date": born,
            "coverage": [{"from": covered_from, "to": covered_to}],
        },
        "settlements": [
            {
                "settlement_no": "1",
                "care_type": "inpatient",
                "facility_no": "1",
                "admitted_on": admitted_on,
                "discharged_on": discharged_on,
                "inpatient_days": _days(admitted_on, discharged_on),
                "settled_at": f"{discharged_on}T12:00:00+08:00",
                "total_amount": total,
                "in_scope_amount": in_scope,
                "fund_paid_amount": fund_paid,
            }
        ],
    }
    answer = answer_case(case, {family.scheme: family for family in _families(at)})
    return _edition_page(at, scheme, edition, case=case, answer=answer)


def _days(first: str, last: str) -> int:
    begin, end = a_day(first), a_day(last)
    if begin is None or end is None:
        raise BadInput("not_a_date", "请写明入院与出院日期 (the days of the stay are needed)")
    return max(1, (end - begin).days)


def _edition_page(at: Sitting, scheme: str, edition: str, *, case: Any, answer: Any) -> Response:
    for family in _families(at):
        for chosen in family.editions:
            if (family.scheme, chosen.name) == (scheme, edition):
                rules = rules_in_words(chosen)
                return at.page(
                    "edition.html", family=family, edition=chosen, rules=rules, case=case, answer=answer, flags=FLAGS
                )
    raise WrongUse("没有这个方案或期次 (no such scheme or edition)")
