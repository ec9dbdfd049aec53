"""How the site is: what `hubao status` and `/readyz` say, with findings where a person should look."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime

import msgspec

from gateway.errors import Unavailable
from gateway.flow.delivery.deadlines import WITHIN_DAYS, Deadlines, deadlines, findings, say_who_is_late
from gateway.flow.delivery.standing import DEAD_LETTERS
from gateway.flow.delivery.unclaimed import say_what_is_unpaid
from gateway.flow.findings import book
from gateway.flow.findings.looking import FilesOf, look_around
from gateway.flow.office import Office
from gateway.flow.site.clock import believed, in_doubt
from gateway.settings.feeds import FeedSpec
from gateway.store import claims, deliveries, members, pages, quarantine, reviews, roster, runs, sweep_windows
from gateway.store.engine import Tx


class FeedHealth(msgspec.Struct, kw_only=True):
    """One feed: its last page and run, pages waiting, and the oldest day some member was last asked about."""

    feed: str
    name: str
    last_page_at: datetime | None
    last_run: str | None
    last_run_at: datetime | None
    message: str | None
    waiting_pages: int
    oldest_asked: date | None = None


class Health(msgspec.Struct, kw_only=True):
    """The site at a glance. `findings` is empty when nothing is to be done; `noted`: every open finding, those that are
    only said and those that a person has seen too; `names_proven`: whether it is proven who a person is (`--by`), which
    it is not before there are accounts."""

    feeds: list[FeedHealth]
    members: dict[str, int]
    claims: list[tuple[str, str, int, int]]
    deliveries: dict[str, int]
    next_delivery_at: datetime | None
    quarantined: int
    in_review: int
    findings: list[str]
    noted: list[book.FindingReport]
    due: Deadlines
    names_proven: bool = False


def require_ready(office: Office) -> int:
    """Raises HubaoError unless the database answers and the roster's key is there, and makes none. Returns how many
    other keys were given out and are gone."""
    with office.store.read() as tx:
        roster.version(tx, sorted(office.associations))
    office.vault.require_roster_key()
    return len(office.vault.missing())


def noted_now(office: Office, files_of: FilesOf | None = None) -> list[book.FindingReport]:
    """Every open finding as things stand now. Where the clock is in doubt, or the database cannot be written, those
    that the last night left."""
    with suppress(Unavailable):
        if believed(office):
            say_who_is_late(office)
            say_what_is_unpaid(office)
            look_around(office, files_of)
    return book.show(office)


def health(office: Office, *, due_within: int = WITHIN_DAYS, files_of: FilesOf | None = None) -> Health:
    """Look at everything once; `due_within`: how many days ahead deadlines are told; `files_of`: how the files that
    wait at a feed are asked for."""
    noted = noted_now(office, files_of)
    due = deadlines(office, within_days=due_within)
    with office.store.read() as tx:
        feeds = [feed_health(tx, office, name, spec) for name, spec in sorted(office.feeds.items())]
        quarantined, in_review = quarantine.count_open(tx), reviews.count_open(tx)
        out = Health(
            feeds=feeds,
            members={name: members.count(tx, name) for name in sorted(office.associations)},
            claims=claims.summary(tx),
            deliveries=deliveries.counts(tx),
            next_delivery_at=deliveries.next_due(tx),
            quarantined=quarantined,
            in_review=in_review,
            findings=[],
            noted=noted,
            due=due,
        )
    out.findings += [
        f"{feed.feed}: {feed.waiting_pages}页待处理 (pages waiting)"
        for feed in feeds
        if feed.waiting_pages and office.feeds[feed.feed].enabled
    ]
    codes = {finding.code for finding in noted}
    if (dead := out.deliveries.get("dead", 0)) and DEAD_LETTERS not in codes:
        out.findings.append(f"{dead}件申领送达失败，需人工处理：hubao deliveries list --state dead (dead letters)")
    late = findings(due, said=codes)
    to_act_on = [f"{finding} → {finding.advice}" for finding in noted if finding.counts] + in_doubt(office)
    return msgspec.structs.replace(out, findings=out.findings + late + to_act_on)


def feed_health(tx: Tx, office: Office, name: str, spec: FeedSpec) -> FeedHealth:
    """How one feed stands: two queries and the pages that wait."""
    run = runs.latest(tx, name, now=office.now())
    return FeedHealth(
        feed=name,
        name=spec.name,
        last_page_at=runs.last_page_at(tx, name, now=office.now()),
        last_run=run.outcome or "cut_off" if run else None,
        last_run_at=run.started_at if run else None,
        message=run.message if run else None,
        waiting_pages=len(pages.waiting(tx, [name])),
        oldest_asked=sweep_windows.oldest(tx, name) if spec.intake == "sweep" else None,
    )
