"""The sealed list of a batch: class and key of every row, in row order. Of strangers it is all that is kept beside the
page, and it ends with the page's key.

Form 1, the only one so far, is an entry of 17 bytes a row: the letter of its class and the 16 bytes of its key, zeros
where its number could not be read. A later form begins with the mark of `core.forms`, which is no letter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Final, TypeAlias

from gateway.core.changes.values import Place, Relisting
from gateway.core.forms import Form, Forms
from gateway.flow.office import Office, batch_context
from gateway.flow.opening import open_or_set_aside
from gateway.model.pieces import Piece
from gateway.model.rows import RowClass
from gateway.store import batches, pages
from gateway.store.batches import BatchSheet
from gateway.store.engine import Tx
from gateway.store.pages import StoredPage
from gateway.vault import key_number

Entry: TypeAlias = tuple[RowClass, bytes | None]
"""Class and key of a row; None where its number could not be read."""

_LETTERS: Final = {
    RowClass.MEMBER: b"m",
    RowClass.NOT_PAYABLE: b"l",
    RowClass.NON_MEMBER: b"s",
    RowClass.REVIEW: b"r",
    RowClass.DUPLICATE: b"d",
    RowClass.SUPERSEDED: b"o",
    RowClass.QUARANTINED: b"q",
}
_CLASSES: Final = {letter[0]: row_class for row_class, letter in _LETTERS.items()}
_ENTRY: Final = 17
_NO_KEY: Final = bytes(_ENTRY - 1)
_FEW: Final = 100
_BEGIN: Final = 8


def _encode(entries: list[Entry]) -> bytes:
    return b"".join([_LETTERS[row_class] + (key or _NO_KEY) for row_class, key in entries])


def _decode(plain: bytes) -> list[Entry]:
    keys = [plain[at + 1 : at + _ENTRY] for at in range(0, len(plain), _ENTRY)]
    classes = [_CLASSES[letter] for letter in plain[::_ENTRY]]
    return [(row_class, None if key == _NO_KEY else key) for row_class, key in zip(classes, keys, strict=True)]


ROW_LISTS: Final = Forms("行清单 (row list)", Form(write=_encode, read=_decode))
"""How the list of a batch is written, and every form in which one ever was."""


def list_context(page_id: bytes, first_row: int) -> bytes:
    """What the list of a batch is sealed to."""
    return batch_context(f"{page_id.hex()}/{first_row}")


def seal_list(office: Office, key_no: int, page_id: bytes, first_row: int, entries: list[Entry]) -> bytes:
    """The list of a batch under its page's key."""
    return office.vault.key(key_no).seal(ROW_LISTS.write(entries), list_context(page_id, first_row))


def open_list(office: Office, sheet: BatchSheet, page_id: bytes) -> list[Entry]:
    """The entries of a batch; none once its page has expired. Raises BrokenSeal."""
    if sheet.sealed is None:
        return []
    return ROW_LISTS.read(office.vault.open(sheet.sealed, list_context(page_id, sheet.first_row)))


def open_or_note(
    office: Office, sheet: BatchSheet, page_id: bytes, feed: str, aside: list[Piece]
) -> list[Entry] | None:
    """The entries of a batch; None where its list does not open, which is added to `aside`: what cannot be looked up
    changes nothing."""
    piece = _list_piece(feed, sheet.page_seq, sheet.first_row)
    return open_or_set_aside(piece, partial(open_list, office, sheet, page_id), aside)


def _list_piece(feed: str, seq: int, first_row: int) -> Piece:
    return Piece(kind="list", name=f"{seq}/{first_row}", subject=feed)


def classes_listed(tx: Tx, office: Office, seq: int, rows: Collection[int], aside: list[Piece]) -> dict[int, RowClass]:
    """The class of these rows as a page's own lists have it. A row whose list does not open is said to be superseded,
    which is never worked again: what became of it stays, whatever that is."""
    meta, page_id, _ = pages.about(tx, seq)
    listed: dict[int, RowClass] = {}
    for sheet in batches.sheets_of_page(tx, seq):
        inside = [row for row in rows if sheet.first_row <= row < sheet.first_row + sheet.rows]
        entries = open_or_note(office, sheet, bytes(page_id), meta.feed, aside) if inside else []
        if entries is None:
            listed |= dict.fromkeys(inside, RowClass.SUPERSEDED)
        elif entries:
            listed |= {row: entries[row - sheet.first_row][0] for row in inside}
    return listed


