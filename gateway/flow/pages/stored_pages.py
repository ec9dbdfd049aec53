"""Stored pages: sealed before anything reads them, and the only place where one is opened again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import zstandard

from gateway.core.changes.values import PagePlace, Place
from gateway.core.masks import mask_personal
from gateway.core.normalise import Origin, Rows
from gateway.errors import BadPage
from gateway.flow.office import Office, page_context
from gateway.model.feed_day import KeySample
from gateway.model.page import MAX_PAGE_BYTES, FeedTotals, Fetched
from gateway.store import cursors, feed_totals, pages
from gateway.store.engine import Tx, lock
from gateway.store.pages import StoredPage
from gateway.vault import key_number

_NAME_LENGTH: Final = 255


class OpenPage(msgspec.Struct, frozen=True, kw_only=True):
    """A stored page that could be read: its rows as its feed's mapping finds them, and what the feed says of itself;
    `sample`: what a few rows told of keys and values, where the page is worked for the first time; `elsewhere`: as of
    `Batch`, where many pages are read again one after the other."""

    meta: StoredPage
    page_id: bytes
    key_no: int
    rows: Rows
    totals: FeedTotals | None
    sample: KeySample | None = None
    elsewhere: Mapping[bytes, Sequence[Place]] | None = None

    @property
    def place(self) -> PagePlace:
        """Where it stands in the order received, and since when."""
        return PagePlace(seq=self.meta.seq, feed=self.meta.feed, received_on=self.meta.received_at.date().isoformat())


def page_id(feed: str, fetched: Fetched) -> bytes:
    """The same feed, request and bytes are the same page, whenever they come."""
    digest = hashlib.sha256(f"{len(feed)}:{feed}{len(fetched.request)}:{fetched.request}".encode())
    digest.update(fetched.content)
    return digest.digest()[:16]


class SealedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it will be stored: sealed under the feed's key of the day, its source as its name is kept."""

    feed: str
    fetched: Fetched
    identity: bytes
    sealed: bytes
    key_no: int


def seal_page(office: Office, feed: str, fetched: Fetched) -> SealedPage:
    """The page compressed and sealed. Of its file's name a person's number is not kept. Raises BadPage."""
    if len(fetched.content) > MAX_PAGE_BYTES:
        raise BadPage("page_too_large", "一页超过16 MiB (a page is larger than 16 MiB)")
    key, identity = office.vault.page_key(feed, office.now().date()), page_id(feed, fetched)
    sealed = key.seal(zstandard.compress(fetched.content, level=1), page_context(identity.hex()))
    kept = msgspec.structs.replace(fetched, source=kept_name(office, fetched.source))
    return SealedPage(feed=feed, fetched=kept, identity=identity, sealed=sealed, key_no=key.number)


def store_page(
    office: Office,
    feed: str,
    fetched: Fetched,
    *,
    cursor_version: int | None = None,
    also: Callable[[Tx], None] | None = None,
) -> tuple[int, bool]:
    """Store a page and move the feed's cursor, at once. Returns (its place, whether it is new).

    A page that is already there is not stored again. `also` writes what must be true together with the page. Raises
    Conflict if the cursor was moved by another since `cursor_version` was read, BadPage for a page too large.
    """
    page = seal_page(office, feed, fetched)
    with office.store.write() as tx:
        if cursor_version is not None:
            cursors.move(tx, feed, fetched.cursor, cursor_version=cursor_version, now=office.now())
        if also is not None:
            also(tx)
        return add_page(tx, office, page)


def add_page(tx: Tx, office: Office, page: SealedPage) -> tuple[int, bool]:
    """Put a sealed page into a transaction of the caller's. Returns (its place, whether it is new)."""
    # Two deliveries of the same page at one moment: the second waits here, and then finds it.
    lock(tx, f"pages:{page.feed}")
    stored = pages.find(tx, page.identity)
    if stored is not None:
        return stored, False
    seq = pages.add(
        tx,
        page_id=page.identity,
        feed=page.feed,
        fetched=page.fetched,
        sealed=page.sealed,
        key_no=page.key_no,
        now=office.now(),
    )
    for totals in page.fetched.totals:
        feed_totals.put(tx, page.feed, page.fetched.source, totals, page_seq=seq)
    return seq, True


def kept_name(office: Office, name: str) -> str:
    """The name of a file as it is kept: a person's number in it masked, with a keyed mark by which the same name is
    known again and another is told from it."""
    masked = mask_personal(name, mark=lambda number: f"~{office.vault.fingerprinter('file_name')(number).hex()[:8]}")
    return masked[:_NAME_LENGTH]


def page_bytes(tx: Tx, office: Office, seq: int) -> bytes | None:
    """The bytes of a stored page as they came; None once they are gone. Raises BrokenSeal."""
    meta, identity, sealed = pages.load(tx, seq)
    return None if sealed is None else _unseal(office, meta, sealed, identity)


def _unseal(office: Office, meta: StoredPage, sealed: bytes, identity: bytes) -> bytes:
    plain = office.vault.open_page(sealed, page_context(bytes(identity).hex()), meta.feed)
    return zstandard.decompress(plain, max_output_size=MAX_PAGE_BYTES)


def open_page(tx: Tx, office: Office, seq: int) -> OpenPage | None:
    """A stored page for reading; None where its bytes are gone or its mapping cannot read them. Raises BrokenSeal."""
    meta, identity, sealed = pages.load(tx, seq)
    if sealed is None:
        return None
    try:
        return read_page(office, meta, bytes(identity), key_number(sealed), _unseal(office, meta, sealed, identity))
    except BadPage:
        return None


def read_page(office: Office, meta: StoredPage, identity: bytes, key_no: int, content: bytes) -> OpenPage:
    """The rows of a page's bytes, by its feed's mapping. Raises BadPage."""
    compiled = office.mapping_of(meta.feed)
    rows = compiled.read(content, Origin(meta.source, meta.part))
    totals = compiled.totals(content, rows, day=meta.day)
    return OpenPage(meta=meta, page_id=identity, key_no=key_no, rows=rows, totals=totals)


def revisions(stored: Sequence[StoredPage]) -> list[list[StoredPage]]:
    """The pages of one file name, grouped by delivery: each delivery begins with part 1."""
    groups: list[list[StoredPage]] = []
    for page in stored:
        if page.part == 1 or not groups:
            groups.append([])
        groups[-1].append(page)
    return groups
