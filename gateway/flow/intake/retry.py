"""Read quarantined pages and rows again, after a mapping was mended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from gateway.errors import WrongUse
from gateway.flow.batches.causes import cause_of_retry
from gateway.flow.batches.judging import judge
from gateway.flow.batches.replay import page_or_note, replay_rows, rows_of
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.store import pages, quarantine


class RetryReport(msgspec.Struct, kw_only=True):
    """Items tried again, and those that could be read."""

    tried: int = 0
    solved: int = 0


def retry_quarantine(office: Office, item_ids: Sequence[int] | None = None) -> RetryReport:
    """Try items again: whole pages from the start, single rows in their page; by default those no person closed. What
    still cannot be read keeps its number. Raises WrongUse for ids of nothing that stands unread."""
    with office.store.read() as tx:
        standing = quarantine.standing(tx)
    if missing := sorted(set(item_ids or ()) - {item.item_id for item in standing}):
        raise WrongUse(f"没有这些打开的隔离项 (no such open items): {missing}")
    chosen = [item for item in standing if (item.item_id in item_ids if item_ids else item.closed_by is None)]
    rows: dict[int, set[int]] = defaultdict(set)
    for item in chosen:
        if item.row is None:
            with office.store.write() as tx:
                pages.reopen(tx, item.page_seq)
                quarantine.end(tx, [item.item_id], state="closed")
            process_page(office, item.page_seq)
        else:
            rows[item.page_seq].add(item.row)
    feeds: set[str] = set()
    for seq, indexes in rows.items():
        page = page_or_note(office, seq)
        if page is not None:
            cause = cause_of_retry(office, page.meta.feed)
            replay_rows(office, page, rows_of(office, page, indexes), cause)
            feeds.add(page.meta.feed)
    for feed in sorted(feeds):
        judge(office, feed)
    with office.store.read() as tx:
        left = {(item.page_seq, item.row) for item in quarantine.standing(tx)}
    return RetryReport(tried=len(chosen), solved=sum((item.page_seq, item.row) not in left for item in chosen))
