"""Prove that nothing was lost: for each feed and day, every row of every page ended as exactly one thing.

The tally of a batch was written with its rows; here it is counted again from the records, the doubts, the
quarantine and the sealed lists, and set against the feed's own totals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

import msgspec

from gateway.errors import BrokenSeal
from gateway.flow.office import Office
from gateway.flow.pages.row_lists import Entry, open_list
from gateway.flow.pages.stored_pages import open_page
from gateway.model.money import yuan
from gateway.model.page import Identity
from gateway.model.rows import RowClass, Tally, signed
from gateway.store import batches, feed_totals, pages, quarantine, records, reviews
from gateway.store.engine import Tx
from gateway.store.pages import StoredPage

_MONEY = "会员金额 (members' money)"
_LEFT_IN_PAGE = frozenset((RowClass.NON_MEMBER, RowClass.NOT_PAYABLE))


class DaySheet(msgspec.Struct, kw_only=True):
    """One feed's day. Money in fen; `said`: what the feed itself states, None where it does not."""

    feed: str
    day: str
    rows: int = 0
    tally: Tally = msgspec.field(default_factory=Tally)
    unworked: int = 0
    unreadable: int = 0
    said_rows: int | None = None
    said_amount: int | None = None
    counted_rows: int = 0
    counted_amount: int = 0
    differences: list[str] = msgspec.field(default_factory=list)


def reconcile(office: Office, *, first: date | None = None, last: date | None = None) -> list[DaySheet]:
    """One sheet for each feed and day, in order. A sheet without differences proves that day."""
    sheets: list[DaySheet] = []
    with office.store.read() as tx:
        for feed in sorted(office.feeds):
            sheets += _feed_sheets(tx, office, feed)
    return [
        sheet
        for sheet in sheets
        if (first is None or sheet.day >= first.isoformat()) and (last is None or sheet.day <= last.isoformat())
    ]


def lost(sheets: Sequence[DaySheet]) -> int:
    """Rows that are in no class, over all these days: 0, or something is wrong."""
    return sum(abs(sheet.rows - sum(sheet.tally.rows.values())) for sheet in sheets)


def _feed_sheets(tx: Tx, office: Office, feed: str) -> list[DaySheet]:
    stored = pages.of_feed(tx, feed)
    days: dict[str, DaySheet] = {}
    proof = _Proof(tx, office, feed, stored)
    for page in stored:
        day = (page.day or page.received_at.date()).isoformat()
        sheet = days.setdefault(day, DaySheet(feed=feed, day=day))
        proof.count(page, sheet)
    for day, (rows, amount) in feed_totals.of_feed(tx, feed).items():
        sheet = days.setdefault(day, DaySheet(feed=feed, day=day))
        sheet.said_rows, sheet.said_amount = rows, amount
        if rows is not None and rows != sheet.counted_rows:
            sheet.differences.append(f"对方称{rows}行，实收{sheet.counted_rows}行 (rows differ)")
        if amount is not None and amount != sheet.counted_amount:
            difference = yuan(amount - sheet.counted_amount)
            sheet.differences.append(f"与对方合计金额相差{difference}元 (money differs, in yuan)")
    return [days[day] for day in sorted(days)]


