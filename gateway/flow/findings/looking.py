"""The look around at the end of a night, and before anybody is shown how the site is: every source of findings is asked
once, and what it saw opens, goes on or is mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from gateway.core.watching import days, files, keys, losses, queues, standing
from gateway.core.watching.counting import count_day
from gateway.core.watching.expectation import Limits
from gateway.core.watching.lapsing import LAPSING, LAPSING_WITHIN_DAYS, lapsing
from gateway.errors import BadSettings, Unavailable, WrongUse
from gateway.flow.findings.book import raise_, take_stock
from gateway.flow.findings.signing_keys import SIGNING_KEYS, keys_that_end
from gateway.flow.office import Office
from gateway.model.claim import HANDED_OVER
from gateway.model.feed_day import FeedDay
from gateway.model.page import WaitingFile
from gateway.model.trouble import Trouble
from gateway.settings.feeds import FeedSpec
from gateway.settings.versions import differs_from_in_force
from gateway.store import (
    claim_losses,
    claim_messages,
    claims,
    due,
    feed_days,
    feed_totals,
    findings,
    publications,
    runs,
    site,
)
from gateway.store import queues as open_queues
from gateway.store.engine import Tx
from gateway.store.values import from_ms, to_ms

FilesOf = Callable[[str], Sequence[WaitingFile] | None]
"""Feed → the files that lie there and are not taken in; None where its connector cannot tell. Raises Unavailable, and
WrongUse where a secret is missing."""

HISTORY_DAYS: Final = 75
"""How many days back days are compared: ten of each weekday."""

_LOSSES_DAYS = 3
"""For how many days it is said what took claims away: over a weekend."""

_FIRST_NIGHT = timedelta(days=1)
_NEW_FOR_DAYS = 30
"""For how many days after its first page a feed counts as new."""

FEEDS: Final = (
    "agreement_expired", "agreement_expiring", "day_missing", "doubts_jumped", "feed_edited", "feed_empty",
    "feed_failed", "feed_late", "field_vanished", "file_twice", "keys_unused", "late_on_arrival", "rows_at_limit",
    "rows_equal", "rows_outside", "rows_unusual", "rows_warned", "totals_differ", "unknown_codes",
)  # fmt: skip
QUEUES: Final = ("quarantine_open", "refunds_waiting", "review_open")
LOSSES: Final = ("claims_taken",)
FILES: Final = ("files_waiting",)
PULLED: Final = "claims_not_fetched"
NOT_ANSWERED: Final = "claims_not_answered"
PAPERS: Final = "papers_wanted"
EXPIRED: Final = "items_expired"
_EXPIRED_FOR = timedelta(days=30)
"""For how long it is said that open items ended with their pages."""


class FeedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored about a feed: its last days, its last run, since when nothing came, when it began, and the claims
    (count, money in fen) that were late when it began; the names of all files of those earlier days for which one came
    lately."""

    days: Sequence[FeedDay]
    outcome: str | None
    message: str | None
    silent_since: datetime
    began_at: datetime | None
    late_claims: tuple[int, int] = (0, 0)
    late_files: Mapping[date, Sequence[str]] = {}


def look_around(office: Office, files_of: FilesOf | None = None) -> None:
    """Bring every finding up to date that follows from what is stored, and from the files that lie in folders."""
    count_days(office)
    facts, limits = _gather(office), office.gateway.findings.plain()
    seen = [
        trouble
        for name, feed_facts in facts.items()
        for trouble in of_feed(office, name, office.feeds[name], feed_facts, limits)
    ]
    with office.store.read() as tx:
        seen += _of_queues(tx, office, facts, limits)
        seen += losses.claims_taken(claim_losses.since(tx, office.now() - timedelta(days=_LOSSES_DAYS)))
        seen += _of_claims(tx, office)
        seen += _not_fetched(tx, office) + _not_answered(tx, office)
        seen += [
            Trouble(code=PAPERS, kind="association", name=name, count=count)
            for name, count in claim_messages.wanting_papers(tx).items()
        ]
    seen += keys_that_end(office)
    take_stock(office, (*FEEDS, *QUEUES, *LOSSES, LAPSING, PULLED, NOT_ANSWERED, PAPERS, SIGNING_KEYS), seen)
    if files_of is not None:
        take_stock(office, FILES, _of_files(office, files_of))


