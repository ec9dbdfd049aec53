"""Undo what was ruled about rows whose pages are gone: nothing can be read again, so only the records are removed."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from gateway.core.changes.claims import DECISION_WITHDRAWN
from gateway.flow.changes import Batch, make_changes
from gateway.flow.office import Office
from gateway.model.questions import ReviewItem
from gateway.model.rows import RowClass
from gateway.store import reviews
from gateway.store.engine import Tx


def take_out_of_gone_pages(
    tx: Tx, office: Office, item: ReviewItem, members: Collection[int], places: Collection[tuple[int, int]]
) -> int:
    """Remove these members' records at these places (page, row), reassess their people, and count their rows as doubts
    that expired; returns how many rows that were."""
    batch = Batch(taken_out=frozenset(places), taken_out_of=frozenset(members), withdrawal_reason=DECISION_WITHDRAWN)
    changes = make_changes(tx, office, batch)
    expired = [
        msgspec.structs.replace(item, page_seq=move.page_seq, row=move.row, amount=move.amount, state="expired")
        for move in changes.moved
        if move.after is RowClass.REVIEW
    ]
    reviews.ask_again(tx, expired)
    return len(expired)
