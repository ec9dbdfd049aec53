"""One feed as people look at it: how it stands, its last runs, how far it is read, what its days came to."""

from __future__ import annotations

import msgspec

from gateway.errors import WrongUse
from gateway.flow.office import Office
from gateway.flow.reviewing.last_night import FeedNight, last_night
from gateway.store import cursors, pages, runs
from gateway.store.runs import RunRow

_RUNS_SHOWN = 20


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    """A feed with its runs, newest first, its cursor as the connector wrote it, and how many pages wait."""

    night: FeedNight
    runs: list[RunRow]
    cursor: str | None
    waiting_pages: int
    running: bool


def view_feed(office: Office, feed: str) -> FeedView:
    """How one feed stands. Raises WrongUse for one that is none."""
    if feed not in office.feeds:
        raise WrongUse(f"没有数据源 {feed[:40]} (no such feed)")
    night = last_night(office, office.feeds[feed].associations)
    [own] = [entry for entry in night.feeds if entry.feed == feed]
    with office.store.read() as tx:
        cursor, _ = cursors.of_feed(tx, feed)
        return FeedView(
            night=own,
            runs=runs.newest(tx, feed, limit=_RUNS_SHOWN),
            cursor=cursor,
            waiting_pages=len(pages.waiting(tx, [feed])),
            running=runs.under_way(tx, feed, now=office.now()),
        )
