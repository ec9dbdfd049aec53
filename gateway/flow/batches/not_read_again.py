"""Rows that came again so that they cannot be read: what stands stays, and the feed is said to have sent them."""

from __future__ import annotations

from gateway.core.changes import Changes
from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.office import Office
from gateway.store import quarantine, records
from gateway.store.engine import Tx


def note_not_read_again(tx: Tx, office: Office, feed: str, changes: Changes) -> None:
    """Say how many of a feed's rows in quarantine are members' that stand, with their money; nothing is asked where a
    batch puts no such row there and takes none out."""
    ended = changes.superseded_quarantine or changes.closed_quarantine
    keys = {item.key for item in changes.quarantined if item.key is not None}
    if not ended and not records.any_under(tx, keys):
        return
    rows, amount = quarantine.not_read_again(tx, feed)
    if rows:
        trouble = Trouble(code="not_read_again", kind="feed", name=feed, count=rows, amount=amount)
        raise_(tx, trouble, now=office.now())
    else:
        close(tx, "not_read_again", "feed", [feed], now=office.now())
