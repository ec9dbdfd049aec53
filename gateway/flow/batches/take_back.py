"""A feed that says `replaces = "file"`: a newer file of the same name takes back what it no longer holds."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import Conflict
from gateway.flow.batches.apply import (
    ENTRY,
    NO_KEY,
    PageAt,
    Work,
    count_duplicates,
    open_list,
    person_files,
    release_reversals,
)
from gateway.flow.office import Office
from gateway.flow.people.assess import mark_duplicates, weigh
from gateway.model.page import RowError
from gateway.store import batches, pages, people, quarantine, records, reviews
from gateway.store.engine import Tx, lock
from gateway.store.pages import StoredPage
from gateway.store.reviews import ReviewItem
from gateway.store.values import to_ms


def revisions(stored: Sequence[StoredPage]) -> list[list[StoredPage]]:
    """The pages of one file name, grouped by delivery: each delivery begins with part 1."""
    groups: list[list[StoredPage]] = []
    for page in stored:
        if page.part == 1 or not groups:
            groups.append([])
        groups[-1].append(page)
    return groups


def take_back_replaced(tx: Tx, office: Office, meta: StoredPage) -> None:
    """Once every part of the newest file is worked: what older files held and it does not is taken back.

    A larger share than the feed's `takeback_share` waits for a person, and nothing is taken back until then.
    """
    lock(tx, f"feed:{meta.feed}")
    *older, newest = revisions(pages.of_source(tx, meta.feed, meta.source))
    whole = _whole(tx, [page for group in (*older, newest) for page in group])
    complete = len(newest) == newest[0].parts and whole.issuperset(page.seq for page in newest)
    replaced = [page for group in older for page in group if page.seq in whole and page.replaced_by is None]
    if not complete or not replaced:
        return
    # A question about an older file of this name is settled by the newer one, one way or the other.
    questions = reviews.open_takebacks(tx, [page.seq for group in older for page in group])
    reviews.end(tx, [each.item_id for each in questions], state="superseded")
    held, told = _keys(tx, office, replaced), _keys(tx, office, newest)
    if held is None or told is None:
        # What cannot be compared takes nothing back; it is looked at again once the list opens.
        return
    missing = len(held - told)
    if held and missing / len(held) > office.feeds[meta.feed].takeback_share:
        _ask_person(tx, office, newest[0], missing, len(held))
        return
    _take_back(tx, office, newest[0], replaced)


def take_back_agreed(tx: Tx, office: Office, seq: int) -> None:
    """A person agreed that the file beginning with this page takes back what it no longer holds.

    The caller holds the feed. Raises Conflict if a newer file of that name has come since.
    """
    meta = pages.load(tx, seq)[0]
    *older, newest = revisions(pages.of_source(tx, meta.feed, meta.source))
    if newest[0].seq != seq:
        raise Conflict("此后又收到了更新的文件 (a newer file has come since)")
    whole = _whole(tx, [page for group in (*older, newest) for page in group])
    if not whole.issuperset(page.seq for page in newest):
        raise Conflict("此文件尚有行未处理 (not all rows of this file are worked yet)")
    replaced = [page for group in older for page in group if page.seq in whole and page.replaced_by is None]
    _take_back(tx, office, newest[0], replaced)


def _whole(tx: Tx, stored: Sequence[StoredPage]) -> set[int]:
    """The places of those of these pages that are worked to their last row: what a gap holds is not missing."""
    rows_done = batches.rows_done(tx, [page.seq for page in stored])
    return {page.seq for page in stored if page.state == "done" and rows_done.get(page.seq, 0) >= (page.rows or 0)}


def _keys(tx: Tx, office: Office, stored: Sequence[StoredPage]) -> set[bytes] | None:
    """The keys of the rows of these pages, as far as they could be read; None where a list does not open."""
    keys: set[bytes] = set()
    for page in stored:
        page_id = bytes(pages.load(tx, page.seq)[1])
        for sheet in batches.sheets_of_page(tx, page.seq):
            plain = open_list(tx, office, sheet, page_id)
            if plain is None and sheet.sealed is not None:
                return None
            keys.update((plain or b"")[at + 1 : at + ENTRY] for at in range(0, len(plain or b""), ENTRY))
    return keys - {NO_KEY}


def _ask_person(tx: Tx, office: Office, newest: StoredPage, missing: int, held: int) -> None:
    if reviews.has_open(tx, kind="takeback", page_seq=newest.seq):
        return
    reason = RowError(code="file_shrunk", field="", message=f"新文件少了{missing}/{held}行 (rows missing)")
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
        reasons=f'["{reason.code}","{missing}/{held}"]',
        state="open",
        created_at=to_ms(office.now()),
    )
    reviews.ask(tx, [item])


def _take_back(tx: Tx, office: Office, newest: StoredPage, replaced: Sequence[StoredPage]) -> None:
    seqs = [page.seq for page in replaced]
    work = Work(removed={row.record_id: row for row in records.of_pages(tx, seqs)})
    moved: set[tuple[int, int]] = set()
    for old in work.removed.values():
        work.associations[old.person_id] = old.association
        if (old.page_seq, old.row) not in moved:
            moved.add((old.page_seq, old.row))
            kind = "duplicate" if old.duplicate else "member"
            work.moves.append((old.page_seq, old.row, kind, "superseded", old.amount))
    _end_open_items(tx, seqs, work, moved)
    release_reversals(tx, office, newest.feed, work, kept=set())
    records.forget_waiting(tx, seqs)
    people.lock(tx, work.associations)
    files = person_files(tx, office, {}, work)
    for person in files:
        mark_duplicates(person.stays)
    records.remove(tx, list(work.removed))
    count_duplicates(tx, files, work)
    weigh(tx, office, files)
    batches.move_tally(tx, work.moves)
    pages.replace(tx, seqs, by=newest.seq)


def _end_open_items(tx: Tx, seqs: Sequence[int], work: Work, seen: set[tuple[int, int]]) -> None:
    """Doubts and unreadable rows of a replaced file need nobody's time any more. `seen`: rows that move already."""
    doubts = reviews.open_of_pages(tx, seqs)
    aside = quarantine.open_of_pages(tx, seqs)
    reviews.end(tx, [each.item_id for each in doubts], state="superseded")
    quarantine.end(tx, [each.item_id for each in aside], state="superseded")
    for kind, found in (("review", doubts), ("quarantined", aside)):
        for each in found:
            if each.row is not None and (each.page_seq, each.row) not in seen:
                seen.add((each.page_seq, each.row))
                work.moves.append((each.page_seq, each.row, kind, "superseded", each.amount))


__all__ = ["PageAt", "revisions", "take_back_replaced"]
