"""The second transaction: everything that follows from a batch of rows, at once or not at all.

Holds, in this order: the feed (its records change in one place at a time), the roster version the batch was read under,
and the people whose records are concerned. Among rows with the same settlement number and sign the one in the page
received last counts, whatever order pages are worked in.
"""

from __future__ import annotations

import msgspec

from gateway.core.changes import Batch
from gateway.errors import Conflict
from gateway.flow.batches.causes import CausesAtWork, cause_of_page
from gateway.flow.batches.not_read_again import note_not_read_again
from gateway.flow.changes import make_changes
from gateway.flow.changes.boxes import seal_records
from gateway.flow.office import Office
from gateway.flow.pages.row_lists import seal_list
from gateway.flow.pages.stored_pages import OpenPage
from gateway.flow.reading.rows import Reading, identify, look_up
from gateway.model.rows import RowClass, Tally
from gateway.store import batches, roster, unreadable
from gateway.store.engine import Tx, lock


def look_ahead(office: Office, page: OpenPage, start: int, stop: int) -> Reading:
    """Rows of a page as reading makes them out, before any lock: who is a member, what the row says, and the sealed
    boxes of the records that may follow. Under the roster's version of now, which the transaction asks for again."""
    rows = identify(office, page.meta.feed, page.rows, start, stop)
    with office.store.read() as tx:
        reading = look_up(tx, office, page.meta.feed, rows, page.rows)
    seal_records(office, page.place, reading.rows)
    return reading


def apply_batch(
    tx: Tx, office: Office, page: OpenPage, reading: Reading, first_row: int, at_work: CausesAtWork | None = None
) -> Tally:
    """Write what follows from rows worked for the first time. Where something of it is put aside, its cause is one of
    `at_work` to be judged. Raises Conflict if the roster moved since they were read."""
    lock(tx, f"feed:{page.meta.feed}")
    # Two workers may hold the same page: the one that comes second finds the batch done.
    done, behind = batches.done(tx, page.meta.seq), first_row + len(reading.rows)
    if any(start < behind and first_row < start + rows for start, rows in done.items()):
        return Tally()
    hold_roster(tx, office, page.meta.feed, reading)
    if reading.aside:
        unreadable.note(tx, reading.aside, now=office.now())
    if page.meta.replaced_by is not None:
        # A newer file has taken back what this one held, so none of its rows stands, whenever it is worked.
        for row in reading.rows:
            row.row_class = RowClass.SUPERSEDED
    fills_gap = any(start > first_row for start in done)
    batch = Batch(page=page.place, rows=reading.rows, fills_gap=fills_gap, members=reading.members)
    cause = cause_of_page(office, page.meta)
    since = at_work.since(cause, office) if at_work is not None else None
    changes = make_changes(tx, office, batch, cause, since=since)
    note_not_read_again(tx, office, page.meta.feed, changes)
    if changes.put_aside and at_work is not None:
        at_work.aside.add(cause)
    entries = [(changes.classes[row.index], row.key) for row in reading.rows]
    sealed = seal_list(office, page.key_no, page.page_id, first_row, entries)
    unknown = msgspec.json.encode(reading.unknown).decode() if reading.unknown else None
    batches.add(tx, page.meta.seq, first_row, len(reading.rows), changes.tally, sealed, unknown=unknown)
    return changes.tally


def hold_roster(tx: Tx, office: Office, feed: str, reading: Reading) -> None:
    """Nobody may change the roster between the look-up and the commit. Raises Conflict if it was changed."""
    if roster.version(tx, office.feeds[feed].associations, hold=True) != reading.versions:
        raise Conflict("the roster changed while a batch was read")
