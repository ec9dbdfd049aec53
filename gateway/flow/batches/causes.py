"""What the changes of a page belong to: one file with all its parts, one feed's night, what it pushed on a day."""

from __future__ import annotations

from gateway.flow.office import Office
from gateway.model.holds import Cause
from gateway.store.pages import StoredPage


def cause_of_page(office: Office, meta: StoredPage) -> Cause:
    """The cause of what a page changes when it is worked for the first time."""
    if meta.source:
        return Cause(kind="file", subject=meta.feed, name=meta.source)
    pushed = office.feeds[meta.feed].intake == "receive"
    return Cause(kind="push" if pushed else "night", subject=meta.feed, name=office.now().date().isoformat())


def cause_of_rescan(office: Office, association: str) -> Cause:
    """The cause of what follows from roster changes that are written already."""
    return Cause(kind="rescan", subject=association, name=office.now().date().isoformat())


def cause_of_retry(office: Office, feed: str) -> Cause:
    """The cause of what follows where rows in quarantine are read again."""
    return Cause(kind="retry", subject=feed, name=office.now().date().isoformat())
