"""Nobody's data is kept without need: pages older than their feed's retention go, and their keys with them.

What people who are not members left behind ends here for good (design §5.3): without the key of that feed and
day, what a backup still holds of these pages cannot be opened by anybody.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from gateway.flow.office import Office
from gateway.flow.site.clock import may_let_go
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
    if not may_let_go(office):
        return report
    for feed, spec in office.feeds.items():
        before = to_ms(office.now() - timedelta(days=spec.retention_days))
        while _let_go(office, feed, before, report):
            pass
    report.keys = _destroy_rested(office)
    return report


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


def _let_go(office: Office, feed: str, before: int, report: RetentionReport) -> int:
    with office.store.write() as tx:
        gone = pages.expire(tx, feed, before=before, limit=_AT_ONCE)
        report.pages += len(gone)
        report.open_items += quarantine.expire(tx, gone) + reviews.expire(tx, gone)
        records.forget_waiting(tx, gone)
        match_decisions.expire(tx, gone)
        rulings.expire(tx, gone)
        review_decisions.expire(tx, gone)
    return len(gone)
