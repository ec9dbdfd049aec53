"""Where the numbers of a batch stand in pages that were received later and worked before it: only sealed lists know."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from gateway.core.changes import Batch
from gateway.core.changes.values import Place
from gateway.errors import BrokenSeal
from gateway.flow.office import Office
from gateway.flow.pages.row_lists import entries_after
from gateway.flow.pages.stored_pages import open_page
from gateway.model.page import Identity
from gateway.model.pieces import Piece
from gateway.model.rows import RowClass, signed
from gateway.store import batches
from gateway.store.engine import Tx

_HOLDING: Final = frozenset((RowClass.NOT_PAYABLE, RowClass.NON_MEMBER))
"""What a list alone says of rows that hold a number. Records, and what waits in review or quarantine, the tables know;
what was superseded gave the number to another row."""


def later_places(
    tx: Tx,
    office: Office,
    batch: Batch,
    keys: Collection[bytes],
    listed_here: Mapping[int, RowClass],
    aside: list[Piece],
) -> tuple[dict[bytes, Place], dict[bytes, tuple[Place, int]]]:
    """Where each key of the batch stands last among pages received later; and apart from these, where what stands there
    is a stranger's and the row of the batch, new or in review until now (`listed_here`: classes of rows read again), a
    member's: place and money of the stranger's row. A batch that is read again or fills a gap asks its own page too."""
    if batch.page is None:
        return {}, {}
    own_page_too = batch.again or batch.fills_gap
    after = batch.page.seq - 1 if own_page_too else batch.page.seq
    if not own_page_too and not batches.later_done(tx, batch.page.feed, batch.page.seq):
        return {}, {}
    listed = {
        key: (place, row_class)
        for place, (row_class, key) in entries_after(tx, office, batch.page.feed, after, aside)
        if key in keys and key and row_class in _HOLDING
    }
    members = {
        row.key: (batch.page.seq, row.index)
        for row in batch.rows
        if row.row_class is RowClass.MEMBER
        and row.key is not None
        and listed_here.get(row.index, RowClass.REVIEW) is RowClass.REVIEW
    }
    strangers: dict[bytes, tuple[Place, int]] = {}
    for key, (place, row_class) in listed.items():
        if row_class is RowClass.NON_MEMBER and key in members and place > members[key]:
            amount = _strangers_amount(tx, office, place)
            if amount is not None:
                strangers[key] = (place, amount)
    return {key: place for key, (place, _) in listed.items() if key not in strangers}, strangers


def _strangers_amount(tx: Tx, office: Office, place: Place) -> int | None:
    """The money of a stranger's row; None where it cannot be read, or is a reversal that names nobody."""
    try:
        page = open_page(tx, office, place[0])
    except BrokenSeal:
        return None
    if page is None:
        return None
    [identity] = office.mapping_of(page.meta.feed).identify(page.rows, place[1], place[1] + 1)
    if not isinstance(identity, Identity) or identity.names_nobody:
        return None
    return signed(identity.total, reversal=identity.reversal)
