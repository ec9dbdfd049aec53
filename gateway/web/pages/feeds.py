"""数据源: how each feed stands; one with its runs, days and findings; run now."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Response

from gateway.core.accounts.rights import Right
from gateway.errors import HubaoError
from gateway.flow.findings.codes import SUBJECTS
from gateway.flow.intake.night import run_feed
from gateway.flow.reviewing.feed_view import view_feed
from gateway.flow.reviewing.last_night import last_night
from gateway.web.pages.charts import sparkline
from gateway.web.pages.fields import one_of
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.words.feeds import INTAKES, RUNS
from gateway.words.pages import FEED_STATES

log = logging.getLogger("hubao.web")

router = APIRouter(prefix="/feeds", route_class=ErrorPageRoute, include_in_schema=False)


@router.get("")
def feeds(at: Annotated[Sitting, needs(Right.FEEDS)]) -> Response:
    """Every feed of the viewer's associations."""
    night = last_night(at.office, at.associations)
    return at.page(
        "feeds.html",
        night=night,
        specs=at.office.feeds,
        intakes=INTAKES,
        states=FEED_STATES,
        runs=RUNS,
        lines={feed.feed: sparkline([day.rows for day in feed.history]) for feed in night.feeds},
    )


@router.get("/{feed}")
def one_feed(at: Annotated[Sitting, needs(Right.FEEDS)], feed: str) -> Response:
    """One feed."""
    one_of(feed, at.feeds)
    return at.page(
        "feed.html",
        view=view_feed(at.office, feed),
        spec=at.office.feeds[feed],
        mapping=at.office.mapping_of(feed).language,
        intakes=INTAKES,
        states=FEED_STATES,
        runs=RUNS,
        subjects=SUBJECTS,
    )


@router.post("/{feed}/run")
def run_now(at: Annotated[Sitting, needs(Right.FEEDS_RUN)], feed: str) -> Response:
    """Take in now, behind the answer; the page shows how it went."""
    one_of(feed, at.feeds)
    at.desk.lookups.submit(_run, at, feed)
    return at.back(f"/feeds/{feed}?done=started")


def _run(at: Sitting, feed: str) -> None:
    try:
        run_feed(at.office, at.desk.doors, feed)
    except HubaoError as error:
        log.warning("feed %s: run from the pages failed: %s", feed, type(error).__name__)