class _Proof:
    """Counts one feed's pages, newest knowledge first: which keys came again later."""

    def __init__(self, tx: Tx, office: Office, feed: str, stored: list[StoredPage]) -> None:
        self.tx, self.office, self.feed = tx, office, feed
        self.records = records.counts_by_page(tx, feed)
        self.aside = quarantine.counts_by_page(tx, feed)
        self.doubts = reviews.counts_by_page(tx, feed)
        self.closed: set[int] = set()
        self.sheets: dict[int, list[batches.BatchSheet]] = defaultdict(list)
        for sheet in batches.sheets_of_feed(tx, feed):
            self.sheets[sheet.page_seq].append(sheet)
        self.again = self._superseded_later(stored)

    def _superseded_later(self, stored: list[StoredPage]) -> dict[int, dict[int, RowClass]]:
        """Page → rows left in the page (row → class) that a later row with the same key replaced."""
        seen: set[bytes] = set()
        again: dict[int, dict[int, RowClass]] = {}
        for page in reversed(stored):
            for row, (row_class, key) in reversed(self._entries(page.seq)):
                if row_class in _LEFT_IN_PAGE and (key in seen or page.replaced_by is not None):
                    again.setdefault(page.seq, {})[row] = row_class
                if row_class is not RowClass.SUPERSEDED and key is not None:
                    seen.add(key)
        return again

    def _entries(self, seq: int) -> list[tuple[int, Entry]]:
        """Row → class and key, of a page, from its sealed lists."""
        sheets = self.sheets.get(seq, [])
        page_id = bytes(pages.about(self.tx, seq)[1]) if sheets else b""
        entries: list[tuple[int, Entry]] = []
        for sheet in sheets:
            try:
                entries += enumerate(open_list(self.office, sheet, page_id), sheet.first_row)
            except BrokenSeal:
                self.closed.add(seq)
        return entries

    def count(self, page: StoredPage, sheet: DaySheet) -> None:
        """Add a page to its day, and note what does not add up."""
        if page.state in ("stored", "bad"):
            sheet.unworked += page.state == "stored"
            sheet.unreadable += page.state == "bad" and page.replaced_by is None
            return
        tally = self._tally(page)
        rows = page.rows or 0
        sheet.rows += rows
        for row_class, many in tally.rows.items():
            sheet.tally.rows[row_class] += many
            sheet.tally.amount[row_class] += tally.amount[row_class]
        # The tally against the rows of the page, and against what the tables really hold.
        stored, money = self.records.get(page.seq, (0, 0))
        claims: list[tuple[str, int, int]] = [
            ("行数 (rows)", rows, sum(tally.rows.values())),
            ("会员 (members)", stored, tally.rows[RowClass.MEMBER] + tally.rows[RowClass.DUPLICATE]),
            (_MONEY, money, tally.amount[RowClass.MEMBER] + tally.amount[RowClass.DUPLICATE]),
            ("隔离 (quarantined)", self.aside.get(page.seq, 0), tally.rows[RowClass.QUARANTINED]),
            ("待核 (in review)", self.doubts.get(page.seq, 0), tally.rows[RowClass.REVIEW]),
        ]
        for name, actual, counted in claims:
            if actual != counted:
                sides = f"{yuan(actual)}元 ≠ {yuan(counted)}元" if name is _MONEY else f"{actual} ≠ {counted}"
                sheet.differences.append(f"第{page.seq}页 {name}: {sides}")
        if page.replaced_by is None:
            twice = self._twice(page)
            amounts = self._amounts(page.seq) if twice else {}
            sheet.counted_rows += rows - len(twice)
            sheet.counted_amount += sum(tally.amount.values()) - sum(amounts.get(row, 0) for row in twice)

    def _twice(self, page: StoredPage) -> list[int]:
        """Rows of a page that come again further down in it, for the feed counts each settlement and sign once; and
        lines that are no settlement, which are in the list as superseded without a key."""
        seen: set[bytes] = set()
        twice = []
        for row, (row_class, key) in reversed(self._entries(page.seq)):
            if (key is None and row_class is RowClass.SUPERSEDED) or (key is not None and key in seen):
                twice.append(row)
            if key is not None:
                seen.add(key)
        return twice

    def _tally(self, page: StoredPage) -> Tally:
        total = Tally()
        for sheet in self.sheets.get(page.seq, []):
            for name, many in sheet.tally.rows.items():
                total.rows[name] += many
                total.amount[name] += sheet.tally.amount[name]
        replaced = self.again.get(page.seq, {})
        if replaced:
            amounts = self._amounts(page.seq)
            for row, kind in replaced.items():
                total.rows[kind] -= 1
                total.rows[RowClass.SUPERSEDED] += 1
                total.amount[kind] -= amounts.get(row, 0)
                total.amount[RowClass.SUPERSEDED] += amounts.get(row, 0)
        return total

    def _amounts(self, seq: int) -> dict[int, int]:
        """Row → money of a page, read again from the page itself; none once its bytes are gone."""
        try:
            page = open_page(self.tx, self.office, seq)
        except BrokenSeal:
            self.closed.add(seq)
            return {}
        if page is None:
            return {}
        identified = self.office.mapping_of(page.meta.feed).identify(page.rows, 0, len(page.rows))
        return {
            index: signed(identity.total, reversal=identity.reversal)
            for index, identity in enumerate(identified)
            if isinstance(identity, Identity)
        }
