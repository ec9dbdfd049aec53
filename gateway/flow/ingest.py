"""Take settlement records in (design §2): store the page first, then work it; both can be done again safely.

take_in    bytes → sealed page + cursor, one transaction, before anything reads the bytes
work_page  sealed page → rows → records, decisions, estimates, claims: one transaction a batch of rows
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import zstandard

from gateway.core.normalise import Rows
from gateway.errors import BadPage, Conflict
from gateway.flow.office import Office, page_context
from gateway.flow.reading import identify, look_up
from gateway.flow.settling import PageAt, settle
from gateway.flow.takeback import take_back_replaced
from gateway.model.page import MAX_PAGE_BYTES, FeedTotals, Fetched, RowError
from gateway.store import items, pages
from gateway.store.engine import Tx, lock
from gateway.store.items import QuarantineItem
from gateway.store.pages import StoredPage, Tally
from gateway.store.values import to_ms
from gateway.vault import key_number


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


def take_in(
    office: Office,
    feed: str,
    fetched: Fetched,
    *,
    moved: int | None = None,
    also: Callable[[Tx], None] | None = None,
) -> tuple[int, bool]:
    """Store a page and move the feed's cursor, at once. Returns (its place, whether it is new).

    A page that is already there is not stored again. `also` writes what must be true together with the page.
    Raises Conflict if the cursor was moved by somebody else since `moved` was read, BadPage for a page too large.
    """
    identity = page_id(feed, fetched)
    sealed, key_no = seal(office, fetched, feed, identity)
    now = office.now()
    with office.store.write() as tx:
        if moved is not None:
            pages.move_cursor(tx, feed, fetched.cursor, moved=moved, now=now)
        if also is not None:
            also(tx)
        # Two deliveries of the same page at one moment: the second waits here, and then finds it.
        lock(tx, f"pages:{feed}")
        known = pages.find(tx, identity)
        if known is not None:
            return known, False
        seq = pages.add(tx, page_id=identity, feed=feed, fetched=fetched, sealed=sealed, key_no=key_no, now=now)
        for totals in fetched.totals:
            pages.put_totals(tx, feed, fetched.source, totals, page_seq=seq)
        return seq, True


def work_page(office: Office, seq: int) -> Tally | None:
    """Turn a stored page into what follows from it. None if the page cannot be read: then it waits for a person."""
    with office.store.read() as tx:
        meta, identity, sealed = pages.load(tx, seq)
        done = pages.batches_done(tx, seq)
    if sealed is None or meta.state == "done":
        return Tally()
    at = PageAt(meta=meta, page_id=bytes(identity), key_no=key_number(sealed))
    content = unseal(office, sealed, page_context(at.page_id.hex()))
    compiled = office.mapping_of(meta.feed)
    try:
        rows = compiled.read(content)
    except BadPage as error:
        _set_aside(office, meta, error)
        return None
    return _work_rows(office, at, rows, done, compiled.totals(content))


def _work_rows(office: Office, at: PageAt, rows: Rows, done: dict[int, int], totals: FeedTotals | None) -> Tally:
    """Batch after batch; the last one marks the page as worked, in the same transaction."""
    size, many = office.gateway.batch_rows, len(rows)
    total = Tally()
    # The size may have been changed since a page was begun: go on behind what is done.
    begin = max((first + count for first, count in done.items()), default=0)
    starts = list(range(begin, many, size))
    for start in starts[:-1]:
        total.add(work_batch(office, at, rows, start, min(start + size, many)))
    if starts:
        finish = partial(_finish, office=office, meta=at.meta, rows=many, totals=totals)
        total.add(work_batch(office, at, rows, starts[-1], min(starts[-1] + size, many), also=finish))
    else:
        with office.store.write() as tx:
            _finish(tx, office=office, meta=at.meta, rows=many, totals=totals)
    return total


def work_batch(
    office: Office, at: PageAt, rows: Rows, start: int, stop: int, *, also: Callable[[Tx], None] | None = None
) -> Tally:
    """One batch: read outside, settle inside one transaction; read again if the roster moved in between."""
    while True:
        read = identify(office, at.meta.feed, rows, start, stop)
        with office.store.read() as tx:
            reading = look_up(tx, office, at.meta.feed, read, rows)
        try:
            with office.store.write() as tx:
                tally = settle(tx, office, at, reading, start)
                if also is not None:
                    also(tx)
                return tally
        except Conflict:
            continue


def work_stream(stored: Iterator[int], work: Callable[[int], object]) -> None:
    """Work pages while the next one is fetched and stored beside it. `stored` stores a page at every step and
    gives its place; most of that is waiting for the disk, the line and the compressor."""
    with ThreadPoolExecutor(1, thread_name_prefix="store") as beside:
        ahead = beside.submit(next, stored, None)
        while (seq := ahead.result()) is not None:
            ahead = beside.submit(next, stored, None)
            work(seq)


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
        items.quarantine(tx, [item])


def _finish(tx: Tx, *, office: Office, meta: StoredPage, rows: int, totals: FeedTotals | None) -> None:
    pages.finish(tx, meta.seq, rows=rows, day=totals.day if totals else None)
    if totals is not None:
        pages.put_totals(tx, meta.feed, f"page:{meta.seq}", totals, page_seq=meta.seq)
    if office.feeds[meta.feed].replaces == "file" and meta.source:
        take_back_replaced(tx, office, meta)
