"""Take settlement records in (design §2): store the page first, then work it; both can be done again safely.

take_in    bytes → sealed page + cursor, one transaction, before anything reads the bytes
work_page  sealed page → rows → records, decisions, estimates, claims: one transaction a batch of rows
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, cast

import msgspec
import zstandard

from gateway.core.normalise import Rows
from gateway.errors import BadPage, Conflict
from gateway.flow.batches.apply import PageAt, settle
from gateway.flow.batches.take_back import take_back_replaced
from gateway.flow.office import Office, page_context
from gateway.flow.reading.rows import Reading, identify, look_up
from gateway.model.page import MAX_PAGE_BYTES, FeedTotals, Fetched, RowError
from gateway.store import batches, cursors, feed_totals, pages, quarantine
from gateway.store.batches import Tally
from gateway.store.engine import Tx, lock
from gateway.store.pages import StoredPage
from gateway.store.quarantine import QuarantineItem
from gateway.store.values import to_ms

T = TypeVar("T")
Stored = tuple[int, bytes]
"""The place of a stored page, and its bytes as they came."""

_END: Final = object()


def page_id(feed: str, fetched: Fetched) -> bytes:
    """The same feed, request and bytes are the same page, whenever they come."""
    digest = hashlib.sha256(f"{len(feed)}:{feed}{len(fetched.request)}:{fetched.request}".encode())
    digest.update(fetched.content)
    return digest.digest()[:16]


def seal(office: Office, fetched: Fetched, feed: str, identity: bytes) -> tuple[bytes, int]:
    """The page compressed and sealed under the feed's key of the day, and that key's number."""
    if len(fetched.content) > MAX_PAGE_BYTES:
        raise BadPage("page_too_large", "一页超过16 MiB (a page is larger than 16 MiB)")
    key = office.vault.page_key(feed, office.now().date())
    return key.seal(zstandard.compress(fetched.content, level=1), page_context(identity.hex())), key.number


def unseal(office: Office, sealed: bytes, context: bytes) -> bytes:
    """The bytes of a stored page, as they came."""
    return zstandard.decompress(office.vault.open(sealed, context), max_output_size=MAX_PAGE_BYTES)


def open_page(office: Office, seq: int) -> bytes:
    """The bytes of a stored page, as they came. Raises BrokenSeal."""
    with office.store.read() as tx:
        _, identity, sealed = pages.load(tx, seq)
    return unseal(office, sealed or b"", page_context(bytes(identity).hex()))


def take_in(
    office: Office,
    feed: str,
    fetched: Fetched,
    *,
    cursor_version: int | None = None,
    also: Callable[[Tx], None] | None = None,
) -> tuple[int, bool]:
    """Store a page and move the feed's cursor, at once. Returns (its place, whether it is new).

    A page that is already there is not stored again. `also` writes what must be true together with the page.
    Raises Conflict if the cursor was moved since `cursor_version` was read, BadPage for a page too large.
    """
    identity = page_id(feed, fetched)
    sealed, key_no = seal(office, fetched, feed, identity)
    now = office.now()
    with office.store.write() as tx:
        if cursor_version is not None:
            cursors.move(tx, feed, fetched.cursor, cursor_version=cursor_version, now=now)
        if also is not None:
            also(tx)
        # Two deliveries of the same page at one moment: the second waits here, and then finds it.
        lock(tx, f"pages:{feed}")
        known = pages.find(tx, identity)
        if known is not None:
            return known, False
        seq = pages.add(tx, page_id=identity, feed=feed, fetched=fetched, sealed=sealed, key_no=key_no, now=now)
        for totals in fetched.totals:
            feed_totals.put(tx, feed, fetched.source, totals, page_seq=seq)
        return seq, True


class Batch(msgspec.Struct, kw_only=True):
    """Some rows of a page as read, ready to be settled. `rows`: all of the page's; `totals`: what it says of itself."""

    at: PageAt
    rows: Rows
    start: int
    stop: int
    reading: Reading
    totals: FeedTotals | None


def work_page(office: Office, seq: int) -> Tally | None:
    """Turn a stored page into what follows from it. None if the page cannot be read: then it waits for a person."""
    total = Tally()
    try:
        for batch in read_page(office, seq):
            total.add(settle_batch(office, batch))
    except BadPage:
        return None
    return total


