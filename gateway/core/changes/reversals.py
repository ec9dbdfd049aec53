"""Reversals that name nobody go with the settlement they reverse: join it, wait for it, wait again once it went.

Such a row says a number and that it is taken back, not whose it is. So it is nobody's until its original is known, and
waits as the key of its original; what it says, its page alone knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from gateway.core.changes.persons import HeldRecord, PersonFile
from gateway.core.changes.values import Changes, Known, PagePlace, Place, PlacedRow, ReadRow, Rules
from gateway.model.record import SettlementRecord
from gateway.model.rows import RowClass, signed


def reversals(rows: Sequence[PlacedRow], known: Known, rules: Rules, changes: Changes) -> None:
    """Release, join, wait and wake. `rows`: of the batch, and those that count again. The order matters: what lost its
    original waits before a row of this batch may wake it, and a reversal of this batch waits before an original of this
    batch may wake it."""
    superseded, member_class = RowClass.SUPERSEDED, RowClass.MEMBER
    standing = [placed for placed in rows if changes.class_at(placed) is not superseded]
    members = [placed for placed in standing if changes.class_at(placed) is member_class]
    coming = {(placed.row.key, member.person_id) for placed in members for _, member in placed.row.matched}
    # What was released can wake in the same batch: its original may have become another member's.
    readable = {**known.waiting_records, **_release(known, rules, changes, coming)}
    for place in sorted(known.outdated):
        changes.wake(place)
    taking_back = [placed for placed in standing if placed.row.original is not None]
    for placed in taking_back:
        for place in _waiting_for(placed.row.original, known, changes):
            # The reversal that waited came again: it waits no longer.
            if place < placed.place and _is_number_of(placed.row, readable.get(place), rules):
                changes.wake(place)
    for placed in taking_back:
        row = placed.row
        if row.original is not None and row.is_nameless_reversal and changes.class_at(placed) is not RowClass.REVIEW:
            _join_or_wait(placed, row.original, known, rules, changes)
    joined = _joined(known, rules, changes)
    rows_by_place = {placed.place: placed for placed in rows}
    is_waited_for = bool(joined or known.waiting or changes.waiting)
    for row in [placed.row for placed in members] if is_waited_for else ():
        if row.key is not None and row.record is not None and not row.record.reversal:
            for settlement in joined[row.key]:
                _share(row, settlement, known, rules, changes)
            for place in _waiting_for(row.key, known, changes):
                _wake(row, place, rows_by_place.get(place), readable, rules, changes)


def _waiting_for(original: bytes | None, known: Known, changes: Changes) -> list[Place]:
    """The places of the reversals that wait for this original, once the changes so far are written."""
    if original is None:
        return []
    coming = {place for place, (_, waited_for) in changes.waiting.items() if waited_for == original}
    return sorted(coming.union(known.waiting.get(original, ())).difference(changes.woken))


def _is_number_of(row: ReadRow, reading: tuple[PagePlace, SettlementRecord] | None, rules: Rules) -> bool:
    """Whether a reversal that waits has the number of this row; one that cannot be read may."""
    if reading is None:
        return True
    page, record = reading
    return rules.number_key(page.feed)(record.facility_no, record.settlement_no + record.sign) == row.key


def _release(
    known: Known, rules: Rules, changes: Changes, coming: set[tuple[bytes | None, int]]
) -> dict[Place, tuple[PagePlace, SettlementRecord]]:
    """Where a member's settlement goes and does not come again as the same member's (`coming`), the reversal that named
    nobody and went with it waits once more: whose it is, only another original could tell. Returns what these say."""
    lost = {
        (settlement.key, settlement.person_id)
        for settlement in changes.removed.values()
        if settlement.amount >= 0 and (settlement.key, settlement.person_id) not in coming
    }
    leaving: list[tuple[bytes, HeldRecord]] = []
    for person_id in sorted({person_id for _, person_id in lost}):
        for settlement in _records_left(known.people[person_id], changes):
            original = _original_of(settlement, rules)
            if original is not None and settlement.amount <= 0 and (original, person_id) in lost:
                leaving.append((original, settlement))
                changes.remove(settlement)
    released: dict[Place, tuple[PagePlace, SettlementRecord]] = {}
    # One row may be two associations' record: it is counted once, and while one of them keeps it, it waits for nothing.
    staying = {settlement.place for settlement in _all_left(known, changes)} if leaving else set()
    for original, settlement in leaving:
        if settlement.record is not None and settlement.place not in staying and settlement.place not in released:
            page = PagePlace(seq=settlement.page_seq, feed=settlement.feed, received_on=settlement.received_on)
            released[settlement.place] = page, settlement.record
            changes.move(settlement.place, settlement.row_class, RowClass.NON_MEMBER, settlement.amount)
            changes.relist(settlement.place, RowClass.NON_MEMBER)
            changes.wait(original, settlement.feed, settlement.place)
    return released


def _original_of(settlement: HeldRecord, rules: Rules) -> bytes | None:
    """The key of what a reversal that names nobody reverses; None for every other record."""
    record = settlement.record
    if record is None or not record.reversal or record.id_number is not None or record.name is not None:
        return None
    return rules.number_key(settlement.feed)(record.facility_no, (record.reverses or record.settlement_no) + "+")


def _joined(known: Known, rules: Rules, changes: Changes) -> dict[bytes, list[HeldRecord]]:
    """Key of an original that was stored before → the reversals that named nobody and have joined it."""
    joined: dict[bytes, list[HeldRecord]] = defaultdict(list)
    stored = {settlement.key for settlement in known.records}
    for settlement in _all_left(known, changes) if stored else ():
        original = _original_of(settlement, rules)
        if original is not None and original in stored:
            joined[original].append(settlement)
    return joined


def _share(original: ReadRow, joined: HeldRecord, known: Known, rules: Rules, changes: Changes) -> None:
    """A settlement that was one association's and is another's member's too, since that one has enrolled: the reversal
    that took it back takes it back there as well, or what nobody paid would be claimed."""
    left = _all_left(known, changes)
    having = {settlement.association for settlement in left if settlement.place == joined.place}
    page = PagePlace(seq=joined.page_seq, feed=joined.feed, received_on=joined.received_on)
    for association, member in original.matched:
        if association not in having and joined.record is not None:
            owner = (association, member.person_id, member.member_id)
            changes.added.append(_taken_with(owner, joined.record, page, joined.row, rules))


def _all_left(known: Known, changes: Changes) -> list[HeldRecord]:
    """What the people of a batch have beside what goes."""
    return [settlement for person in known.people.values() for settlement in _records_left(person, changes)]


def _records_left(person: PersonFile, changes: Changes) -> list[HeldRecord]:
    return [settlement for settlement in person.records if settlement.record_id not in changes.removed]


def _join_or_wait(placed: PlacedRow, original: bytes, known: Known, rules: Rules, changes: Changes) -> None:
    """The original is stored: the reversal is the same member's. It is not: the reversal waits."""
    stored = [settlement for settlement in known.records if settlement.key == original]
    originals = [settlement for settlement in stored if settlement.record_id not in changes.removed]
    if not originals:
        changes.wait(original, placed.page.feed, placed.place)
    elif placed.row.record is not None:
        changes.count_as_members(placed)
        for settlement in originals:
            owner = (settlement.association, settlement.person_id, settlement.member_id)
            changes.added.append(_taken_with(owner, placed.row.record, placed.page, placed.row.index, rules))


