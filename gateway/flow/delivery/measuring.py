"""The site in numbers, for whoever watches its machines: nothing in them is of a person, and asking changes nothing."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.flow.delivery.health import FeedHealth, feed_health
from gateway.flow.findings import book
from gateway.flow.office import Office
from gateway.model.feed_day import FeedDay
from gateway.settings.secrets import check_token, read_secret
from gateway.store import claims, deliveries, feed_days, quarantine, reviews
from gateway.store.engine import sessions_waiting

_DAYS: Final = 28
"""A feed's newest day is looked for among so many."""


class SiteFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One look. `newest`: feed → its newest day; `claims`: (association, status, how many, payable in fen);
    `findings`: (code, level, whether it is to act on) → how many are open; `lock_waits`: sessions of the database that
    wait for a lock at this moment, None of SQLite, which does not tell."""

    feeds: list[FeedHealth]
    newest: dict[str, FeedDay]
    claims: list[tuple[str, str, int, int]]
    deliveries: dict[str, int]
    next_delivery_at: datetime | None
    quarantined: int
    in_review: int
    findings: dict[tuple[str, str, bool], int]
    lock_waits: int | None


def token(office: Office) -> str | None:
    """What whoever fetches `/metrics` must bring; None where nobody may. Raises WrongUse: the secret is missing."""
    name = office.gateway.metrics.token
    return None if name is None else check_token(read_secret(name, site=office.site))


def measure(office: Office) -> SiteFigures:
    """The site as it stands in the database; findings as the last night, or whoever looked since, left them."""
    reports = book.show(office)
    with office.store.read() as tx:
        days = feed_days.since(tx, office.now().date() - timedelta(days=_DAYS))
        return SiteFigures(
            feeds=[feed_health(tx, office, name, spec) for name, spec in sorted(office.feeds.items())],
            newest={feed: of_feed[-1] for feed, of_feed in days.items() if feed in office.feeds},
            claims=claims.summary(tx),
            deliveries=deliveries.counts(tx),
            next_delivery_at=deliveries.next_due(tx),
            quarantined=quarantine.count_open(tx),
            in_review=reviews.count_open(tx),
            findings=Counter((report.code, report.level, report.counts) for report in reports),
            lock_waits=sessions_waiting(tx),
        )
