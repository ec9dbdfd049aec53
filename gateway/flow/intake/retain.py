"""Nobody's data is kept without need: pages older than their feed's retention go, and their keys with them.

What people who are not members left behind ends here for good (design §5.3): without the key of that feed and
day, what a backup still holds of these pages cannot be opened by anybody.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec

from gateway.flow.changes.account_boxes import let_accounts_go
from gateway.flow.changes.fact_boxes import destroy_withdrawn
from gateway.flow.findings.holds import expire_holds
from gateway.flow.office import Office
from gateway.flow.site.clock import may_let_go
from gateway.settings.feeds import RETENTION_DAYS
from gateway.store import (
    match_decisions,
    pages,
    quarantine,
    records,
    resting_keys,
    review_decisions,
    reviews,
    rulings,
)
from gateway.store.values import to_ms

_AT_ONCE = 500


class RetentionReport(msgspec.Struct, kw_only=True):
    """What ended: pages, open items that went with them, keys destroyed."""

    pages: int = 0
    open_items: int = 0
    keys: int = 0


def retain(office: Office) -> RetentionReport:
    """Let go of what is past its retention. Safe to run at any time, and again after a crash.

    Nothing is while the clock is in doubt: neither pages nor keys can be made again.
    """
    report = RetentionReport()
    # A person withdrew these, whatever the clock reads.
    destroy_withdrawn(office)
    if not may_let_go(office):
        return report
    let_accounts_go(office)
    with office.store.read() as tx:
        oldest = pages.oldest_kept(tx)
    for feed, days in _retention(office, oldest).items():
        end = office.now() - timedelta(days=days)
        while oldest[feed] < to_ms(end) and _let_go(office, feed, end, report):
            pass
    report.keys = _destroy_rested(office)
    return report


def _retention(office: Office, feeds_stored: Collection[str]) -> dict[str, int]:
    """Feed → for how many days its pages are kept, of these feeds, which have pages. One whose file is gone keeps what
    its file said last."""
    in_force = {feed: spec.retention_days for feed, spec in office.feeds.items()}
    with office.store.read() as tx:
        said_before = pages.retention(tx)
    news = {feed: days for feed, days in in_force.items() if feed in feeds_stored and days != said_before.get(feed)}
    if news:
        with office.store.write() as tx:
            pages.note_retention(tx, news)
    return {feed: in_force.get(feed, said_before.get(feed, RETENTION_DAYS)) for feed in feeds_stored}


def _destroy_rested(office: Office) -> int:
    """Keys whose pages are all gone rest first: a backup of a few days ago can still be gone back to. Returns how many
    were destroyed."""
    now = office.now()
    with office.store.read() as tx:
        expired, resting = pages.keys_of_expired(tx), resting_keys.resting(tx)
    gone = set(office.vault.lacking(expired))
    expired = [number for number in expired if number not in gone]
    if resting.keys() != set(expired):
        with office.store.write() as tx:
            resting_keys.rest(tx, expired, now=now)
            resting = resting_keys.resting(tx)
    long_ago = now - timedelta(days=office.gateway.keys.rest_days)
    rested = [number for number, since in resting.items() if since <= long_ago]
    destroyed = sum(office.vault.shred(number) for number in rested)
    if rested:
        with office.store.write() as tx:
            resting_keys.forget(tx, rested)
    return destroyed


def _let_go(office: Office, feed: str, end: datetime, report: RetentionReport) -> int:
    """Let go of pages received before `end`; those that a hold needs, some time later, and then the hold expires."""
    longest = to_ms(end - timedelta(days=office.gateway.holds.keep_days))
    with office.store.write() as tx:
        gone = pages.expire(tx, feed, before=to_ms(end), longest=longest, limit=_AT_ONCE)
        if not gone:
            return 0
        report.pages += len(gone)
        expire_holds(tx, office, gone)
        report.open_items += quarantine.expire(tx, gone) + reviews.expire(tx, gone)
        records.forget_waiting(tx, gone)
        match_decisions.expire(tx, gone)
        rulings.expire(tx, gone)
        review_decisions.expire(tx, gone)
    return len(gone)