def count_days(office: Office) -> None:
    """Count the days of feeds whose pages are new."""
    long_ago = office.now() - timedelta(days=HISTORY_DAYS)
    counted: list[FeedDay] = []
    with office.store.read() as tx:
        new_by_feed = feed_days.new_days(tx, office.feeds, since=long_ago)
        for feed, new in new_by_feed.items():
            parts = feed_days.parts(tx, feed, new.days)
            totals = feed_totals.of_feed(tx, feed, {day.isoformat() for day in new.days})
            counted += [
                count_day(feed, day, [part for part in parts if part.day == day], totals.get(day.isoformat()))
                for day in sorted(new.days)
            ]
    if not new_by_feed:
        return
    with office.store.write() as tx:
        feed_days.put(tx, counted, counted={feed: new.counted_seq for feed, new in new_by_feed.items()})
        feed_days.forget(tx, before=(long_ago - timedelta(days=HISTORY_DAYS)).date())
        claim_losses.forget(tx, before=long_ago)


def _gather(office: Office) -> dict[str, FeedFacts]:
    """What is stored about every feed that is switched on."""
    now, facts = office.now(), {}
    with office.store.read() as tx:
        by_feed = feed_days.since(tx, (now - timedelta(days=HISTORY_DAYS)).date())
        lately = now - timedelta(days=days.RECENT)
        late_files = feed_days.late_files(tx, since=lately, before=lately.date())
        paired = site.paired_at(tx) or now
        for name in sorted(name for name, spec in office.feeds.items() if spec.enabled):
            run, began, late = runs.latest(tx, name, now=now), feed_days.began_at(tx, name), (0, 0)
            if began is not None and began > now - timedelta(days=_NEW_FOR_DAYS):
                late = claims.late_of_feed(tx, name, since=began, until=began + _FIRST_NIGHT)
            facts[name] = FeedFacts(
                days=by_feed.get(name, ()),
                outcome=run.outcome if run else None,
                message=run.message if run else None,
                silent_since=runs.last_page_at(tx, name, now=now) or paired,
                began_at=began,
                late_claims=late,
                late_files=late_files.get(name, {}),
            )
    return facts


def of_feed(office: Office, name: str, spec: FeedSpec, facts: FeedFacts, limits: Limits) -> list[Trouble]:
    """All that is not as it should be about one feed."""
    today, expect, counted = office.now().date(), spec.expect.plain(), facts.days
    seen = standing.failed_run(name, facts.outcome, facts.message) + _edited(office, name, spec)
    seen += standing.late(name, expect, since=facts.silent_since, now=office.now())
    seen += standing.agreement(name, spec.legal.expires, today=today, warn_days=limits.agreement_days)
    seen += standing.late_on_arrival(name, facts.late_claims, facts.began_at)
    seen += days.missing_days(name, counted, expect) + days.days_outside(name, counted, expect, today)
    for by_day in (days.empty_days, days.unusual_days, days.equal_days, days.doubts_jumped):
        seen += by_day(name, counted, today)
    for source in (days.cut_off_files, days.totals_that_differ, keys.vanished_fields):
        seen += source(name, counted)
    seen += days.files_twice(name, counted, facts.late_files)
    compiled = office.mapping_of(name)
    seen += keys.unknown_codes(name, counted, compiled.knows_code) + keys.new_keys(name, counted, compiled.reads_key)
    return seen + keys.rows_warned(name, counted, compiled.still_warns)


