"""Stored pages read again with the mapping and the schemes in force: first as a difference, then written or held.

What pages were read with stays what stands until then: a new mapping is for new pages. What stands is compared, not the
old mapping's reading of the page: of members it is stored whole, of others their class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import msgspec

from gateway.core.changes import ReadRow
from gateway.core.changes.difference import difference_between
from gateway.core.normalise import CompiledMapping
from gateway.errors import BrokenSeal
from gateway.flow.batches.deciding_holds import ClaimLine, claim_lines
from gateway.flow.batches.judging import judge
from gateway.flow.batches.replay import apply_again, replay_rows
from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.office import Office, record_name
from gateway.flow.pages.row_lists import classes_listed, keys_listed, repeated_places
from gateway.flow.pages.stored_pages import OpenPage, open_page
from gateway.flow.reading.rows import identify, look_up
from gateway.model.holds import Cause
from gateway.model.money import yuan
from gateway.model.record import SettlementRecord
from gateway.model.rows import RowClass
from gateway.store import claims, findings, pages, records, reviews, roster
from gateway.store.engine import Tx, lock
from gateway.store.pages import StoredPage


class Rereading(msgspec.Struct, kw_only=True):
    """What reading a feed's stored pages again comes to. `rows`: rows that would be of another class, or whose stored
    record would say something else; `fields`: field → in how many records it differs; `classes`: "before → after" →
    rows; `left_out`: pages that cannot be compared row by row (other rows, or other settlement numbers), and pages that
    do not open or cannot be read; money in yuan, of the claims that change."""

    feed: str
    pages: int = 0
    rows: int = 0
    fields: dict[str, int] = msgspec.field(default_factory=dict)
    classes: dict[str, int] = msgspec.field(default_factory=dict)
    left_out: list[int] = msgspec.field(default_factory=list)
    claims: list[ClaimLine] = msgspec.field(default_factory=list)
    before: str = "0.00"
    after: str = "0.00"
    written: bool = False
    holds: int = 0

    @property
    def differs(self) -> bool:
        """Whether anything would be otherwise."""
        return bool(self.rows or self.claims or self.left_out)


def with_mapping(office: Office, feed: str, compiled: CompiledMapping) -> Office:
    """The same office, in which a feed is read with another mapping."""
    return replace(office, mappings={**office.mappings, office.feeds[feed].mapping: compiled})


def reread(office: Office, feed: str, first: date | None = None, last: date | None = None) -> Rereading:
    """What would be otherwise if the feed's stored pages of these days were read again now. All of it is concluded page
    by page in one transaction that is rolled back: nobody else writes meanwhile."""
    result = Rereading(feed=feed)
    with office.store.write() as tx:
        lock(tx, f"feed:{feed}")
        roster.version(tx, office.feeds[feed].associations, hold=True)
        before = {claim.claim_id: claim for claim in claims.of_associations(tx, office.feeds[feed].associations)}
        cause = _cause(office, feed)
        elsewhere = repeated_places(tx, office, feed)
        for meta in _stored(tx, feed, first, last):
            page = _comparable(tx, office, meta, result)
            if page is not None:
                _read_page_again(tx, office, msgspec.structs.replace(page, elsewhere=elsewhere), cause, result)
        after = claims.of_associations(tx, office.feeds[feed].associations)
        difference = difference_between(before, after)
        was, becomes = difference.money
        result.claims = claim_lines(tx, difference)
        result.before, result.after = yuan(was), yuan(becomes)
        tx.rollback()
    return result


def _read_page_again(tx: Tx, office: Office, page: OpenPage, cause: Cause, result: Rereading) -> None:
    for rows in _batches(office, page):
        stored, before = _records_at(tx, office, page, rows), _classes_at(tx, office, page, rows)
        reading = look_up(tx, office, page.meta.feed, rows, page.rows)
        apply_again(tx, office, page, reading, cause=cause, judged=True)
        # What a row counts as follows from more than its own words: a refund that names nobody is its original's.
        after = _classes_at(tx, office, page, rows)
        for row in reading.rows:
            classes = tuple(listed[row.index] for listed in (before, after) if row.index in listed)
            _count(stored.get(row.index), row.record, classes, result)


def replay(office: Office, feed: str, first: date | None = None, last: date | None = None) -> Rereading:
    """Read the feed's stored pages of these days again and write what follows; what would withdraw or lower many claims
    waits in a hold. The difference is told first."""
    result = reread(office, feed, first, last)
    cause = _cause(office, feed)
    with office.store.read() as tx:
        chosen = [meta for meta in _stored(tx, feed, first, last) if meta.seq not in result.left_out]
        # Found once: each batch would search every list. What comes meanwhile is worked against what stands by then.
        elsewhere = repeated_places(tx, office, feed)
    for meta in chosen:
        with office.store.read() as tx:
            page = open_page(tx, office, meta.seq)
        if page is None:
            continue
        page = msgspec.structs.replace(page, elsewhere=elsewhere)
        for rows in _batches(office, page):
            replay_rows(office, page, rows, cause)
        with office.store.write() as tx:
            pages.read_anew(tx, [meta.seq], office.read_with(feed))
    result.written, result.holds = True, judge(office, feed)
    say_what_changed(office)
    return result


def _cause(office: Office, feed: str) -> Cause:
    return Cause(kind="replay", subject=feed, name=f"{office.now().date()}/{office.mapping_of(feed).digest}")


def _stored(tx: Tx, feed: str, first: date | None, last: date | None) -> list[StoredPage]:
    """The worked pages of these days that a newer file has not replaced."""
    return [
        page
        for page in pages.of_feed(tx, feed)
        if page.state == "done" and page.replaced_by is None
        if (first is None or (page.day or page.received_at.date()) >= first)
        if (last is None or (page.day or page.received_at.date()) <= last)
    ]


def _comparable(tx: Tx, office: Office, meta: StoredPage, result: Rereading) -> OpenPage | None:
    """A page whose rows are the same ones, under the same settlement numbers, as when it was worked. One of which that
    cannot be said is left out, and named: its rows would be counted anew, beside what stands."""
    result.pages += 1
    try:
        page = open_page(tx, office, meta.seq)
    except BrokenSeal:
        page = None
    if page is not None and len(page.rows) == meta.rows:
        listed = keys_listed(tx, office, meta.seq)
        # What a person said about a row says under which number it is known.
        ruled = {item.row for item in reviews.changed_of_pages(tx, [meta.seq])}
        rows = (row for batch in _batches(office, page) for row in batch if row.index not in ruled)
        if listed is not None and all(_same_number(row, listed) for row in rows):
            return page
    result.left_out.append(meta.seq)
    return None


def _same_number(row: ReadRow, listed: dict[int, bytes | None]) -> bool:
    before = listed.get(row.index)
    return row.key is None or before is None or before in (row.key, row.former)


def _batches(office: Office, page: OpenPage) -> Iterator[list[ReadRow]]:
    """The rows of a page, identified, in batches."""
    size, behind = office.gateway.batch_rows, len(page.rows)
    for start in range(0, behind, size):
        yield identify(office, page.meta.feed, page.rows, start, min(start + size, behind))


def _classes_at(tx: Tx, office: Office, page: OpenPage, rows: Sequence[ReadRow]) -> dict[int, RowClass]:
    return classes_listed(tx, office, page.meta.seq, [row.index for row in rows], [])


def _count(
    was: SettlementRecord | None, becomes: SettlementRecord | None, classes: Sequence[RowClass], result: Rereading
) -> None:
    """Add what a row says otherwise than what stands: its class and names of fields, never a value."""
    comparable = was is not None and becomes is not None
    names = SettlementRecord.__struct_fields__ if comparable else ()
    differing = [name for name in names if getattr(was, name) != getattr(becomes, name)]
    moved = [" → ".join(classes)] if len({*classes}) > 1 else []
    result.rows += bool(differing or moved)
    result.fields = dict(Counter(result.fields) + Counter(differing))
    result.classes = dict(Counter(result.classes) + Counter(moved))


def _records_at(tx: Tx, office: Office, page: OpenPage, rows: Sequence[ReadRow]) -> dict[int, SettlementRecord]:
    """Row → the record that stands there; those that do not open are left out."""
    indexes, opened = {row.index for row in rows}, {}
    for stored in records.of_pages(tx, [page.meta.seq]):
        if stored.row in indexes:
            try:
                name = record_name(stored.feed, bytes(stored.key), stored.association)
                opened[stored.row] = office.open_record(bytes(stored.sealed), name)
            except BrokenSeal:
                continue
    return opened


MAPPING_CHANGED = "mapping_changed"
SCHEME_CHANGED = "scheme_changed"
_CHANGED = (MAPPING_CHANGED, SCHEME_CHANGED)


def say_what_changed(office: Office) -> None:
    """One finding for each feed with stored pages that were read with another mapping, or whose people were assessed
    under other schemes, than those in force: new pages use these, old ones only once they are read again."""
    now = office.now()
    with office.store.read() as tx:
        readings = [reading for reading in pages.by_reading(tx) if reading.feed in office.feeds]
        noted = {(row.code, row.name) for row in findings.open_findings(tx) if row.code in _CHANGED}
    troubles: dict[tuple[str, str], Trouble] = {}
    for reading in readings:
        now_read = office.read_with(reading.feed)
        for code, before, after in (
            (MAPPING_CHANGED, reading.read_with.mapping, now_read.mapping),
            (SCHEME_CHANGED, reading.read_with.schemes, now_read.schemes),
        ):
            if before != after:
                earlier = troubles.get((code, reading.feed))
                days = (reading.first.date(), reading.last.date(), *(earlier.days if earlier else ()))
                count = reading.pages + (earlier.count if earlier else 0)
                troubles[code, reading.feed] = Trouble(
                    code=code, kind="feed", name=reading.feed, count=count, days=days
                )
    for (code, feed), trouble in troubles.items():
        if code == SCHEME_CHANGED:
            with office.store.read() as tx:
                concerned, money = claims.of_feed(tx, feed)
            detail = (
                f"{trouble.count}页；可能涉及{concerned}件申领，现应付{yuan(money)}元 (pages; claims it may concern)"
            )
            troubles[code, feed] = msgspec.structs.replace(trouble, detail=detail)
    if not troubles and not noted:
        return
    with office.store.write() as tx:
        for trouble in troubles.values():
            raise_(tx, trouble, now=now)
        for code, name in noted - troubles.keys():
            close(tx, code, "feed", [name], now=now)
