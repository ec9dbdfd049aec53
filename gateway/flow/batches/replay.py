"""After the roster changed: read stored pages again for members who are new or renamed; weigh changed coverage.

Reading again is the same batch transaction as the first time, for the few rows that ask for one of the changed
numbers or blocks; everything else in a page stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from gateway.core.changes import Batch, ReadRow
from gateway.errors import BrokenSeal, Conflict
from gateway.flow.batches.apply import hold_roster
from gateway.flow.batches.causes import cause_of_rescan
from gateway.flow.batches.not_read_again import note_not_read_again
from gateway.flow.changes import make_changes
from gateway.flow.office import Office, feeds_of
from gateway.flow.pages.stored_pages import OpenPage, open_page
from gateway.flow.people.reassess import reassess
from gateway.flow.reading.rows import SHUT, Reading, digests_asked, identify, look_up
from gateway.flow.roster.enrol import index_again
from gateway.model.holds import Cause
from gateway.model.pieces import Piece
from gateway.model.rows import RowClass
from gateway.store import batches, members, pages, rescans, roster, rulings, unreadable
from gateway.store.engine import Tx, lock
from gateway.store.rescans import Rescan

_PEOPLE_AT_ONCE = 500


class RescanReport(msgspec.Struct, kw_only=True):
    """What a rescan did: members looked at, pages read again, rows whose standing changed."""

    members: int = 0
    pages: int = 0
    rows: int = 0

    def add(self, further: RescanReport) -> None:
        """Take in what another rescan did."""
        self.members += further.members
        self.pages += further.pages
        self.rows += further.rows


def rescan(office: Office, associations: Sequence[str] | None = None) -> RescanReport:
    """Look again at everyone the roster changes of these associations (all by default) asked for. Safe to run at any
    time, and again after a crash."""
    chosen = list(office.associations) if associations is None else associations
    for association in chosen:
        index_again(office, association)
    done = RescanReport()
    with office.store.read() as tx:
        waiting = rescans.waiting(tx)
    by_association: dict[str, list[Rescan]] = defaultdict(list)
    for request in waiting:
        if request.association in chosen:
            by_association[request.association].append(request)
    for association, asked in by_association.items():
        cause = cause_of_rescan(office, association)
        changed = [request for request in asked if request.reread]
        if changed:
            for feed in feeds_of(office, association):
                _read_again(office, feed, changed, done, cause)
            _ruled_again(office, changed, done, cause)
        _reassess_members(office, association, asked, cause)
        with office.store.write() as tx:
            rescans.forget(tx, asked)
        done.members += len(asked)
    return done


def _read_again(office: Office, feed: str, changed: Sequence[Rescan], done: RescanReport, cause: Cause) -> None:
    """Read the rows again that would ask for one of the changed numbers or blocks, of every page that was worked."""
    digests = {
        request.fingerprints[at : at + 16] for request in changed for at in range(0, len(request.fingerprints), 16)
    }
    with office.store.read() as tx:
        stored = [page for page in pages.of_feed(tx, feed) if page.state in ("stored", "done")]
        stored = [page for page in stored if page.replaced_by is None]
    for meta in stored:
        with office.store.read() as tx:
            worked = batches.done(tx, meta.seq)
        page = page_or_note(office, meta.seq) if worked else None
        if page is None:
            continue
        rows = [
            row
            for start, count in sorted(worked.items())
            for row in identify(office, feed, page.rows, start, min(start + count, len(page.rows)))
            if not digests.isdisjoint(digests_asked(office, feed, page.rows, row))
        ]
        if rows:
            done.pages += 1
            done.rows += replay_rows(office, page, rows, cause)


def _ruled_again(office: Office, changed: Sequence[Rescan], done: RescanReport, cause: Cause) -> None:
    """What people ruled about members who are not the same since is void: its rows are looked at without it."""
    with office.store.read() as tx:
        void = rulings.voided(tx, [request.member_id for request in changed])
        by_page: dict[int, set[int]] = defaultdict(set)
        for seq, index in rulings.ruled_rows(tx, void):
            by_page[seq].add(index)
    for seq, indexes in sorted(by_page.items()):
        page = page_or_note(office, seq)
        if page is not None and page.meta.replaced_by is None:
            done.rows += replay_rows(office, page, rows_of(office, page, indexes), cause)
    with office.store.write() as tx:
        rulings.forget(tx, void)


def page_or_note(office: Office, seq: int) -> OpenPage | None:
    """A stored page for reading; None if it cannot be read any more, which is noted where it does not open."""
    try:
        with office.store.read() as tx:
            return open_page(tx, office, seq)
    except BrokenSeal:
        with office.store.write() as tx:
            feed = pages.about(tx, seq)[0].feed
            unreadable.note(tx, [Piece(kind="page", name=str(seq), subject=feed)], now=office.now())
        return None


def rows_of(office: Office, page: OpenPage, indexes: Iterable[int]) -> list[ReadRow]:
    """These rows of a page, identified but not looked up."""
    inside = [index for index in sorted(indexes) if index < len(page.rows)]
    return [identify(office, page.meta.feed, page.rows, index, index + 1)[0] for index in inside]


def replay_rows(office: Office, page: OpenPage, rows: Sequence[ReadRow], cause: Cause | None = None) -> int:
    """Work these rows of a worked page once more, read anew; returns how many changed class. `cause`: as for
    `make_changes`."""
    while True:
        fresh = [
            ReadRow(
                index=row.index,
                row_class=RowClass.NON_MEMBER if row.identity else RowClass.QUARANTINED,
                key=row.key,
                original=row.original,
                former=row.former,
                former_original=row.former_original,
                amount=row.amount,
                identity=row.identity,
                errors=() if row.identity else row.errors,
                record=row.record if row.is_nameless_reversal else None,
            )
            for row in rows
        ]
        with office.store.read() as tx:
            reading = look_up(tx, office, page.meta.feed, fresh, page.rows)
        try:
            with office.store.write() as tx:
                return apply_again(tx, office, page, reading, cause=cause)
        except Conflict:
            continue


def apply_again(
    tx: Tx,
    office: Office,
    page: OpenPage,
    reading: Reading,
    *,
    withdrawal_reason: str | None = None,
    cause: Cause | None = None,
    judged: bool = False,
) -> int:
    """Write what follows from rows of a worked page that were read anew; returns how many changed class.
    `withdrawal_reason`: as for `conclude`; `cause`, `judged`: as for `make_changes`. Raises Conflict if the roster
    moved since they were read."""
    lock(tx, f"feed:{page.meta.feed}")
    hold_roster(tx, office, page.meta.feed, reading)
    unreadable.note(tx, reading.aside, now=office.now())
    batch = Batch(
        page=page.place,
        # Nothing is concluded about a member whose fields do not open: what became of these rows stays.
        rows=[row for row in reading.rows if row.errors != (SHUT,)],
        again=True,
        elsewhere=page.elsewhere,
        members=reading.members,
        withdrawal_reason=withdrawal_reason,
    )
    changes = make_changes(tx, office, batch, cause, judged=judged)
    note_not_read_again(tx, office, page.meta.feed, changes)
    own = [move for move in changes.moved if move.page_seq == page.meta.seq and move.row in changes.classes]
    return len({move.row for move in own if move.before is not move.after})


def _reassess_members(office: Office, association: str, asked: Sequence[Rescan], cause: Cause) -> None:
    """Changed coverage: what is stored is assessed again."""
    for start in range(0, len(asked), _PEOPLE_AT_ONCE):
        with office.store.write() as tx:
            ids = [request.member_id for request in asked[start : start + _PEOPLE_AT_ONCE]]
            roster.version(tx, [association], hold=True)
            reassess(tx, office, association, {row.person_id for row in members.by_id(tx, ids)}, cause=cause)