def read_page(office: Office, seq: int, content: bytes | None = None) -> Iterator[Batch]:
    """The batches of a page that are not done yet, read and looked up, with no transaction open in between.

    `content` saves opening a page this process has only just stored. Raises BadPage, after setting the page
    aside, if its bytes cannot be read at all.
    """
    with office.store.read() as tx:
        meta, identity, key_no = pages.about(tx, seq)
        done = batches.done(tx, seq)
    if meta.state not in ("stored", "bad"):
        return
    at = PageAt(meta=meta, page_id=bytes(identity), key_no=key_no)
    if content is None:
        content = open_page(office, seq)
    compiled = office.mapping_of(meta.feed)
    try:
        rows = compiled.read(content)
    except BadPage as error:
        _set_aside(office, meta, error)
        raise
    totals = compiled.totals(content)
    # A batch that failed leaves a gap, and the size may have been changed since: what no batch holds is to be done.
    to_do = batches.gaps(done, len(rows))
    for first, behind in to_do:
        for start in range(first, behind, office.gateway.batch_rows):
            stop = min(start + office.gateway.batch_rows, behind)
            reading = _read_batch(office, at, rows, start, stop)
            yield Batch(at=at, rows=rows, start=start, stop=stop, reading=reading, totals=totals)
    if not to_do:
        with office.store.write() as tx:
            _finish(tx, office, at.meta, rows=len(rows), totals=totals)


def _read_batch(office: Office, at: PageAt, rows: Rows, start: int, stop: int) -> Reading:
    read = identify(office, at.meta.feed, rows, start, stop)
    with office.store.read() as tx:
        return look_up(tx, office, at.meta.feed, read, rows)


def settle_batch(office: Office, batch: Batch) -> Tally:
    """One transaction for all that follows from a batch; read again if the roster moved in between. The batch that
    closes the last gap marks its page as worked."""
    at = batch.at
    while True:
        try:
            with office.store.write() as tx:
                tally = settle(tx, office, at, batch.reading, batch.start)
                if not batches.gaps(batches.done(tx, at.meta.seq), len(batch.rows)):
                    _finish(tx, office, at.meta, rows=len(batch.rows), totals=batch.totals)
                return tally
        except Conflict:
            batch.reading = _read_batch(office, at, batch.rows, batch.start, batch.stop)


def work_stream(office: Office, stored: Iterator[Stored], failed: Callable[[int, Exception], None]) -> Tally:
    """Work pages in order while the next one is fetched and stored beside it.

    `stored` stores a page at every step and gives its place and bytes; most of that is waiting for the disk, the
    line or the compressor. Where the database is a server, the next batch is read while it settles the one before.
    A page that fails is reported, and waits; it blocks nothing. None of its later batches is settled: it goes on at
    its first gap, the next time.
    """
    total = Tally()
    waiting: set[int] = set()

    def stop(seq: int, error: Exception) -> None:
        waiting.add(seq)
        failed(seq, error)

    read = _batches(office, ahead(stored), stop, waiting)
    for batch in ahead(read) if office.store.postgres else read:
        # The batch behind one that failed has been read beside it already.
        if batch.at.meta.seq in waiting:
            continue
        try:
            total.add(settle_batch(office, batch))
        except Exception as error:  # noqa: BLE001 - one page's mistake must not stop the pages behind it; it alarms.
            stop(batch.at.meta.seq, error)
    return total


def _batches(
    office: Office, stored: Iterator[Stored], failed: Callable[[int, Exception], None], waiting: Collection[int]
) -> Iterator[Batch]:
    """The batches of these pages in order. `waiting`: the pages that failed meanwhile, of which no more is read."""
    for seq, content in stored:
        try:
            for batch in read_page(office, seq, content):
                yield batch
                if seq in waiting:
                    break
        except BadPage:
            continue
        except Exception as error:  # noqa: BLE001 - one page's mistake must not stop the pages behind it; it alarms.
            failed(seq, error)


def ahead(things: Iterator[T]) -> Iterator[T]:
    """The same things in the same order, each made in a thread beside while the one before it is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as beside:
        coming = beside.submit(next, things, _END)
        while (thing := coming.result()) is not _END:
            coming = beside.submit(next, things, _END)
            yield cast(T, thing)


def _set_aside(office: Office, meta: StoredPage, error: BadPage) -> None:
    """A page that cannot be read blocks nothing; a person sees why."""
    problem = RowError(code=error.code, field="", message=error.message)
    with office.store.write() as tx:
        lock(tx, f"feed:{meta.feed}")
        if pages.load(tx, meta.seq)[0].state != "stored":
            return
        pages.set_aside(tx, meta.seq, code=error.code)
        item = QuarantineItem(
            page_seq=meta.seq,
            row=None,
            feed=meta.feed,
            key=None,
            amount=0,
            errors=(problem,),
            state="open",
            created_at=to_ms(office.now()),
        )
        quarantine.add(tx, [item])


def _finish(tx: Tx, office: Office, meta: StoredPage, *, rows: int, totals: FeedTotals | None) -> None:
    pages.finish(tx, meta.seq, rows=rows, day=totals.day if totals else None)
    if totals is not None:
        feed_totals.put(tx, meta.feed, f"page:{meta.seq}", totals, page_seq=meta.seq)
    if office.feeds[meta.feed].replaces == "file" and meta.source:
        take_back_replaced(tx, office, meta)