def _edited(office: Office, name: str, spec: FeedSpec) -> list[Trouble]:
    """Files that say something else than the version that was put in force."""
    try:
        edited = differs_from_in_force(office.site, name, spec.mapping)
        detail = ""
    except (BadSettings, WrongUse) as error:
        edited, detail = True, str(error)
    return [Trouble(code="feed_edited", kind="feed", name=name, detail=detail)] if edited else []


def _of_queues(tx: Tx, office: Office, facts: Mapping[str, FeedFacts], limits: Limits) -> list[Trouble]:
    """What waits for a person."""
    today = office.now().date()
    quarantined, questions = open_queues.quarantine(tx), open_queues.review(tx)
    nameless, asked = open_queues.refunds(tx), open_queues.refunds_asked(tx)
    newest = {name: days.newest_judged(feed.days, today) for name, feed in facts.items()}
    seen = [queues.quarantine(queue, newest.get(queue.name), limits, today=today) for queue in quarantined]
    for queue in questions:
        serving = [newest.get(name) for name, spec in office.feeds.items() if queue.name in spec.associations]
        share = queues.doubt_share([day for day in serving if day is not None])
        seen.append(queues.review(queue, share, limits, today=today))
    seen += [queues.refunds(queue, limits, kind="feed", today=today) for queue in nameless]
    return seen + [queues.refunds(queue, limits, kind="association", today=today) for queue in asked]


def _of_claims(tx: Tx, office: Office) -> list[Trouble]:
    """Claims that are about to lapse because nobody received them."""
    today = office.now().date()
    undelivered = due.undelivered(tx, today=today, until=today + timedelta(days=LAPSING_WITHIN_DAYS))
    return [lapsing(claims_of_association) for claims_of_association in undelivered]


def _not_fetched(tx: Tx, office: Office) -> list[Trouble]:
    """Claims that an association is to fetch, and did not answer for in the days its file grants."""
    seen = []
    for name, association in sorted(office.associations.items()):
        granted = association.delivery.options.pulled_within_days()
        since = to_ms(office.now() - timedelta(days=granted)) if granted is not None else 0
        if count := publications.unanswered(tx, name, before=since):
            at = publications.fetched_at(tx, name)
            last = f"{from_ms(at):%Y-%m-%d %H:%M}" if at is not None else "从未 (never)"
            seen.append(Trouble(code=PULLED, kind="association", name=name, count=count, detail=f"最近领取 {last}"))
    return seen


def _not_answered(tx: Tx, office: Office) -> list[Trouble]:
    """Claims that were handed over, and not answered in the days that the association's file grants."""
    seen = []
    for name, association in sorted(office.associations.items()):
        granted = association.delivery.options.answered_within_days()
        if granted is None:
            continue
        before = to_ms(office.now() - timedelta(days=granted))
        if count := publications.unanswered_in_doubt(tx, name, code=HANDED_OVER, before=before):
            seen.append(Trouble(code=NOT_ANSWERED, kind="association", name=name, count=count))
    return seen


def say_what_expired(office: Office, open_items: int) -> None:
    """Open items that ended with their pages are said for a while, however many nights it took."""
    with office.store.read() as tx:
        before = findings.open_findings(tx, code=EXPIRED)
    now = office.now()
    over = [row.finding_id for row in before if row.updated_at + _EXPIRED_FOR < now]
    if not open_items and not over:
        return
    standing_count = sum(row.count for row in before if row.finding_id not in over)
    with office.store.write() as tx:
        findings.close(tx, over, now=now)
        if open_items:
            trouble = Trouble(
                code=EXPIRED, kind="step", name="retain", count=open_items + standing_count, days=(now.date(),)
            )
            raise_(tx, trouble, now=now)


def _of_files(office: Office, files_of: FilesOf) -> list[Trouble]:
    """Files that wait. A folder that cannot be read is said by the run that failed on it."""
    seen = []
    for name, spec in sorted(office.feeds.items()):
        if not spec.enabled:
            continue
        try:
            waiting = files_of(name)
        except (Unavailable, WrongUse):
            continue
        seen += files.waiting_files(name, waiting or (), spec.expect.plain(), now=office.now())
    return seen
