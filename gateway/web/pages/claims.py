"""申领: looked for by member, league, date, state and money; one with every fen, its way, and the official form."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Response
from fastapi.responses import HTMLResponse

from gateway.core import masks
from gateway.core.accounts.rights import Right
from gateway.errors import WrongUse
from gateway.flow.accounts.trail import AuditNote, note_alone
from gateway.flow.delivery.claims import bodies_of_claims, find_claim, show_claim
from gateway.flow.delivery.explain import explain_claim
from gateway.flow.desk.showing import steps_of
from gateway.flow.reviewing.claim_list import ClaimSearch, is_in_scope, list_claims, note_search
from gateway.flow.reviewing.exporting import export_claims
from gateway.flow.reviewing.origins import find_origins
from gateway.model.claim import PrefilledClaim
from gateway.web.claim_form import pages as form_pages
from gateway.web.pages.assets import address_of
from gateway.web.pages.fields import COUNT_AT_MOST, ROWS, a_day, an_amount, one_of
from gateway.web.pages.showing import HEADERS, ErrorPageRoute, Sitting, needs
from gateway.web.session import page_of
from gateway.words.claims import CLAIM_STATES, FLAGS, OUTCOMES
from gateway.words.deliveries import DELIVERIES, code_in_words
from gateway.words.desk import AMOUNT_REASONS, PAPERS, REFUSALS
from gateway.words.evidence import MATCH_OUTCOMES, all_in_words
from gateway.words.records import CARE, DOCUMENTS

router = APIRouter(prefix="/claims", route_class=ErrorPageRoute, include_in_schema=False)

_WORDS: Final = {
    "states": CLAIM_STATES,
    "flags": FLAGS,
    "outcomes": OUTCOMES,
    "deliveries": DELIVERIES,
    "why": code_in_words,
    "care": CARE,
    "documents": DOCUMENTS,
    "matches": MATCH_OUTCOMES,
    "reasons": all_in_words,
}


def typed_filters(
    association: Annotated[str | None, Query(max_length=40)] = None,
    member: Annotated[str | None, Query(max_length=40)] = None,
    league: Annotated[str | None, Query(max_length=40)] = None,
    status: Annotated[str | None, Query(max_length=20)] = None,
    scheme: Annotated[str | None, Query(max_length=60)] = None,
    settlement: Annotated[str | None, Query(max_length=80)] = None,
    first: Annotated[str | None, Query(max_length=10)] = None,
    last: Annotated[str | None, Query(max_length=10)] = None,
    least: Annotated[str | None, Query(max_length=20)] = None,
    most: Annotated[str | None, Query(max_length=20)] = None,
    order: Annotated[str | None, Query(pattern="^oldest$|^$")] = None,
) -> dict[str, str | None]:
    """The filters of the list as they stand in its address."""
    return dict(locals())


@router.get("")
def search(
    at: Annotated[Sitting, needs(Right.CLAIMS, narrow=True)],
    filters: Annotated[dict[str, str | None], Depends(typed_filters)],
    after: Annotated[str | None, Query(max_length=60)] = None,
) -> Response:
    """The claims that fit, those changed last first."""
    wish, shown = _wish(at, filters)
    return _list_page(at, wish, shown, after=after)


@router.post("/export")
def export(
    at: Annotated[Sitting, needs(Right.EXPORT, narrow=True)],
    filters: Annotated[dict[str, str | None], Depends(typed_filters)],
) -> Response:
    """All that the filters in the address find, as a file; a longer one needs a second person."""
    wish, _ = _wish(at, filters)
    content = export_claims(at.office, wish, by=at.viewer.account, page=page_of(at.request))
    place = f'attachment; filename="claims-{wish.association}.csv"'
    return Response(content, media_type="text/csv; charset=utf-8", headers={**HEADERS, "content-disposition": place})


def _wish(at: Sitting, filters: dict[str, str | None]) -> tuple[ClaimSearch, dict[str, str | None]]:
    """What the filters ask for, and the filters as the page shows them. Raises BadInput."""
    name = at.one_association(filters["association"])
    text = {key: (value or "").strip() or None for key, value in filters.items()}
    wish = ClaimSearch(
        scope=at.viewer.scope,
        association=name,
        status=one_of(text["status"], CLAIM_STATES),
        scheme=one_of(text["scheme"], at.office.schemes),
        league=text["league"],
        member_no=text["member"],
        settlement_no=text["settlement"],
        first=a_day(text["first"]),
        last=a_day(text["last"]),
        least=an_amount(text["least"]),
        most=an_amount(text["most"]),
    )
    return wish, {**text, "association": name if len(at.associations) > 1 else None}


@router.post("")
def search_by_id_number(
    at: Annotated[Sitting, needs(Right.CLAIMS_REVEAL, narrow=True)],
    id_number: Annotated[str, Form(min_length=1, max_length=40)],
    association: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """The claims of whoever bears an id number: it stands in no address, and that somebody looked is written down."""
    note_search(at.office, by=at.viewer.account)
    name = at.one_association(association)
    filters = {**typed_filters(), "association": name if len(at.associations) > 1 else None}
    return _list_page(
        at, ClaimSearch(association=name, id_number=id_number.strip(), scope=at.viewer.scope), filters, after=None
    )


def _list_page(at: Sitting, wish: ClaimSearch, filters: dict[str, Any], *, after: str | None) -> Response:
    problem, page = "", None
    newest_first = filters.get("order") != "oldest"
    try:
        page = list_claims(
            at.office,
            wish,
            after=after or None,
            limit=ROWS,
            newest_first=newest_first,
            count_at_most=COUNT_AT_MOST + 1,
        )
    except WrongUse as error:
        # Nobody of that number, or no such league, is an answer to a search.
        problem = str(error)
    families = at.office.families(wish.association) if wish.association else []
    return at.page(
        "claims.html",
        page=page,
        problem=problem,
        filters=filters,
        after=after,
        capped=page is not None and page.total > COUNT_AT_MOST,
        schemes=[(family.scheme, family.name) for family in families],
        by_id_number=wish.id_number is not None,
        words=_WORDS,
    )


def _own(at: Sitting, claim_id: str) -> PrefilledClaim:
    """A claim that is the viewer's to see. Raises WrongUse."""
    claim = find_claim(at.office, claim_id)
    if claim is None or not is_in_scope(at.office, claim_id, at.viewer.scope):
        raise WrongUse(f"没有申领 {claim_id[:40]} (no such claim)")
    return claim


