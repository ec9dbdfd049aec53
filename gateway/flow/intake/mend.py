"""Pages that are marked as worked though some of their rows never were: found, and put back to be worked.

A batch that failed once left a gap, and its page was marked as worked all the same. Put back, such a page goes on at
its first gap as any page does: its rows keep its place and the day it was received on, and what came later still
supersedes them. Of a page whose bytes are gone nothing can be worked any more: it is named, and stays named.
"""

from __future__ import annotations

from collections import defaultdict

from gateway.flow.findings.book import Trouble, raise_
from gateway.flow.office import Office
from gateway.store import pages
from gateway.store.engine import lock
from gateway.store.pages import PageGap


def reopen_gaps(office: Office) -> int:
    """Put back every page with a gap whose bytes are kept, and name those whose bytes are gone; returns how many
    were put back. Changes nothing where no page has a gap."""
    with office.store.read() as tx:
        if not pages.any_gap(tx):
            return 0
        open_gaps = pages.with_gaps(tx, state="done")
        gone = pages.with_gaps(tx, state="expired")
    by_feed: dict[str, list[int]] = defaultdict(list)
    for gap in open_gaps:
        by_feed[gap.page.feed].append(gap.page.seq)
    for feed, seqs in sorted(by_feed.items()):
        with office.store.write() as tx:
            lock(tx, f"feed:{feed}")
            for seq in seqs:
                pages.reopen(tx, seq)
    if gone:
        with office.store.write() as tx:
            for gap in gone:
                raise_(tx, _lost(gap), now=office.now())
    return len(open_gaps)


def _lost(gap: PageGap) -> Trouble:
    """Rows and money of a page that nobody can work any more. A page is told by itself what its file says it holds."""
    page = gap.page
    known_amount = gap.said_amount is not None and page.parts == 1
    return Trouble(
        code="rows_lost",
        kind="page",
        name=str(page.seq),
        count=(page.rows or 0) - gap.rows_done if page.rows is not None else 0,
        amount=(gap.said_amount or 0) - gap.amount_done if known_amount else None,
        days=(page.day or page.received_at.date(),),
        detail=f"{page.feed}，收于{page.received_at.date()}" + ("" if page.rows is not None else "，行数未知"),
    )
