"""The last received holds: within a batch, against what is stored, against pages received later and worked before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from gateway.core.changes.persons import HeldRecord
from gateway.core.changes.values import Batch, Changes, Known, PagePlace, Place, ReadRow
from gateway.model.rows import RowClass


class _StoredRow(msgspec.Struct, frozen=True, gc=False):
    """A row that stands somewhere under a key of the batch: as a record, an open question or an open error."""

    key: bytes
    place: Place
    row_class: RowClass
    amount: int
    record: HeldRecord | None = None


def supersede(page: PagePlace, rows: Sequence[ReadRow], known: Known, changes: Changes) -> None:
    """Give every row its first class, and take out what a row of the batch replaces.

    Only rows with a number can replace or be replaced. A stranger's row of an earlier page is not found, because
    nothing is kept of strangers but sealed lists; `hubao reconcile` counts it as superseded.
    """
    latest = {row.key: row for row in rows if row.key is not None}
    for row in rows:
        replaced = row.key is not None and latest[row.key] is not row
        changes.classes[row.index] = RowClass.SUPERSEDED if replaced else row.row_class
    for key in known.last_places:
        # A page received later was worked before this one. What it says of the settlement stands, also where it is a
        # stranger's there, which no table knows.
        if key in latest and known.last_places[key] > (page.seq, latest[key].index):
            changes.classes[latest[key].index] = RowClass.SUPERSEDED
    replaced_places: set[Place] = set()
    for stored in _stored_rows(known, latest):
        row = latest[stored.key]
        own_place = (page.seq, row.index)
        if stored.place > own_place:
            changes.classes[row.index] = RowClass.SUPERSEDED
            continue
        if stored.record is not None:
            changes.remove(stored.record)
        # Its own record, where the batch is read again, goes too and comes again; but the row is no other row.
        # One row may be two associations' record, or a record and a question: it is counted once.
        if stored.place != own_place and stored.place not in replaced_places:
            replaced_places.add(stored.place)
            changes.move(stored.place, stored.row_class, RowClass.SUPERSEDED, stored.amount)
    for item in known.open_reviews:
        if item.row is not None and (item.page_seq, item.row) in replaced_places and item.key in latest:
            changes.superseded_reviews.append(item.item_id)
    for aside in known.open_quarantine:
        if aside.row is not None and (aside.page_seq, aside.row) in replaced_places and aside.key in latest:
            changes.superseded_quarantine.append(aside.item_id)


def _stored_rows(known: Known, latest: dict[bytes, ReadRow]) -> Iterator[_StoredRow]:
    """Records first: a row that is a member's and asked about is counted as the member's."""
    for settlement in known.records:
        if settlement.key in latest:
            yield _StoredRow(settlement.key, settlement.place, settlement.row_class, settlement.amount, settlement)
    for item in known.open_reviews:
        if item.row is not None and item.key in latest:
            yield _StoredRow(item.key, (item.page_seq, item.row), RowClass.REVIEW, item.amount)
    for aside in known.open_quarantine:
        if aside.row is not None and aside.key in latest:
            yield _StoredRow(aside.key, (aside.page_seq, aside.row), RowClass.QUARANTINED, aside.amount)


def standing_before(page: PagePlace, rows: Sequence[ReadRow], known: Known) -> dict[int, RowClass]:
    """The class each row had until now, for rows read again: the tables know of records, questions and errors; the
    page's own list knows the rest, of which only strangers and what nobody pays for can still be standing."""
    indexes = {row.index for row in rows}
    before = {
        index: row_class if row_class in (RowClass.NON_MEMBER, RowClass.NOT_PAYABLE) else RowClass.SUPERSEDED
        for index, row_class in known.listed.items()
        if index in indexes
    }
    for settlement in known.records:
        if settlement.page_seq == page.seq and settlement.row in indexes:
            before[settlement.row] = settlement.row_class
    for item in known.open_reviews:
        recorded = before.get(item.row or 0) in (RowClass.MEMBER, RowClass.DUPLICATE)
        if item.page_seq == page.seq and item.row in indexes and not recorded:
            before[item.row] = RowClass.REVIEW
    for aside in known.open_quarantine:
        if aside.page_seq == page.seq and aside.row in indexes:
            before[aside.row] = RowClass.QUARANTINED
    return before


def still_standing(batch: Batch, page: PagePlace, known: Known, before: dict[int, RowClass]) -> list[ReadRow]:
    """The rows read again that nothing received later has replaced, and those that only now show that something has."""
    standing = []
    for row in batch.rows:
        replaced = row.key is not None and known.last_places.get(row.key, (0, 0)) > (page.seq, row.index)
        if replaced and before[row.index] is RowClass.QUARANTINED:
            # Its number could not be read until now, so nothing could take its place before.
            standing.append(msgspec.structs.replace(row, row_class=RowClass.SUPERSEDED))
        elif before[row.index] is not RowClass.SUPERSEDED and not replaced:
            standing.append(row)
    return standing


def counted_money(page: PagePlace, known: Known) -> dict[int, int]:
    """Row → the money its open error was counted with: none, while its total could not be read."""
    return {
        item.row: item.amount for item in known.open_quarantine if item.page_seq == page.seq and item.row is not None
    }


def close_own_items(page: PagePlace, rows: Sequence[ReadRow], known: Known, changes: Changes) -> None:
    """Doubts and errors about these very rows are asked anew at the end, if they still stand."""
    indexes = {row.index for row in rows}
    for item in known.open_reviews:
        if item.page_seq == page.seq and item.row in indexes and item.kind in ("match", "hold"):
            changes.closed_reviews.append(item.item_id)
    for aside in known.open_quarantine:
        if aside.page_seq == page.seq and aside.row in indexes:
            changes.closed_quarantine.append(aside.item_id)