def keys_listed(tx: Tx, office: Office, seq: int) -> dict[int, bytes | None] | None:
    """Row → key as a page's own lists have them; None where one does not open."""
    page_id = bytes(pages.about(tx, seq)[1])
    listed: dict[int, bytes | None] = {}
    for sheet in batches.sheets_of_page(tx, seq):
        entries = open_or_note(office, sheet, page_id, "", [])
        if entries is None:
            return None
        listed |= {row: key for row, (_, key) in enumerate(entries, sheet.first_row)}
    return listed


def entries_after(
    tx: Tx, office: Office, feed: str, seq: int, keys: Collection[bytes], aside: list[Piece]
) -> Iterator[tuple[Place, RowClass, bytes]]:
    """Where these keys stand in the feed's pages after a place, oldest first: place, class and key of every such row,
    but for those whose list does not open."""
    open_one = office.vault.opener()
    for page_seq, page_id, first_row, sealed in batches.lists_of_feed(tx, feed, after=seq):
        opening = partial(open_one, sealed, list_context(page_id, first_row))
        plain = open_or_set_aside(_list_piece(feed, page_seq, first_row), opening, aside)
        if plain is None or not _may_hold(plain, keys):
            continue
        for row, (row_class, key) in enumerate(ROW_LISTS.read(plain), first_row):
            if key is not None and key in keys:
                yield (page_seq, row), row_class, key


def repeated_places(tx: Tx, office: Office, feed: str) -> dict[bytes, list[Place]]:
    """Key → where it stands, of all keys that more than one row of a feed's lists has. Every list is opened twice,
    however many batches use the answer; of keys that come once, eight bytes each are in memory meanwhile."""
    once: set[bytes] = set()
    again: set[bytes] = set()
    for _, key in _all_entries(tx, office, feed):
        begin = key[:_BEGIN]
        (again if begin in once else once).add(begin)
    places: dict[bytes, list[Place]] = defaultdict(list)
    if again:
        for place, key in _all_entries(tx, office, feed):
            if key[:_BEGIN] in again:
                places[key].append(place)
    return {key: of_key for key, of_key in places.items() if len(of_key) > 1}


def _all_entries(tx: Tx, office: Office, feed: str) -> Iterator[tuple[Place, bytes]]:
    open_one = office.vault.opener()
    for page_seq, page_id, first_row, sealed in batches.lists_of_feed(tx, feed, after=0):
        opening = partial(open_one, sealed, list_context(page_id, first_row))
        plain = open_or_set_aside(_list_piece(feed, page_seq, first_row), opening, [])
        for row, (_, key) in enumerate(ROW_LISTS.read(plain) if plain is not None else (), first_row):
            if key is not None:
                yield (page_seq, row), key


def _may_hold(plain: bytes, keys: Collection[bytes]) -> bool:
    """Whether a list may name one of these keys. To search for a few is many times faster than to read every entry."""
    return len(keys) > _FEW or any(key in plain for key in keys)


def keys_of_pages(tx: Tx, office: Office, stored: Iterable[StoredPage], aside: list[Piece]) -> set[bytes] | None:
    """The keys of the rows of these pages, as far as they could be read; None where a list does not open."""
    keys: set[bytes] = set()
    for page in stored:
        page_id = bytes(pages.about(tx, page.seq)[1])
        for sheet in batches.sheets_of_page(tx, page.seq):
            entries = open_or_note(office, sheet, page_id, page.feed, aside)
            if entries is None:
                return None
            keys |= {key for _, key in entries if key is not None}
    return keys


def rewrite(tx: Tx, office: Office, seq: int, relisted: Mapping[int, Relisting]) -> list[Piece]:
    """Write the new class of some rows of a worked page into its lists, and keys learnt since. Returns the lists that
    do not open: the tables know what became of their rows."""
    meta, page_id, _ = pages.about(tx, seq)
    aside: list[Piece] = []
    for sheet in batches.sheets_of_page(tx, seq):
        inside = [row for row in relisted if sheet.first_row <= row < sheet.first_row + sheet.rows]
        if not inside or sheet.sealed is None:
            continue
        entries = open_or_note(office, sheet, bytes(page_id), meta.feed, aside)
        if entries is None:
            continue
        for row in inside:
            index = row - sheet.first_row
            key = relisted[row].key
            entries[index] = (relisted[row].row_class, entries[index][1] if key is None else key or None)
        resealed = seal_list(office, key_number(sheet.sealed), bytes(page_id), sheet.first_row, entries)
        batches.reseal(tx, seq, sheet.first_row, resealed)
    return aside