@router.get("/{claim_id}")
def one_claim(at: Annotated[Sitting, needs(Right.CLAIMS, narrow=True)], claim_id: str) -> Response:
    """Every fen of it and its whole way; who it is about is masked."""
    _own(at, claim_id)
    return _claim_page(at, claim_id, revealed=False)


@router.post("/{claim_id}/reveal")
def reveal(at: Annotated[Sitting, needs(Right.CLAIMS_REVEAL, narrow=True)], claim_id: str) -> Response:
    """The same with plain values, after it was written down who looks."""
    _note(at, _own(at, claim_id), purpose="decide")
    return _claim_page(at, claim_id, revealed=True)


@router.post("/{claim_id}/form")
def official_form(at: Annotated[Sitting, needs(Right.CLAIMS_REVEAL, narrow=True)], claim_id: str) -> Response:
    """The official form on A4, to be printed; after it was written down who looks."""
    _note(at, _own(at, claim_id), purpose="print")
    text = form_pages(bodies_of_claims(at.office, [claim_id]), sheet=address_of("claim_form.css"))
    return HTMLResponse(text, headers=HEADERS)


def _note(at: Sitting, claim: PrefilledClaim, *, purpose: str) -> None:
    """Write down who looks at whom, and why."""
    entry = AuditNote(
        account=at.viewer.account,
        act="reveal",
        subject=claim.claim_id,
        person_id=claim.person_id,
        purpose=purpose,
        page=page_of(at.request),
    )
    note_alone(at.office, entry)


def _claim_page(at: Sitting, claim_id: str, *, revealed: bool) -> Response:
    claim = show_claim(at.office, claim_id)
    settlements = claim["body"].get("settlements", ())
    return at.page(
        "claim.html",
        claim=claim,
        body=claim["body"],
        person=_person(claim["body"], revealed=revealed),
        revealed=revealed,
        # What the sentences tell of a hospital and its days is for those who decide about the member.
        in_full=at.may(Right.CLAIMS_REVEAL),
        explained=explain_claim(at.office, claim_id),
        origins=find_origins(at.office, claim_id, [part["settlement_no"] for part in settlements]),
        steps=steps_of(at.office, claim_id),
        desk=_desk(at, claim),
        words=_WORDS,
    )


def _desk(at: Sitting, claim: dict[str, Any]) -> dict[str, Any] | None:
    """What a clerk may answer, where the association decides in the gateway and the viewer may."""
    decides_here = at.office.associations[claim["association"]].desk is not None
    if not decides_here or claim["status"] == "withdrawn" or not at.may(Right.CLAIMS_DECIDE):
        return None
    return {"refusals": REFUSALS, "amount_reasons": AMOUNT_REASONS, "papers": PAPERS}


def _person(body: dict[str, Any], *, revealed: bool) -> list[tuple[str, str | None]]:
    """Who a claim is about, masked unless revealed."""
    member, applicant = body.get("member"), body.get("applicant", {})
    if member is None:
        return []
    number, born = member["id_number"], applicant.get("birth_date")
    return [
        ("会员号", member["member_no"]),
        ("姓名", member["name"] if revealed else masks.mask_name(member["name"])),
        (DOCUMENTS.get(member["id_type"], "证件号码"), number if revealed else masks.mask_number(number or "")),
        ("出生日期", born if revealed or not born else masks.mask_date(born)),
        ("盟市", applicant.get("league")),
        ("单位", applicant.get("unit_name")),
    ]
