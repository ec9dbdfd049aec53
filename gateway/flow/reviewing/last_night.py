"""The last night in one look: how each feed stands, what its newest day came to, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from statistics import median
from typing import Final, Literal

import msgspec

from gateway.flow.findings import book
from gateway.flow.office import Office
from gateway.flow.site.agreements import has_expired
from gateway.model.clock import SHANGHAI
from gateway.model.feed_day import FeedDay
from gateway.model.money import yuan
from gateway.settings.feeds import FeedSpec
from gateway.store import claim_lists, feed_days, runs
from gateway.store.claim_lists import ClaimChoice
from gateway.store.engine import Tx
from gateway.store.runs import RETRY_AFTER_MS, RunRow
from gateway.store.values import to_ms

FeedState = Literal["good", "retrying", "person", "stopped"]
"""Nothing to do · it goes again by itself · somebody must look · nothing is taken in."""

USUAL_DAYS: Final = 28
"""Days back that a day is held against."""


class FeedNight(msgspec.Struct, frozen=True, kw_only=True):
    """One feed. `next_at`: when it goes next, None where it waits for what others send; `usual`: the median of rows of
    its days of before, None where there are too few; `counted`: whether every row of the newest day became something;
    amounts in yuan."""

    feed: str
    name: str
    state: FeedState
    last_run: RunRow | None
    next_at: datetime | None
    day: FeedDay | None
    usual: int | None
    amount: str
    findings: list[book.FindingReport]
    history: list[FeedDay]


class LastNight(msgspec.Struct, frozen=True, kw_only=True):
    """The site's last night: its feeds, the claims that changed since it began by status (how many, yuan), and all
    findings that are open. `past`: nothing ran in the night behind us, so this is the one before in which something
    did."""

    since: datetime
    past: bool
    feeds: list[FeedNight]
    claims: dict[str, tuple[int, str]]
    findings: list[book.FindingReport]


def last_night(office: Office, associations: Sequence[str]) -> LastNight:
    """Feeds that serve these associations, and their claims. A night begins at noon of the day before; it is the one in
    which a feed ran last."""
    now, reports = office.now(), book.show(office)
    about_feeds: dict[str, list[book.FindingReport]] = defaultdict(list)
    for report in reports:
        if report.kind == "feed":
            about_feeds[report.name].append(report)
    with office.store.read() as tx:
        days = feed_days.since(tx, now.date() - timedelta(days=USUAL_DAYS))
        feeds = [
            _feed(tx, office, name, spec, days.get(name, []), about_feeds[name])
            for name, spec in sorted(office.feeds.items())
            if set(spec.associations) & set(associations)
        ]
        newest = max((feed.last_run.started_at for feed in feeds if feed.last_run is not None), default=now)
        began = _noon_before(newest)
        past = began < _noon_before(now - timedelta(hours=12))
        claims = {status: _changed(tx, associations, status, began) for status in ("proposed", "amended", "withdrawn")}
    return LastNight(since=began, past=past, feeds=feeds, claims=claims, findings=reports)


def _noon_before(now: datetime) -> datetime:
    noon = datetime.combine(now.date(), time(12), tzinfo=SHANGHAI)
    return noon if now >= noon else noon - timedelta(days=1)


def _changed(tx: Tx, associations: Sequence[str], status: str, since: datetime) -> tuple[int, str]:
    choices = [ClaimChoice(association=name, status=status, since=to_ms(since)) for name in associations]
    counted = [claim_lists.count(tx, choice) for choice in choices]
    return sum(many for many, _ in counted), yuan(sum(money for _, money in counted))


def _feed(
    tx: Tx, office: Office, name: str, spec: FeedSpec, days: list[FeedDay], reports: list[book.FindingReport]
) -> FeedNight:
    now = office.now()
    run = runs.latest(tx, name, now=now)
    day = days[-1] if days else None
    next_at = _next_run(spec, run, now)
    return FeedNight(
        feed=name,
        name=spec.name,
        state=_state(office, name, run, reports),
        last_run=run,
        next_at=next_at,
        day=day,
        usual=round(median(each_day.rows for each_day in days[:-1])) if len(days) > 3 else None,
        amount=yuan(day.amount) if day is not None else "0.00",
        findings=reports,
        history=days,
    )


def _state(office: Office, name: str, run: RunRow | None, reports: Sequence[book.FindingReport]) -> FeedState:
    if not office.feeds[name].enabled or has_expired(office, name):
        return "stopped"
    others = [report for report in reports if report.counts and report.code != "feed_failed"]
    if others:
        return "person"
    if run is not None and run.outcome == "failed":
        # A failed run is begun again by the clock; only one that went on failing is for a person.
        failed_for = office.now() - run.scheduled_for
        return "retrying" if failed_for < timedelta(hours=6) else "person"
    return "good"


def _next_run(spec: FeedSpec, run: RunRow | None, now: datetime) -> datetime | None:
    """When the clock calls the feed next: after a failure soon, else at its hour."""
    if not spec.enabled or spec.schedule is None:
        return None
    if run is not None and run.outcome == "failed" and run.finished_at is not None:
        return max(now, run.finished_at + timedelta(milliseconds=RETRY_AFTER_MS))
    at = datetime.combine(now.date(), spec.schedule.at, tzinfo=SHANGHAI)
    return at if at > now else at + timedelta(days=1)
