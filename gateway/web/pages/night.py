"""夜间运行: last night in one look, and the same as a morning report on paper."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from gateway.core.accounts.rights import Right
from gateway.flow.batches.reconcile import lost, reconcile
from gateway.flow.reviewing.last_night import last_night
from gateway.flow.reviewing.today import today
from gateway.web.pages.charts import sparkline
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.words.claims import CLAIM_STATES
from gateway.words.feeds import RUNS
from gateway.words.pages import FEED_STATES
from gateway.words.rows import CLASSES

router = APIRouter(prefix="/night", route_class=ErrorPageRoute, include_in_schema=False)


@router.get("")
def overview(at: Annotated[Sitting, needs(Right.NIGHT)]) -> Response:
    """Each feed's state, its newest day, and what became of it."""
    return _page(at, "night.html")


@router.get("/report")
def morning_report(at: Annotated[Sitting, needs(Right.NIGHT)]) -> Response:
    """The same for the printer, with what waits for a person."""
    return _page(at, "night_report.html")


def _page(at: Sitting, template: str) -> Response:
    night = last_night(at.office, at.associations)
    return at.page(
        template,
        night=night,
        waiting=today(at.office, at.associations),
        lines={feed.feed: sparkline([day.rows for day in feed.history]) for feed in night.feeds},
        states=FEED_STATES,
        runs=RUNS,
        claim_states=CLAIM_STATES,
    )


@router.get("/proof")
def proof(at: Annotated[Sitting, needs(Right.NIGHT)]) -> Response:
    """Every row of the last days counted again from what is stored: nothing was lost."""
    first = last_night(at.office, at.associations).since.date()
    served = {name for name, spec in at.office.feeds.items() if set(spec.associations) & set(at.associations)}
    sheets = [sheet for sheet in reconcile(at.office, first=first) if sheet.feed in served]
    return at.page("night_proof.html", sheets=sheets, lost=lost(sheets), first=first, classes=CLASSES)
