"""After the roster changed: read stored pages again for members who are new or renamed; weigh changed coverage.

Reading again is the same batch transaction as the first time, for the few rows that ask for one of the changed
numbers or blocks; everything else in a page stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.errors import BadPage, BrokenSeal, Conflict
from gateway.flow.batches.apply import (
    CODES,
    ENTRY,
    PageAt,
    Work,
    entries_after,
    hold_roster,
    open_list,
    person_files,
    place,
    relist,
    supersede,
    wake_reversals,
    write_open_items,
)
from gateway.flow.batches.person_numbers import remember
from gateway.flow.intake.work import unseal
from gateway.flow.office import Office, feeds_of, page_context
from gateway.flow.people.assess import mark_duplicates, weigh
from gateway.flow.reading.rows import SHUT, Reading, Row, digests_asked, identify, look_up
from gateway.flow.reading.rulings import note_rulings
from gateway.flow.roster.enrol import index_again
from gateway.store import (
    batches,
    members,
    pages,
    people,
    quarantine,
    records,
    rescans,
    reviews,
    roster,
    rulings,
    unreadable,
)
from gateway.store.engine import Tx, lock
from gateway.store.pages import StoredPage
from gateway.store.rescans import Rescan
from gateway.store.unreadable import Piece
from gateway.vault import key_number

_PEOPLE_AT_ONCE = 500
_KINDS = {code[0]: kind for kind, code in CODES.items()}


class Rescanned(msgspec.Struct, kw_only=True):
    """What a rescan did: members looked at, pages read again, rows whose standing changed."""

    members: int = 0
    pages: int = 0
    rows: int = 0

    def add(self, other: Rescanned) -> None:
        """Take in what another rescan did."""
        self.members += other.members
        self.pages += other.pages
        self.rows += other.rows


def rescan(office: Office, associations: Sequence[str] | None = None) -> Rescanned:
    """Look again at everyone the roster changes of these associations (all by default) asked for. Safe to run at any
    time, and again after a crash."""
    chosen = list(office.associations) if associations is None else associations
    for association in chosen:
        index_again(office, association)
    done = Rescanned()
    with office.store.read() as tx:
        wanted = rescans.waiting(tx)
    by_association: dict[str, list[Rescan]] = defaultdict(list)
    for each in wanted:
        if each.association in chosen:
            by_association[each.association].append(each)
    for association, asked in by_association.items():
        changed = [each for each in asked if each.reread]
        if changed:
            for feed in feeds_of(office, association):
                _read_again(office, feed, changed, done)
            _ruled_again(office, changed, done)
        _weigh_again(office, association, asked)
        with office.store.write() as tx:
            rescans.forget(tx, asked)
        done.members += len(asked)
    return done


def _read_again(office: Office, feed: str, changed: Sequence[Rescan], done: Rescanned) -> None:
    digests = {each.fingerprints[at : at + 16] for each in changed for at in range(0, len(each.fingerprints), 16)}
    with office.store.read() as tx:
        stored = [page for page in pages.of_feed(tx, feed) if page.state in ("stored", "done")]
        stored = [page for page in stored if page.replaced_by is None]
    for meta in stored:
        found = _rows_about(office, meta.seq, digests)
        done.pages += found is not None
        if found:
            done.rows += settle_again(office, *found)


def _ruled_again(office: Office, changed: Sequence[Rescan], done: Rescanned) -> None:
    """What people ruled about members who are not the same since is void: its rows are looked at without it."""
    with office.store.read() as tx:
        void = rulings.voided(tx, [each.member_id for each in changed])
        by_page: dict[int, set[int]] = defaultdict(set)
        for seq, index in rulings.ruled_rows(tx, void):
            by_page[seq].add(index)
    for seq, indexes in sorted(by_page.items()):
        found = _rows_at(office, seq, indexes)
        done.rows += settle_again(office, *found) if found else 0
    with office.store.write() as tx:
        rulings.forget(tx, void)


def _rows_at(office: Office, seq: int, indexes: set[int]) -> tuple[PageAt, Any, list[Row]] | None:
    """These rows of a page; None if it cannot be read any more."""
    with office.store.read() as tx:
        meta, page_id, sealed = pages.load(tx, seq)
    if sealed is None or meta.replaced_by is not None:
        return None
    rows = _read_stored(office, meta, page_id, sealed)
    if rows is None:
        return None
    at = PageAt(meta=meta, page_id=bytes(page_id), key_no=key_number(sealed))
    return at, rows, [identify(office, meta.feed, rows, index, index + 1)[0] for index in sorted(indexes)]


def _rows_about(office: Office, seq: int, digests: set[bytes]) -> tuple[PageAt, Any, list[Row]] | None:
    """The rows of a page that would ask for one of these; None if nothing of it was worked or it cannot be read."""
    with office.store.read() as tx:
        meta, page_id, sealed = pages.load(tx, seq)
        done = batches.done(tx, seq)
    if sealed is None or not done:
        return None
    rows = _read_stored(office, meta, page_id, sealed)
    if rows is None:
        return None
    at = PageAt(meta=meta, page_id=bytes(page_id), key_no=key_number(sealed))
    mine = [
        row
        for start, many in sorted(done.items())
        for row in identify(office, meta.feed, rows, start, min(start + many, len(rows)))
        if not digests.isdisjoint(digests_asked(office, meta.feed, rows, row))
    ]
    return (at, rows, mine) if mine else None


def _read_stored(office: Office, meta: StoredPage, page_id: bytes, sealed: bytes) -> Any:
    """The rows of a stored page; None if its bytes cannot be read, which is noted where they do not open."""
    try:
        return office.mapping_of(meta.feed).read(unseal(office, sealed, page_context(bytes(page_id).hex())))
    except BadPage:
        return None
    except BrokenSeal:
        with office.store.write() as tx:
            unreadable.note(tx, [Piece(kind="page", name=str(meta.seq), subject=meta.feed)], now=office.now())
        return None


def settle_again(office: Office, at: PageAt, content: Any, rows: list[Row]) -> int:
    """Settle these rows of a worked page once more, read anew; returns how many changed class."""
    while True:
        fresh = [
            Row(
                index=row.index,
                kind="stranger" if row.identity else "quarantined",
                key=row.key,
                original=row.original,
                amount=row.amount,
                identity=row.identity,
                errors=() if row.identity else row.errors,
            )
            for row in rows
        ]
        with office.store.read() as tx:
            reading = look_up(tx, office, at.meta.feed, fresh, content)
        try:
            with office.store.write() as tx:
                return resettle(tx, office, at, reading)
        except Conflict:
            continue


def resettle(tx: Tx, office: Office, at: PageAt, reading: Reading, *, because: str | None = None) -> int:
    """Settle some rows of a worked page once more; returns how many changed class. `because`: as for `weigh`."""
    feed = at.meta.feed
    lock(tx, f"feed:{feed}")
    hold_roster(tx, office, feed, reading)
    unreadable.note(tx, reading.aside, now=office.now())
    # Nothing is concluded about a member whose fields do not open: what became of these rows stays.
    reading.rows = [row for row in reading.rows if row.errors != (SHUT,)]
    before = _standing(tx, office, at, reading.rows)
    reading.rows = _still_standing(tx, office, at, reading.rows, before)
    _count_money_read_since(tx, at, reading.rows)
    work = Work(because=because)
    supersede(tx, office, at, reading.rows, work)
    _close_own_items(tx, at, reading.rows)
    wake_reversals(tx, office, at, reading.rows, work)
    place(tx, office, at, reading, work)
    write_open_items(tx, office, at, reading.rows, again=True)
    remember(tx, office, at.meta, reading.rows, again=True)
    note_rulings(tx, at.meta.seq, [row for row in reading.rows if row.ruled_by and row.kind != "superseded"])
    for old in work.removed.values():
        if old.page_seq == at.meta.seq and before.get(old.row) in ("member", "duplicate"):
            before[old.row] = "duplicate" if old.duplicate else "member"
    changed = [row for row in reading.rows if row.kind != before[row.index]]
    work.moves += [(at.meta.seq, row.index, before[row.index], row.kind, row.amount) for row in changed]
    batches.move_tally(tx, work.moves)
    if changed:
        keys = {row.index: row.key for row in changed if row.key is not None}
        relist(tx, office, at.meta.seq, {row.index: row.kind for row in changed}, keys)
    return len(changed)


def _still_standing(tx: Tx, office: Office, at: PageAt, rows: Sequence[Row], before: dict[int, str]) -> list[Row]:
    """The rows nothing received later has replaced, and those that only now show that something has."""
    last = {key: (seq, row) for seq, row, key, _ in entries_after(tx, office, at.meta.feed, at.meta.seq - 1)}
    standing = []
    for row in rows:
        replaced = row.key is not None and last.get(row.key, (0, 0)) > (at.meta.seq, row.index)
        if replaced and before[row.index] == "quarantined":
            # Its number could not be read until now, so nothing could take its place before.
            row.kind = "superseded"
        if before[row.index] != "superseded" and (not replaced or row.kind == "superseded"):
            standing.append(row)
    return standing


def _standing(tx: Tx, office: Office, at: PageAt, rows: Sequence[Row]) -> dict[int, str]:
    """The class each row has now: tables know of members, doubts and errors; the sealed list knows the rest."""
    mine = {row.index for row in rows}
    found: dict[int, str] = {}
    for sheet in batches.sheets_of_page(tx, at.meta.seq):
        plain = open_list(tx, office, sheet, at.page_id)
        for index in mine & set(range(sheet.first_row, sheet.first_row + sheet.rows)):
            # A row of which nobody can tell what became of it stays as it is.
            kind = _KINDS[plain[(index - sheet.first_row) * ENTRY]] if plain is not None else "superseded"
            found[index] = kind if kind in ("stranger", "left") else "superseded"
    keys = [row.key for row in rows if row.key is not None]
    for old in records.by_keys(tx, keys):
        if old.page_seq == at.meta.seq and old.row in mine:
            found[old.row] = "duplicate" if old.duplicate else "member"
    for item in reviews.open_of_pages(tx, [at.meta.seq]):
        if item.row in mine and found.get(item.row) not in ("member", "duplicate"):
            found[item.row] = "review"
    for each in quarantine.open_of_pages(tx, [at.meta.seq]):
        if each.row in mine:
            found[each.row] = "quarantined"
    return found


def _count_money_read_since(tx: Tx, at: PageAt, rows: Sequence[Row]) -> None:
    """The money of a row that could not be read when it was set aside was counted as nothing."""
    counted = {item.row: item.amount for item in quarantine.open_of_pages(tx, [at.meta.seq])}
    for row in rows:
        more = row.amount - counted.get(row.index, row.amount)
        if more:
            batches.correct_tally(tx, at.meta.seq, row.index, "quarantined", more)


def _close_own_items(tx: Tx, at: PageAt, rows: Sequence[Row]) -> None:
    """Doubts and errors about these very rows are asked anew below, if they still stand."""
    mine = {row.index for row in rows}
    doubts = [i.item_id for i in reviews.open_of_pages(tx, [at.meta.seq]) if i.row in mine]
    aside = [i.item_id for i in quarantine.open_of_pages(tx, [at.meta.seq]) if i.row in mine]
    reviews.end(tx, doubts, state="closed")
    quarantine.end(tx, aside, state="closed")


def _weigh_again(office: Office, association: str, changed: Sequence[Rescan]) -> None:
    """Changed coverage: the stored stays are assessed again."""
    for start in range(0, len(changed), _PEOPLE_AT_ONCE):
        with office.store.write() as tx:
            ids = [each.member_id for each in changed[start : start + _PEOPLE_AT_ONCE]]
            weigh_people(tx, office, association, {row.person_id for row in members.by_id(tx, ids)})


def weigh_people(tx: Tx, office: Office, association: str, person_ids: set[int]) -> None:
    """Lock these people and weigh all they have."""
    roster.version(tx, [association], hold=True)
    people.lock(tx, person_ids)
    files = person_files(tx, office, {}, Work(associations=dict.fromkeys(person_ids, association)))
    for person in files:
        mark_duplicates(person.stays)
    weigh(tx, office, files)
