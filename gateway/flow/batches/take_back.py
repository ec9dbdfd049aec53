"""A feed that says `replaces = "file"`: a newer file of the same name takes back what it no longer holds."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import Conflict
from gateway.flow.batches.causes import CausesAtWork, cause_of_page
from gateway.flow.changes import Batch, make_changes
from gateway.flow.office import Office
from gateway.flow.pages.row_lists import keys_of_pages
from gateway.flow.pages.stored_pages import revisions
from gateway.model.holds import Cause
from gateway.model.pieces import Piece
from gateway.model.questions import ReviewItem
from gateway.store import batches, pages, quarantine, reviews, unreadable
from gateway.store.engine import Tx, lock
from gateway.store.pages import StoredPage
from gateway.store.values import to_ms


def take_back_replaced(tx: Tx, office: Office, meta: StoredPage, at_work: CausesAtWork | None = None) -> None:
    """Once every part of the newest file is worked: what older files held and it does not is taken back.

    A larger share than the feed's `takeback_share` waits for a person, and nothing is taken back until then.
    `at_work`: as for `apply_batch`.
    """
    lock(tx, f"feed:{meta.feed}")
    *older, newest = revisions(pages.of_source(tx, meta.feed, meta.source))
    if not older:
        return
    whole = _whole(tx, [page for group in (*older, newest) for page in group])
    complete = len(newest) == newest[0].parts and whole.issuperset(page.seq for page in newest)
    replaced = [page for group in older for page in group if page.seq in whole and page.replaced_by is None]
    if not complete:
        return
    _replace_unread(tx, [page for group in older for page in group], newest[0])
    if not replaced:
        return
    # A question about an older file of this name is settled by the newer one, one way or the other.
    questions = reviews.open_takebacks(tx, [page.seq for group in older for page in group])
    reviews.end(tx, [question.item_id for question in questions], state="superseded")
    aside: list[Piece] = []
    before, after = keys_of_pages(tx, office, replaced, aside), keys_of_pages(tx, office, newest, aside)
    unreadable.note(tx, aside, now=office.now())
    if before is None or after is None:
        # What cannot be compared takes nothing back; it is looked at again once the list opens.
        return
    missing = len(before - after)
    if before and missing / len(before) > office.feeds[meta.feed].takeback_share:
        _ask_person(tx, office, newest[0], missing, len(before))
        return
    cause = cause_of_page(office, meta)
    if _take_back(tx, office, newest[0], replaced, cause) and at_work is not None:
        at_work.aside.add(cause)


def take_back_agreed(tx: Tx, office: Office, seq: int) -> None:
    """A person agreed that the file beginning with this page takes back what it no longer holds.

    The caller holds the feed. Raises Conflict if a newer file of that name has come since.
    """
    meta = pages.about(tx, seq)[0]
    *older, newest = revisions(pages.of_source(tx, meta.feed, meta.source))
    if newest[0].seq != seq:
        raise Conflict("此后又收到了更新的文件 (a newer file has come since)")
    whole = _whole(tx, [page for group in (*older, newest) for page in group])
    if not whole.issuperset(page.seq for page in newest):
        raise Conflict("此文件尚有行未处理 (not all rows of this file are worked yet)")
    replaced = [page for group in older for page in group if page.seq in whole and page.replaced_by is None]
    _take_back(tx, office, newest[0], replaced, None)


def _whole(tx: Tx, stored: Sequence[StoredPage]) -> set[int]:
    """The places of those of these pages that are worked to their last row: what a gap holds is not missing."""
    rows_done = batches.rows_done(tx, [page.seq for page in stored])
    return {page.seq for page in stored if page.state == "done" and rows_done.get(page.seq, 0) >= (page.rows or 0)}


def _replace_unread(tx: Tx, older: Sequence[StoredPage], newest: StoredPage) -> None:
    """What could not be read at all of older files of this name needs nobody any more: the newer one stands for it."""
    unread = [page.seq for page in older if page.state == "bad" and page.replaced_by is None]
    if unread:
        quarantine.end(tx, [item.item_id for item in quarantine.open_of_pages(tx, unread)], state="superseded")
        pages.replace(tx, unread, by=newest.seq)


def _ask_person(tx: Tx, office: Office, newest: StoredPage, missing: int, rows: int) -> None:
    if reviews.has_open(tx, kind="takeback", page_seq=newest.seq):
        return
    item = ReviewItem(
        kind="takeback",
        association=office.feeds[newest.feed].associations[0],
        feed=newest.feed,
        page_seq=newest.seq,
        row=None,
        key=None,
        amount=0,
        member_id=None,
        score=None,
        reasons=f'["file_shrunk","{missing}/{rows}"]',
        state="open",
        created_at=to_ms(office.now()),
    )
    reviews.ask(tx, [item])


def _take_back(tx: Tx, office: Office, newest: StoredPage, replaced: Sequence[StoredPage], cause: Cause | None) -> bool:
    """Returns whether something of it is put aside."""
    seqs = [page.seq for page in replaced]
    changes = make_changes(tx, office, Batch(taken_back=seqs), cause)
    pages.replace(tx, seqs, by=newest.seq)
    return bool(changes.put_aside)
