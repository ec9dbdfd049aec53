"""What goes without a row that replaces it: a newer file left it out, or a decision about it was withdrawn."""

from __future__ import annotations

from gateway.core.changes.values import Batch, Changes, Known, Place
from gateway.model.rows import RowClass


def take_back(batch: Batch, known: Known, changes: Changes) -> None:
    """What replaced files held and the newer one does not: records, doubts and errors that count no longer."""
    pages = set(batch.taken_back)
    counted: set[Place] = set()
    # What a newer file holds again, but so that it cannot replace what stands, is not left out of it.
    in_question = {item.key for item in known.open_reviews if item.page_seq not in pages}
    in_question |= {aside.key for aside in known.open_quarantine if aside.page_seq not in pages}
    for settlement in known.records:
        if settlement.page_seq in pages and settlement.key not in in_question:
            changes.remove(settlement)
            # Two associations' records of one row are counted once.
            if settlement.place not in counted:
                counted.add(settlement.place)
                changes.move(settlement.place, settlement.row_class, RowClass.SUPERSEDED, settlement.amount)
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
    at_places = [settlement for settlement in known.records if settlement.place in batch.taken_out]
    leaving = [settlement for settlement in at_places if settlement.member_id in batch.taken_out_of]
    staying = {settlement.place for settlement in at_places if settlement.member_id not in batch.taken_out_of}
    for settlement in leaving:
        changes.remove(settlement)
        if settlement.place not in staying:
            changes.move(settlement.place, settlement.row_class, RowClass.REVIEW, settlement.amount)
