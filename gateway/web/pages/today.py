"""今日要办: what needs a person, each number a way to its rows; findings seen and put off; what is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form, Response

from gateway.core.accounts.rights import Right
from gateway.flow.delivery.deadlines import deadlines
from gateway.flow.findings.book import FindingReport, acknowledge
from gateway.flow.findings.codes import SUBJECTS
from gateway.flow.reviewing.today import today
from gateway.web.pages.fields import a_day
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.words.claims import DEADLINES
from gateway.words.pages import NAVIGATION
from gateway.words.reviews import ITEM_KINDS

router = APIRouter(route_class=ErrorPageRoute, include_in_schema=False)

_PLACES: Final = {
    "changes_held": "/holds",
    "association_late": "/today/deadlines",
    "level_late": "/today/deadlines",
    "claims_lapsing": "/today/deadlines",
    "claims_taken": "/claims?status=withdrawn",
    "doubts_jumped": "/reviews",
    "review_open": "/reviews",
    "quarantine_open": "/quarantine?feed={name}",
    "dead_letters": "/deliveries?state=dead",
    "unreachable": "/deliveries?state=pending",
    "answers_prove_nothing": "/deliveries?state=unknown",
    "association_off": "/deliveries",
    "refused_by_status": "/deliveries?state=refused",
}
"""Code of a finding → the page of its rows; those of a feed have their feed's page."""

DAYS_AHEAD: Final = 30


@router.get("/")
def first_page(at: Annotated[Sitting, needs(Right.OWN, narrow=True)]) -> Response:
    """The first page that is the viewer's."""
    return at.back(next(entry.address for entry in NAVIGATION if at.may(Right(entry.right))))


def place_of(finding: FindingReport) -> str | None:
    """Where the rows of a finding are shown."""
    if finding.code in _PLACES:
        return _PLACES[finding.code].format(name=finding.name)
    return f"/feeds/{finding.name}" if finding.kind == "feed" else None


@router.get("/today")
def inbox(at: Annotated[Sitting, needs(Right.TODAY)]) -> Response:
    """What needs a person now."""
    return at.page(
        "today.html",
        today=today(at.office, at.associations),
        kinds=ITEM_KINDS,
        subjects=SUBJECTS,
        place_of=place_of,
        tomorrow=at.office.now().date() + timedelta(days=1),
        in_a_week=at.office.now().date() + timedelta(days=7),
    )


@router.get("/today/deadlines")
def due(at: Annotated[Sitting, needs(Right.TODAY)]) -> Response:
    """What is late or soon will be."""
    shown = deadlines(at.office, within_days=DAYS_AHEAD)
    own = [deadline for deadline in shown.first if at.viewer.scope.covers_association(deadline.association)]
    return at.page("deadlines.html", due=shown, own=own, words=DEADLINES)


@router.post("/today/findings/{finding_id}/acknowledge")
def put_off(
    at: Annotated[Sitting, needs(Right.FINDINGS_ACKNOWLEDGE)],
    finding_id: int,
    until: Annotated[str, Form(max_length=10)],
    note: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """A person has seen a finding; it counts again from its day."""
    last_quiet_day = a_day(until) or at.office.now().date()
    acknowledge(at.office, finding_id, by=at.viewer.account, until=last_quiet_day, note=note.strip() or None)
    return at.back("/today?done=acknowledged")
