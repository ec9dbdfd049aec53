"""Process stored pages: batch by batch, each read with no transaction open, then applied in one.

A page is stored first (`flow.pages.stored_pages.store_page`); both can be done again safely (design §2).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, cast

import msgspec

from gateway.core.normalise import NO_ROWS
from gateway.errors import BadPage, Conflict
from gateway.flow.batches.apply import apply_batch, look_ahead
from gateway.flow.batches.causes import CausesAtWork
from gateway.flow.batches.judging import judge
from gateway.flow.batches.take_back import take_back_replaced
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import OpenPage, SealedPage, add_page, page_bytes, read_page
from gateway.flow.reading.rows import Reading, identify, look_up
from gateway.model.page import RowError
from gateway.model.questions import QuarantineItem
from gateway.model.rows import Tally
from gateway.store import batches, feed_totals, pages, quarantine
from gateway.store.engine import Tx, lock
from gateway.store.pages import StoredPage
from gateway.store.values import to_ms

T = TypeVar("T")
StoredContent = tuple[int, bytes]
"""The place of a stored page, and its bytes as they came."""

_END: Final = object()


class PageBatch(msgspec.Struct, kw_only=True):
    """Rows of a page from `start` up to `stop` as read, ready to be applied."""

    page: OpenPage
    start: int
    stop: int
    reading: Reading


def process_page(office: Office, seq: int, at_work: CausesAtWork | None = None) -> Tally | None:
    """Turn a stored page into what follows from it. None if the page cannot be read: then it waits for a person.

    What is put aside is judged at once, unless the caller works on: then `at_work` says which causes."""
    total, causes = Tally(), at_work or CausesAtWork()
    try:
        for batch in read_batches(office, seq):
            total.add(process_batch(office, batch, causes))
    except BadPage:
        return None
    if at_work is None:
        judge_causes(office, causes)
    return total


def work_at_once(tx: Tx, office: Office, sealed: SealedPage, causes: CausesAtWork) -> bool:
    """Store a small page and write all that follows from it, in one transaction of the caller's; whether it is new.

    Raises BadPage where it cannot be read, and Conflict where the roster moves meanwhile: the caller undoes it all, and
    goes the longer way (`store_page`, `process_page`), which sets a page aside and begins again.
    """
    seq, is_new = add_page(tx, office, sealed)
    if not is_new:
        return False
    meta = pages.about(tx, seq)[0]
    page = read_page(office, meta, sealed.identity, sealed.key_no, sealed.fetched.content)
    if len(page.rows):
        rows = identify(office, sealed.feed, page.rows, 0, len(page.rows))
        apply_batch(tx, office, page, look_up(tx, office, sealed.feed, rows, page.rows), 0, causes)
    sample = office.mapping_of(sealed.feed).sample(page.rows)
    _finish(tx, office, msgspec.structs.replace(page, sample=sample), causes)
    return True


def judge_causes(office: Office, at_work: CausesAtWork) -> None:
    """The causes for which something was put aside are over: judge them. Nothing is asked where there is none."""
    for subject in sorted({cause.subject for cause in at_work.aside}):
        judge(office, subject)


def read_batches(office: Office, seq: int, content: bytes | None = None) -> Iterator[PageBatch]:
    """The batches of a page that are not done yet, read and looked up, with no transaction open in between.

    `content` saves opening a page this process has only just stored. Raises BadPage, after setting the page
    aside, if its bytes cannot be read at all.
    """
    with office.store.read() as tx:
        meta, identity, key_no = pages.about(tx, seq)
        done = batches.done(tx, seq)
    if meta.state not in ("stored", "bad"):
        return
    if content is None:
        with office.store.read() as tx:
            content = page_bytes(tx, office, seq) or b""
    try:
        page = read_page(office, meta, bytes(identity), key_no, content)
    except BadPage as error:
        if error.code != "empty" or not _said_to_be_empty(office, seq):
            _set_aside(office, meta, error)
            raise
        page = OpenPage(meta=meta, page_id=bytes(identity), key_no=key_no, rows=NO_ROWS, totals=None)
    page = msgspec.structs.replace(page, sample=office.mapping_of(meta.feed).sample(page.rows))
    # A batch that failed leaves a gap, and the size may have been changed since: what no batch holds is to be done.
    gaps = batches.gaps(done, len(page.rows))
    for first, behind in gaps:
        for start in range(first, behind, office.gateway.batch_rows):
            stop = min(start + office.gateway.batch_rows, behind)
            yield PageBatch(page=page, start=start, stop=stop, reading=look_ahead(office, page, start, stop))
    if not gaps:
        with office.store.write() as tx:
            _finish(tx, office, page)


def process_batch(office: Office, batch: PageBatch, at_work: CausesAtWork | None = None) -> Tally:
    """One transaction for all that follows from a batch; read again if the roster moved in between. The batch that
    closes the last gap marks its page as worked. `at_work` learns the causes for which something is put aside."""
    page = batch.page
    while True:
        try:
            with office.store.write() as tx:
                tally = apply_batch(tx, office, page, batch.reading, batch.start, at_work)
                if not batches.gaps(batches.done(tx, page.meta.seq), len(page.rows)):
                    _finish(tx, office, page, at_work)
                return tally
        except Conflict:
            batch.reading = look_ahead(office, page, batch.start, batch.stop)


def process_stream(office: Office, stored: Iterator[StoredContent], failed: Callable[[int, Exception], None]) -> Tally:
    """Process pages in order while the next one is fetched and stored beside it.

    `stored` stores a page at every step and gives its place and bytes; most of that is waiting for the disk, the
    line or the compressor. Where the database is a server, the next batch is read while the one before is applied.
    A page that fails is reported, and waits; it blocks nothing. None of its later batches is applied: it goes on at
    its first gap, the next time.
    """
    total = Tally()
    waiting: set[int] = set()
    at_work = CausesAtWork()

    def stop(seq: int, error: Exception) -> None:
        waiting.add(seq)
        failed(seq, error)

    read = _batches(office, ahead(stored), stop, waiting)
    for batch in ahead(read) if office.store.postgres else read:
        # The batch behind one that failed has been read beside it already.
        if batch.page.meta.seq in waiting:
            continue
        try:
            total.add(process_batch(office, batch, at_work))
        except Exception as error:  # noqa: BLE001 - one page's mistake must not stop the pages behind it; it alarms.
            stop(batch.page.meta.seq, error)
    judge_causes(office, at_work)
    return total


def _batches(
    office: Office, stored: Iterator[StoredContent], failed: Callable[[int, Exception], None], waiting: Collection[int]
) -> Iterator[PageBatch]:
    """The batches of these pages in order. `waiting`: the pages that failed meanwhile, of which no more is read."""
    for seq, content in stored:
        try:
            for batch in read_batches(office, seq, content):
                yield batch
                if seq in waiting:
                    break
        except BadPage:
            continue
        except Exception as error:  # noqa: BLE001 - one page's mistake must not stop the pages behind it; it alarms.
            failed(seq, error)


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items in the same order, each made in a thread beside while the one before it is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as beside:
        coming = beside.submit(next, items, _END)
        while (item := coming.result()) is not _END:
            coming = beside.submit(next, items, _END)
            yield cast(T, item)


def _said_to_be_empty(office: Office, seq: int) -> bool:
    """Whether the feed itself says that a page without content holds no settlement."""
    with office.store.read() as tx:
        return feed_totals.of_page(tx, seq) == 0


def _set_aside(office: Office, meta: StoredPage, error: BadPage) -> None:
    """A page that cannot be read blocks nothing; a person sees why."""
    problem = RowError(code=error.code, field="", message=error.message)
    with office.store.write() as tx:
        lock(tx, f"feed:{meta.feed}")
        if pages.about(tx, meta.seq)[0].state != "stored":
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
        quarantine.add_again(tx, [item])


def _finish(tx: Tx, office: Office, page: OpenPage, at_work: CausesAtWork | None = None) -> None:
    """Every row is done: so is the page, and a file that replaces an older one takes back what it does not hold."""
    meta, totals = page.meta, page.totals
    sample = msgspec.json.encode(page.sample).decode() if page.sample is not None and page.sample.rows else None
    pages.finish(
        tx,
        meta.seq,
        rows=len(page.rows),
        day=totals.day if totals else None,
        sample=sample,
        read_with=office.read_with(meta.feed),
    )
    if totals is not None:
        feed_totals.put(tx, meta.feed, f"page:{meta.seq}", totals, page_seq=meta.seq)
    if office.feeds[meta.feed].replaces == "file" and meta.source:
        take_back_replaced(tx, office, meta, at_work)
