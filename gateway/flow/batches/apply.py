"""The second transaction: everything that follows from a batch of rows, at once or not at all.

Holds, in this order: the feed (its records change in one place at a time), the roster version the batch was
read under, and the people whose stays are weighed. Among rows with the same settlement number and sign the one
in the page received last counts, whatever order pages are worked in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial

import msgspec

from gateway.core.normalise import Normal
from gateway.core.schemes import could_pay_any
from gateway.errors import BrokenSeal, Conflict
from gateway.flow.batches.person_numbers import remember
from gateway.flow.findings.aside import not_written_off, open_or_set_aside
from gateway.flow.office import RECORDS, Office, Opener, batch_context, page_context, record_context, record_name
from gateway.flow.people.assess import PersonFile, Stay, mark_duplicates, weigh
from gateway.flow.people.fact_boxes import give_facts
from gateway.flow.reading.rows import Reading, Row
from gateway.flow.reading.rulings import note_rulings
from gateway.model.decision import MatchDecision, MatchOutcome
from gateway.model.member import Member
from gateway.model.record import SettlementRecord
from gateway.store import batches, members, pages, people, quarantine, records, reviews, roster, unreadable
from gateway.store.batches import BatchSheet, Tally
from gateway.store.engine import Tx, lock
from gateway.store.members import MemberRow
from gateway.store.pages import StoredPage
from gateway.store.quarantine import QuarantineItem
from gateway.store.records import RecordRow
from gateway.store.reviews import ReviewItem
from gateway.store.unreadable import Piece
from gateway.store.values import to_ms
from gateway.vault import DataKey, key_number

CODES = {
    "member": b"m",
    "left": b"l",
    "stranger": b"s",
    "review": b"r",
    "duplicate": b"d",
    "superseded": b"o",
    "quarantined": b"q",
}
"""How a batch's sealed list writes the class of a row; each entry is this byte and the 16 bytes of the row's key."""

ENTRY = 17
NO_KEY = bytes(16)


class PageAt(msgspec.Struct, frozen=True, kw_only=True):
    """The page being settled, with what its seals and keys are bound to."""

    meta: StoredPage
    page_id: bytes
    key_no: int


class Work(msgspec.Struct, kw_only=True):
    """What a settlement transaction found out and will write. `because`: as for `weigh`."""

    because: str | None = None
    tally: Tally = msgspec.field(default_factory=Tally)
    moves: list[tuple[int, int, str, str, int]] = msgspec.field(default_factory=list)
    removed: dict[int, RecordRow] = msgspec.field(default_factory=dict)
    new: dict[int, list[Stay]] = msgspec.field(default_factory=dict)
    associations: dict[int, str] = msgspec.field(default_factory=dict)


def settle(tx: Tx, office: Office, at: PageAt, reading: Reading, first_row: int) -> Tally:
    """Write a batch of a page worked for the first time. Raises Conflict if the roster moved since it was read."""
    feed = at.meta.feed
    lock(tx, f"feed:{feed}")
    # Two workers may hold the same page: the one that comes second finds the batch done.
    done, behind = batches.done(tx, at.meta.seq), first_row + len(reading.rows)
    if any(start < behind and first_row < start + many for start, many in done.items()):
        return Tally()
    hold_roster(tx, office, feed, reading)
    unreadable.note(tx, reading.aside, now=office.now())
    work = Work()
    if at.meta.replaced_by is not None:
        # A newer file has taken back what this one held, so none of its rows stands, whenever it is worked.
        for row in reading.rows:
            row.kind = "superseded"
    supersede(tx, office, at, reading.rows, work, fills_gap=any(start > first_row for start in done))
    wake_reversals(tx, office, at, reading.rows, work)
    place(tx, office, at, reading, work)
    write_open_items(tx, office, at, reading.rows)
    remember(tx, office, at.meta, reading.rows)
    note_rulings(tx, at.meta.seq, [row for row in reading.rows if row.ruled_by and row.kind != "superseded"])
    for row in reading.rows:
        work.tally.count(row.kind, row.amount)
    sealed = office.vault.key(at.key_no).seal(listing(reading.rows), batch_name(at.page_id, first_row))
    batches.add(tx, at.meta.seq, first_row, len(reading.rows), work.tally, sealed)
    batches.move_tally(tx, work.moves)
    return work.tally


def batch_name(page_id: bytes, first_row: int) -> bytes:
    """What the list of a batch is sealed to."""
    return batch_context(f"{page_id.hex()}/{first_row}")


def listing(rows: Sequence[Row]) -> bytes:
    """Class and key of every row, in row order."""
    return b"".join([CODES[row.kind] + (row.key or NO_KEY) for row in rows])


def hold_roster(tx: Tx, office: Office, feed: str, reading: Reading) -> None:
    """Nobody may change the roster between the look-up and the commit. Raises Conflict if somebody has."""
    if roster.version(tx, office.feeds[feed].associations, hold=True) != reading.versions:
        raise Conflict("the roster changed while a batch was read")


def supersede(tx: Tx, office: Office, at: PageAt, rows: Sequence[Row], work: Work, *, fills_gap: bool = False) -> None:
    """The last received holds: against this batch, against what is stored, against what was received later and is
    already worked: other pages and, where this batch `fills_gap`, rows further down in its own."""
    feed, seq = at.meta.feed, at.meta.seq
    latest = {row.key: row for row in rows if row.key is not None}
    for row in rows:
        if row.key is not None and latest[row.key] is not row:
            row.kind = "superseded"
    if fills_gap or batches.later_done(tx, feed, seq):
        _yield_to_later(tx, office, at, latest)
    moved: set[tuple[int, int]] = set()
    for old in records.by_keys(tx, latest):
        _against(work, moved, at, latest[bytes(old.key)], old.page_seq, old.row, "member", old.amount, old)
    waiting_reviews = reviews.open_by_key(tx, latest)
    for item in waiting_reviews:
        if item.row is not None and item.key is not None:
            row = latest[bytes(item.key)]
            _against(work, moved, at, row, item.page_seq, item.row, "review", item.amount, None)
    aside = quarantine.open_by_key(tx, latest)
    for each in aside:
        if each.row is not None and each.key is not None:
            row = latest[bytes(each.key)]
            _against(work, moved, at, row, each.page_seq, each.row, "quarantined", each.amount, None)
    reviews.end(tx, [i.item_id for i in waiting_reviews if (i.page_seq, i.row) in moved], state="superseded")
    quarantine.end(tx, [i.item_id for i in aside if (i.page_seq, i.row) in moved], state="superseded")


def _against(
    work: Work,
    moved: set[tuple[int, int]],
    at: PageAt,
    row: Row,
    old_seq: int,
    old_row: int,
    old_kind: str,
    amount: int,
    old: RecordRow | None,
) -> None:
    """One stored row with the same key: whichever was received later stays."""
    place_ = (old_seq, old_row)
    if place_ > (at.meta.seq, row.index):
        row.kind = "superseded"
        return
    if old is not None:
        work.removed[old.record_id] = old
        old_kind = "duplicate" if old.duplicate else old_kind
    if place_ != (at.meta.seq, row.index) and place_ not in moved:
        moved.add(place_)
        work.moves.append((old_seq, old_row, old_kind, "superseded", amount))


def _yield_to_later(tx: Tx, office: Office, at: PageAt, latest: dict[bytes, Row]) -> None:
    """A later row may hold the same settlement as a stranger's; only the sealed list of its batch knows."""
    for seq, index, key, _ in entries_after(tx, office, at.meta.feed, at.meta.seq - 1):
        row = latest.get(key)
        if row is not None and (seq, index) > (at.meta.seq, row.index):
            row.kind = "superseded"


