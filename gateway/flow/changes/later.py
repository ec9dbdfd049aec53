"""What else came under the numbers of a batch, where the order of work could tell: sealed lists know in which rows, and
the pages of these what they say.

Pages worked in the order received need none of it: what stands, and what waits beside it, is enough to go on from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from gateway.core.changes import Batch, PagePlace, ReadRow
from gateway.core.changes.values import Place, PlacedRow
from gateway.errors import BrokenSeal
from gateway.flow.office import Office
from gateway.flow.pages.row_lists import classes_listed, entries_after, keys_listed
from gateway.flow.pages.stored_pages import open_page
from gateway.flow.reading.rows import SHUT, identify, look_up
from gateway.model.pieces import Piece
from gateway.model.rows import RowClass
from gateway.store import batches, review_decisions, reviews
from gateway.store.engine import Tx

_HOLDING = frozenset((RowClass.NOT_PAYABLE, RowClass.NON_MEMBER))
"""What a list alone says of rows that hold a number. Records, and what waits in review or quarantine, the tables know;
what was superseded gave the number to another row."""


class RivalRows(msgspec.Struct, frozen=True, kw_only=True):
    """As the fields of `Known` with these names."""

    rivals: Mapping[bytes, list[PlacedRow]] = msgspec.field(default_factory=dict)
    last_places: Mapping[bytes, Place] = msgspec.field(default_factory=dict)
    taken: frozenset[Place] = frozenset()
    refused: frozenset[int] = frozenset()

    @property
    def rows(self) -> list[ReadRow]:
        """The rows themselves."""
        return [placed.row for of_key in self.rivals.values() for placed in of_key]


def rival_rows(tx: Tx, office: Office, batch: Batch, aside: list[Piece]) -> RivalRows:
    """All rows of other batches under the numbers of one that is read again, or of which a later row was worked before
    it: read from their pages, under the roster of now. What a newer file took back, or a person refused, is none."""
    page = batch.page
    if page is None:
        return RivalRows()
    listed = _listed(tx, office, page, batch, aside)
    if not (listed or batch.again):
        return RivalRows()
    by_page: dict[int, dict[int, tuple[bytes, RowClass]]] = defaultdict(dict)
    for key, places in listed.items():
        for (seq, row), row_class in places.items():
            by_page[seq][row] = (key, row_class)
    numbers = {row.key for row in batch.rows}
    rivals: dict[bytes, list[PlacedRow]] = defaultdict(list)
    last_places: dict[bytes, Place] = {}
    seqs = [*by_page, *([page.seq] if batch.again else [])]
    refused = set(reviews.refused_rows(tx, seqs)) if seqs else set()
    for seq, entries in sorted(by_page.items()):
        read_rows = _read(tx, office, seq, entries, refused)
        for row, (key, row_class) in sorted(entries.items()):
            if row in read_rows and read_rows[row].row.key in numbers:
                rivals[read_rows[row].row.key or b""].append(read_rows[row])
            elif row_class in _HOLDING and (seq, row) > (page.seq, -1):
                last_places[key] = (seq, row)
    return RivalRows(
        rivals=rivals,
        last_places=last_places,
        taken=_taken(tx, by_page) if by_page else frozenset(),
        refused=frozenset(row for seq, row in refused if seq == page.seq) if batch.again else frozenset(),
    )


def _listed(
    tx: Tx, office: Office, page: PagePlace, batch: Batch, aside: list[Piece]
) -> dict[bytes, dict[Place, RowClass]]:
    """Key → place and class of every other row that lists have under it. Only keys that came again further on, where
    the batch is worked for the first time."""
    own_page_too = batch.again or batch.fills_gap
    if not own_page_too and not batches.later_done(tx, page.feed, page.seq):
        return {}
    firsts = {
        key: (page.seq, row.index) for row in reversed(batch.rows) for key in (row.former, row.key) if key is not None
    }
    keys = set(firsts)
    if not own_page_too:
        keys = {key for _, _, key in entries_after(tx, office, page.feed, page.seq, keys, aside)}
    entries: Iterator[tuple[Place, RowClass, bytes]] = iter(())
    searched: Collection[bytes] = keys
    if batch.elsewhere is not None:
        # Of a number that could not be read before, or was known otherwise, nobody knows where else it stands.
        own_keys = set((keys_listed(tx, office, page.seq) or {}).values())
        entries, searched = _known_entries(tx, office, batch.elsewhere, keys & own_keys, aside), keys - own_keys
    if searched:
        entries = chain(entries, entries_after(tx, office, page.feed, 0, searched, aside))
    own_places = {(page.seq, row.index) for row in batch.rows}
    listed: dict[bytes, dict[Place, RowClass]] = defaultdict(dict)
    for place, row_class, key in entries:
        if place not in own_places:
            listed[key][place] = row_class
    return {key: places for key, places in listed.items() if batch.again or max(places) > firsts[key]}


def _known_entries(
    tx: Tx, office: Office, elsewhere: Mapping[bytes, Sequence[Place]], keys: Collection[bytes], aside: list[Piece]
) -> Iterator[tuple[Place, RowClass, bytes]]:
    """As `entries_after`, out of the lists of those pages alone in which the numbers are known to be."""
    at_places = {place: key for key in keys & elsewhere.keys() for place in elsewhere[key]}
    by_page: dict[int, list[int]] = defaultdict(list)
    for seq, row in at_places:
        by_page[seq].append(row)
    for seq, rows in sorted(by_page.items()):
        for row, row_class in classes_listed(tx, office, seq, rows, aside).items():
            yield (seq, row), row_class, at_places[seq, row]


def _read(
    tx: Tx, office: Office, seq: int, entries: Mapping[int, tuple[bytes, RowClass]], refused: Collection[Place]
) -> dict[int, PlacedRow]:
    """Rows of a page, as they read now, where they still have the number they are listed under."""
    try:
        page = open_page(tx, office, seq)
    except BrokenSeal:
        return {}
    if page is None or page.meta.replaced_by is not None:
        return {}
    rows = [
        identify(office, page.meta.feed, page.rows, row, row + 1)[0]
        for row, (_, row_class) in sorted(entries.items())
        if row < len(page.rows) and not ((seq, row) in refused and row_class is RowClass.SUPERSEDED)
    ]
    return {
        row.index: PlacedRow(page=page.place, row=row, listed=entries[row.index][1])
        for row in look_up(tx, office, page.meta.feed, rows, page.rows).rows
        if entries[row.index][0] in (row.key, row.former)
        and row.errors != (SHUT,)
        and row.row_class is not RowClass.SUPERSEDED
    }


def _taken(tx: Tx, seqs: Iterable[int]) -> frozenset[Place]:
    """The places, in these pages, of rows that a person said take the place of what stood."""
    asked = {item.item_id: item for item in reviews.changed_of_pages(tx, seqs)}
    answered = review_decisions.of_items(tx, asked) if asked else {}
    return frozenset(
        (asked[item_id].page_seq, asked[item_id].row or 0)
        for item_id, decisions in answered.items()
        if any(decision.state == "done" and decision.answer == "take" for decision in decisions)
    )
