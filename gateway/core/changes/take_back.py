"""What goes without a row that replaces it: a newer file left it out, or a decision about it was withdrawn."""

from __future__ import annotations

from gateway.core.changes.values import Batch, Changes, Known, Place
from gateway.model.rows import RowClass


def take_back(batch: Batch, known: Known, changes: Changes) -> None:
    """What files replaced by a newer one held, and it does not: their records, doubts and errors count no longer."""
    pages = set(batch.taken_back)
    counted: set[Place] = set()
    for held in known.records:
        if held.page_seq in pages:
            changes.remove(held)
            # Two associations' records of one row are counted once.
            if held.place not in counted:
                counted.add(held.place)
                changes.move(held.place, held.row_class, RowClass.SUPERSEDED, held.amount)
    questions = [item for item in known.open_reviews if item.page_seq in pages]
    errors = [item for item in known.open_quarantine if item.page_seq in pages]
    changes.superseded_reviews += [item.item_id for item in questions]
    changes.superseded_quarantine += [item.item_id for item in errors]
    for row_class, items in ((RowClass.REVIEW, questions), (RowClass.QUARANTINED, errors)):
        for item in items:
            if item.row is not None and (item.page_seq, item.row) not in counted:
                counted.add((item.page_seq, item.row))
                changes.move((item.page_seq, item.row), row_class, RowClass.SUPERSEDED, item.amount)


def take_out(batch: Batch, known: Known, changes: Changes) -> None:
    """Records at these places of these members, whose pages are gone: nothing can be read again, so the rows are in
    review once more, where no other association's record of the same row stays."""
    at_places = [held for held in known.records if held.place in batch.taken_out]
    leaving = [held for held in at_places if held.member_id in batch.taken_out_of]
    staying = {held.place for held in at_places if held.member_id not in batch.taken_out_of}
    for held in leaving:
        changes.remove(held)
        if held.place not in staying:
            changes.move(held.place, held.row_class, RowClass.REVIEW, held.amount)