def _wake(
    original: ReadRow,
    place: Place,
    in_batch: PlacedRow | None,
    readable: Mapping[Place, tuple[PagePlace, SettlementRecord]],
    rules: Rules,
    changes: Changes,
) -> None:
    """A waiting reversal found its original: it is the same member's. While it cannot be read, it goes on waiting."""
    coming, record = (in_batch.page, in_batch.row.record) if in_batch is not None else readable.get(place, (None, None))
    if coming is None or record is None:
        return
    for association, member in original.matched:
        owner = (association, member.person_id, member.member_id)
        changes.added.append(_taken_with(owner, record, coming, place[1], rules))
    if in_batch is not None:
        changes.count_as_members(in_batch)
    else:
        changes.move(place, RowClass.NON_MEMBER, RowClass.MEMBER, signed(record.total_amount, reversal=True))
        changes.relist(place, RowClass.MEMBER)
    changes.wake(place)


def _taken_with(
    owner: tuple[str, int, int], record: SettlementRecord, page: PagePlace, row: int, rules: Rules
) -> HeldRecord:
    """A reversal that names nobody as the record of the owner (association, person, member) of what it reverses."""
    association, person_id, member_id = owner
    return HeldRecord(
        record=record,
        key=rules.number_key(page.feed)(record.facility_no, record.settlement_no + record.sign),
        association=association,
        feed=page.feed,
        person_id=person_id,
        member_id=member_id,
        page_seq=page.seq,
        row=row,
        received_on=page.received_on,
        amount=signed(record.total_amount, reversal=True),
    )