def entries_after(tx: Tx, office: Office, feed: str, seq: int) -> Iterable[tuple[int, int, bytes, bytes]]:
    """(page, row, key, class byte) of every row of the feed's pages after a place, oldest first."""
    names: dict[int, bytes] = {}
    for sheet in batches.sheets_of_feed(tx, feed, after=seq):
        if sheet.sealed is None:
            continue
        page_id = names.get(sheet.page_seq) or pages.load(tx, sheet.page_seq)[1]
        names = {sheet.page_seq: page_id}
        plain = open_list(tx, office, sheet, page_id) or b""
        for offset in range(len(plain) // ENTRY):
            entry = plain[offset * ENTRY : (offset + 1) * ENTRY]
            yield sheet.page_seq, sheet.first_row + offset, entry[1:], entry[:1]


def open_list(tx: Tx, office: Office, sheet: BatchSheet, page_id: bytes) -> bytes | None:
    """The list of a batch: class and key of every row. None where it is gone or does not open, which is noted: what
    nobody can look up then changes nothing."""
    if sheet.sealed is None:
        return None
    try:
        return office.vault.open(sheet.sealed, batch_name(page_id, sheet.first_row))
    except BrokenSeal:
        feed = pages.load(tx, sheet.page_seq)[0].feed
        piece = Piece(kind="list", name=f"{sheet.page_seq}/{sheet.first_row}", subject=feed)
        unreadable.note(tx, [piece], now=office.now())
        return None


def wake_reversals(tx: Tx, office: Office, at: PageAt, rows: Sequence[Row], work: Work) -> None:
    """Reversals that name nobody go with their original: join it, wait for it, or wait again once it is gone."""
    feed = at.meta.feed
    standing = [row for row in rows if row.kind != "superseded"]
    kept = {(row.key, member.person_id) for row in standing if row.kind == "member" for _, member in row.matched}
    release_reversals(tx, office, feed, work, kept)
    _replace_waiting(tx, office, at, standing)
    originals = {row.original: row for row in standing if row.original is not None and _nameless(row)}
    if originals:
        _join_stored(tx, office, at, originals, work)
    fresh = {row.key: row for row in standing if row.kind == "member" and row.record and not row.record.reversal}
    woken = records.waiting(tx, [key for key in fresh if key is not None])
    here = {row.index: row for row in rows}
    records.woken(tx, [key for key, seq, at_row in woken if _wake(tx, office, at, fresh[key], seq, at_row, here, work)])


def _nameless(row: Row) -> bool:
    return row.identity is not None and row.identity.names_nobody and row.identity.reverses is not None


def _wake(
    tx: Tx, office: Office, at: PageAt, original: Row, seq: int, index: int, here: dict[int, Row], work: Work
) -> bool:
    """A waiting reversal found its original: it is the same member's. False while it cannot be read."""
    meta, record = read_row(tx, office, seq, index)
    if record is None:
        return False
    for association, member in original.matched:
        stay = _stay(record, meta, member.member_id, row=index)
        work.new.setdefault(member.person_id, []).append(stay)
        work.associations[member.person_id] = association
    if seq == at.meta.seq and index in here:
        here[index].kind = "member"
    else:
        work.moves.append((seq, index, "stranger", "member", -abs(record.total_amount or 0)))
        relist(tx, office, seq, {index: "member"})
    return True


def release_reversals(tx: Tx, office: Office, feed: str, work: Work, kept: set[tuple[bytes | None, int]]) -> None:
    """Where a member's settlement goes and does not come again as his, its nameless reversal waits once more."""
    gone = {(bytes(old.key), old.person_id): old for old in work.removed.values()}
    lost = {key: old for key, old in gone.items() if key not in kept and old.amount >= 0}
    if not lost:
        return
    for row in records.of_people(tx, {old.person_id for old in lost.values()}):
        if row.feed != feed or row.record_id in work.removed or row.amount > 0:
            continue
        name = record_name(row.feed, bytes(row.key), row.association)
        record = open_or_set_aside(record_piece(row), partial(office.open_record, bytes(row.sealed), name), [])
        if record is None:
            continue
        nameless = record.reversal and record.id_number is None and record.name is None
        key = office.record_key(feed)((record.reverses or record.settlement_no) + "+")
        if nameless and (key, row.person_id) in lost:
            work.removed[row.record_id] = row
            kind = "duplicate" if row.duplicate else "member"
            work.moves.append((row.page_seq, row.row, kind, "stranger", row.amount))
            relist(tx, office, row.page_seq, {row.row: "stranger"})
            records.wait(tx, [(feed, key, row.page_seq, row.row)])


def _replace_waiting(tx: Tx, office: Office, at: PageAt, standing: Sequence[Row]) -> None:
    """A reversal that waits and now comes again as somebody's, or unreadable, waits no longer."""
    again = {
        row.original: (at.meta.seq, row.index) for row in standing if row.original is not None and not _nameless(row)
    }
    waiting = records.waiting(tx, again)
    records.woken(tx, [key for key, seq, row in waiting if (seq, row) < again[key]])


def _join_stored(tx: Tx, office: Office, at: PageAt, originals: dict[bytes, Row], work: Work) -> None:
    """Originals known → the reversal belongs to their member; unknown → it waits."""
    stored = records.by_keys(tx, originals)
    known = {bytes(old.key): old for old in stored if old.record_id not in work.removed}
    unknown = [key for key in originals if key not in known]
    records.wait(tx, [(at.meta.feed, key, at.meta.seq, originals[key].index) for key in unknown])
    for key, old in known.items():
        row = originals[key]
        meta, record = read_row(tx, office, at.meta.seq, row.index)
        if record is not None:
            row.kind, row.record = "member", record
            stay = _stay(record, meta, old.member_id, row=row.index)
            work.new.setdefault(old.person_id, []).append(stay)
            work.associations[old.person_id] = old.association


def read_row(tx: Tx, office: Office, seq: int, index: int) -> tuple[StoredPage, SettlementRecord | None]:
    """A stored page and one row of it, read in full; None if that cannot be read or the page's bytes are gone."""
    meta, page_id, sealed = pages.load(tx, seq)
    if sealed is None:
        return meta, None
    from gateway.flow.intake.work import unseal

    compiled = office.mapping_of(meta.feed)
    try:
        content = unseal(office, sealed, page_context(page_id.hex()))
    except BrokenSeal:
        return meta, None
    found = compiled.record(compiled.read(content), index)
    return meta, found.record if isinstance(found, Normal) else None


def relist(tx: Tx, office: Office, seq: int, kinds: dict[int, str], keys: dict[int, bytes] | None = None) -> None:
    """Write the new class of some rows of a worked page (row → class) into its sealed lists, and keys learnt since."""
    page_id = bytes(pages.load(tx, seq)[1])
    for sheet in batches.sheets_of_page(tx, seq):
        inside = [row for row in kinds if sheet.first_row <= row < sheet.first_row + sheet.rows]
        if inside and sheet.sealed is not None:
            name = batch_name(page_id, sheet.first_row)
            opened = open_list(tx, office, sheet, page_id)
            if opened is None:
                continue
            plain = bytearray(opened)
            for row in inside:
                start = (row - sheet.first_row) * ENTRY
                plain[start : start + 1] = CODES[kinds[row]]
                plain[start + 1 : start + ENTRY] = (keys or {}).get(row) or plain[start + 1 : start + ENTRY]
            sealed = office.vault.key(key_number(sheet.sealed)).seal(bytes(plain), name)
            batches.reseal(tx, seq, sheet.first_row, sealed)


def _stay(record: SettlementRecord, meta: StoredPage, member_id: int, *, row: int) -> Stay:
    return Stay(
        record=record,
        feed=meta.feed,
        member_id=member_id,
        page_seq=meta.seq,
        row=row,
        received_on=meta.received_at.date().isoformat(),
    )


def place(tx: Tx, office: Office, at: PageAt, reading: Reading, work: Work) -> None:
    """Lock the people concerned, weigh all they have, write their records."""
    for row in reading.rows:
        if row.kind == "member" and row.record is not None:
            for association, member in row.matched:
                if could_pay_any(row.record, office.families(association), refund=row.record.reversal):
                    stay = _stay(row.record, at.meta, member.member_id, row=row.index)
                    work.new.setdefault(member.person_id, []).append(stay)
                    work.associations[member.person_id] = association
    for old in work.removed.values():
        work.associations.setdefault(old.person_id, old.association)
    people.lock(tx, work.associations)
    files = person_files(tx, office, reading.members, work)
    for person in files:
        mark_duplicates(person.stays)
    records.remove(tx, list(work.removed))
    records.add(tx, _sealed_records(office, files))
    count_duplicates(tx, files, work, {(at.meta.seq, row.index): row for row in reading.rows})
    weigh(tx, office, files, because=work.because)


def person_files(tx: Tx, office: Office, known: dict[int, list[Member]], work: Work) -> list[PersonFile]:
    """Every person concerned with his enrolments, facts and live stays, old and new, in order of id."""
    ids = sorted(work.associations)
    files = {
        each: PersonFile(person_id=each, association=work.associations[each], members=known.get(each, []), stays=[])
        for each in ids
    }
    unknown = [each for each in ids if each not in known]
    for enrolment in members.of_people(tx, unknown) if unknown else ():
        aside = files[enrolment.person_id].aside
        member = open_or_set_aside(member_piece(enrolment), partial(office.open_member, enrolment), aside)
        files[enrolment.person_id].members.append(member or nameless_member(enrolment))
    open_one = office.vault.opener()
    for row in records.of_people(tx, ids):
        if row.record_id in work.removed:
            _see_again(work, row)
            continue
        file = files[row.person_id]
        stay = open_or_set_aside(record_piece(row), partial(stored_stay, office, row, open_one), file.aside)
        if stay is not None:
            file.stays.append(stay)
    people = list(files.values())
    give_facts(tx, office, people)
    waiting = not_written_off(tx, [piece for file in people for piece in file.aside])
    for file in people:
        file.aside = [piece for piece in waiting if piece.person_id == file.person_id]
        if file.aside:
            # How what is stored stands beside each other cannot be told, so it stays as it stands.
            file.stays.clear()
        file.stays += work.new.get(file.person_id, [])
    return people


def record_piece(row: RecordRow) -> Piece:
    """A stored settlement, as what may not open."""
    name = str(row.record_id)
    return Piece(kind="record", name=name, subject=row.association, person_id=row.person_id, amount=row.amount)


def member_piece(row: MemberRow) -> Piece:
    """The personal fields of an enrolment, as what may not open."""
    return Piece(kind="member", name=str(row.member_id), subject=row.association, person_id=row.person_id)


def nameless_member(row: MemberRow) -> Member:
    """An enrolment whose personal fields do not open. It takes part in nothing."""
    return Member(
        member_id=row.member_id,
        person_id=row.person_id,
        association=row.association,
        member_no=row.member_no,
        name="",
        id_type="",
        id_number="",
        category=row.category,
        league=row.league,
        opt_out=True,
        coverage=row.coverage,
    )


def _see_again(work: Work, now: RecordRow) -> None:
    """A record about to go was read before its person was locked: another feed may have marked it meanwhile."""
    before = work.removed[now.record_id]
    if bool(before.duplicate) == bool(now.duplicate):
        return
    work.removed[now.record_id] = now
    stands = "duplicate" if now.duplicate else "member"
    stood = "member" if now.duplicate else "duplicate"
    work.moves = [
        (seq, row, stands if (seq, row, old) == (now.page_seq, now.row, stood) else old, new, amount)
        for seq, row, old, new, amount in work.moves
    ]


def stored_stay(office: Office, row: RecordRow, open_one: Opener) -> Stay:
    """A record from the database, opened."""
    name = record_name(row.feed, bytes(row.key), row.association)
    return Stay(
        record=office.open_record(bytes(row.sealed), name, open_one),
        feed=row.feed,
        member_id=row.member_id,
        page_seq=row.page_seq,
        row=row.row,
        received_on=row.received_on,
        record_id=row.record_id,
        duplicate=bool(row.duplicate),
        was_duplicate=bool(row.duplicate),
    )


def _sealed_records(office: Office, people: Sequence[PersonFile]) -> list[RecordRow]:
    """The new records, sealed under the association's key of the month each came in."""
    keys: dict[tuple[str, str], DataKey] = {}
    rows = []
    for person in people:
        for stay in person.stays:
            if stay.record_id is None:
                month = (person.association, stay.received_on[:7])
                key = keys.get(month)
                if key is None:
                    received = date.fromisoformat(stay.received_on)
                    key = keys[month] = office.vault.claim_key(person.association, received)
                rows.append(_sealed_record(office, key, person, stay))
    return rows


def _sealed_record(office: Office, key: DataKey, person: PersonFile, stay: Stay) -> RecordRow:
    """A new record, its personal fields in one box."""
    record, association = stay.record, person.association
    digest = office.record_key(stay.feed)(record.settlement_no + record.sign)
    total = record.total_amount or 0
    return RecordRow(
        record_id=0,
        association=association,
        feed=stay.feed,
        key=digest,
        person_id=person.person_id,
        member_id=stay.member_id,
        page_seq=stay.page_seq,
        row=stay.row,
        received_on=stay.received_on,
        amount=-abs(total) if record.reversal else total,
        duplicate=stay.duplicate,
        sealed=key.seal(RECORDS.write(record), record_context(record_name(stay.feed, digest, association))),
    )


def count_duplicates(
    tx: Tx, people: Sequence[PersonFile], work: Work, here: dict[tuple[int, int], Row] | None = None
) -> None:
    """Rows that repeat another feed's: count them so, in the batch at hand and wherever a row's standing changed."""
    marks = []
    for person in people:
        for stay in person.stays:
            if stay.duplicate == stay.was_duplicate:
                continue
            row = (here or {}).get((stay.page_seq, stay.row)) if stay.record_id is None else None
            if row is not None:
                row.kind = "duplicate"
                continue
            if stay.record_id is not None:
                marks.append((stay.duplicate, stay.record_id))
            before, after = ("member", "duplicate") if stay.duplicate else ("duplicate", "member")
            amount = stay.record.total_amount or 0
            money = -abs(amount) if stay.record.reversal else amount
            work.moves.append((stay.page_seq, stay.row, before, after, money))
    records.mark(tx, marks)


def write_open_items(tx: Tx, office: Office, at: PageAt, rows: Sequence[Row], *, again: bool = False) -> None:
    """Rows that cannot be read, and doubtful matches, for a person to look at.

    `again`: these rows were settled before, and a doubt about one that was asked then keeps its number.
    """
    now_ms = to_ms(office.now())
    feed, seq = at.meta.feed, at.meta.seq
    bad = [row for row in rows if row.kind == "quarantined"]
    quarantine.add(
        tx,
        [
            QuarantineItem(
                page_seq=seq,
                row=row.index,
                feed=feed,
                key=row.key,
                amount=row.amount,
                errors=row.errors,
                state="open",
                created_at=now_ms,
            )
            for row in bad
        ],
    )
    doubtful = [(row, name, decision) for row in rows if row.kind != "superseded" for name, decision in row.decisions]
    doubts = [
        _doubt(at, row, name, decision, now_ms)
        for row, name, decision in doubtful
        # What is one association's member for certain may be another's in doubt.
        if decision.outcome is MatchOutcome.REVIEW and row.kind in ("review", "member", "duplicate")
    ]
    if again:
        reviews.ask_again(tx, doubts)
    else:
        reviews.ask(tx, doubts)


def _doubt(at: PageAt, row: Row, association: str, decision: MatchDecision, now_ms: int) -> ReviewItem:
    return ReviewItem(
        kind="match",
        association=association,
        feed=at.meta.feed,
        page_seq=at.meta.seq,
        row=row.index,
        key=row.key,
        amount=row.amount,
        member_id=decision.member.member_id if decision.member else None,
        score=decision.score,
        reasons=msgspec.json.encode(decision.reasons).decode(),
        state="open",
        created_at=now_ms,
    )
