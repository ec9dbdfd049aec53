"""The conclusion: everything that follows from a batch, out of the batch, what is known, and the rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from gateway.core.changes.bills import NOTHING_ASKED, bills_of
from gateway.core.changes.claims import assess_person
from gateway.core.changes.earlier import EarlierAssessments
from gateway.core.changes.holding import put_aside, set_apart
from gateway.core.changes.leavings import leave_behind
from gateway.core.changes.persons import HeldRecord, PersonFile
from gateway.core.changes.reversals import reversals
from gateway.core.changes.supersede import (
    close_own_items,
    counted_money,
    standing_before,
    still_standing,
    supersede,
)
from gateway.core.changes.take_back import take_back, take_out
from gateway.core.changes.values import Batch, Changes, Known, PagePlace, PlacedRow, ReadRow, Rules
from gateway.model.rows import ClassChange, RowClass, signed


def conclude(batch: Batch, known: Known, rules: Rules, earlier: EarlierAssessments | None = None) -> Changes:
    """What changes. The same batch and the same knowledge give the same changes, in the same order.

    First what stands is decided (which rows and records are replaced), then whose what is left is, then what that is
    worth: an amount rests on all of a person's records, so nobody is assessed before the last record is in its place.
    `earlier`: of the same batch, concluded with fewer people held; what is concluded now is kept in it.
    """
    changes = Changes(unopened=known.unopened)
    whole_batch, all_known, apart = batch, known, set_apart(batch, known) if known.held else None
    if apart is not None:
        batch, known = apart.batch, apart.knowledge
    rows, before = batch.rows, dict[int, RowClass]()
    if batch.page is not None:
        if batch.again:
            # What a row was until now has to be known first: one that counts no longer never counts again.
            before = standing_before(batch.page, rows, known)
            rows = still_standing(batch, batch.page, known, before)
        supersede(batch.page, rows, known, rules, changes)
        if batch.again:
            close_own_items(batch.page, rows, known, changes)
    if batch.taken_back:
        take_back(batch, known, changes)
    if batch.taken_out:
        take_out(batch, known, changes)
    # What counts again of other batches is worked like a row of this one.
    placed = [returned.placed for returned in changes.returned.values()]
    if batch.page is not None:
        classes, plain = changes.classes, RowClass.NON_MEMBER
        # Four rows in five are nobody's, and nothing follows from them.
        followed = [row for row in rows if classes[row.index] is not plain or row.original is not None or row.ruled_by]
        placed += [PlacedRow(page=batch.page, row=row) for row in followed]
    # Only now is it known which settlements go and which come: a reversal that names nobody follows them.
    if changes.removed or known.waiting or known.outdated or any(entry.row.original is not None for entry in placed):
        reversals(placed, known, rules, changes)
    _attach_to_members(placed, rules, changes)
    changes.count_returned()
    standing = _records_after(known, changes)
    touched = {settlement.person_id for settlement in (*changes.removed.values(), *changes.added)}
    touched |= {settlement.person_id for settlement in known.records if settlement.record_id in changes.came_first}
    for person_id in sorted({*batch.people, *touched}.difference(known.held)):
        _assess(batch, person_id, standing[person_id], known, rules, changes, earlier)
    leave_behind(placed, rules, changes)
    if batch.page is not None:
        _count_rows(batch, batch.page, rows, before, known, changes)
    if apart is not None:
        put_aside(whole_batch, all_known, apart, rules, changes)
    return changes


def _assess(
    batch: Batch,
    person_id: int,
    standing: list[HeldRecord],
    known: Known,
    rules: Rules,
    changes: Changes,
    earlier: EarlierAssessments | None,
) -> None:
    """Count a person's repeats and assess what counts, unless that was done with the same records before."""
    if earlier is not None and earlier.recall(person_id, standing, changes):
        return
    before = earlier.extent(changes) if earlier is not None else ()
    person = known.people[person_id]
    bills = bills_of(standing, known.asked.get(person_id, NOTHING_ASKED), rules.digest_doubt)
    _count_duplicates(batch.page, person, standing, bills.repeats, changes)
    if not person.unreadable:
        assess_person(person, bills, standing, known, rules, changes, batch.withdrawal_reason)
    if earlier is not None and not any(bills.repeats):
        earlier.keep(person_id, standing, before, changes)


def _attach_to_members(rows: Sequence[PlacedRow], rules: Rules, changes: Changes) -> None:
    """Each member's row becomes a record of every association that matched it and could ever pay for it."""
    member_class = RowClass.MEMBER
    for placed in rows:
        page, row = placed.page, placed.row
        if changes.class_at(placed) is not member_class or row.record is None or row.key is None:
            continue
        returned = changes.returned.get(placed.place)
        first = changes.first_places.get(row.index) if returned is None else returned.first
        for association, member in row.matched:
            if rules.could_pay(association, row.record):
                changes.added.append(
                    HeldRecord(
                        record=row.record,
                        key=row.key,
                        association=association,
                        feed=page.feed,
                        person_id=member.person_id,
                        member_id=member.member_id,
                        page_seq=page.seq,
                        row=row.index,
                        received_on=page.received_on,
                        amount=signed(row.record.total_amount, reversal=row.record.reversal),
                        sealed=row.sealed.get(association) if row.sealed else None,
                        first=first if first != placed.place else None,
                    )
                )


def _records_after(known: Known, changes: Changes) -> dict[int, list[HeldRecord]]:
    """Person → the records that stand once the changes are written: stored ones first, in the order they were read."""
    standing: dict[int, list[HeldRecord]] = defaultdict(list)
    for person_id, person in known.people.items():
        standing[person_id] = [
            settlement for settlement in person.records if settlement.record_id not in changes.removed
        ]
    for settlement in changes.added:
        standing[settlement.person_id].append(settlement)
    if changes.came_first:
        for settlements in standing.values():
            for at, settlement in enumerate(settlements):
                first = changes.came_first.get(settlement.record_id) if settlement.record_id is not None else None
                if first is not None:
                    settlements[at] = msgspec.structs.replace(settlement, first=first)
    return standing


def _count_duplicates(
    page: PagePlace | None, person: PersonFile, standing: list[HeldRecord], repeats: list[bool], changes: Changes
) -> None:
    """Count the records of a person that repeat another one so: in the batch at hand, and wherever a stored row's
    standing changed. Of a person something does not open of, nothing is compared: what is stored stays as it is."""
    if person.unreadable or repeats == [settlement.duplicate for settlement in standing]:
        return
    own = {(page.seq, row) for row in changes.classes} if page is not None else set()
    for index, (settlement, repeat) in enumerate(zip(standing, repeats, strict=True)):
        if settlement.record_id is None and repeat:
            standing[index] = msgspec.structs.replace(settlement, duplicate=True)
            changes.added[changes.added.index(settlement)] = standing[index]
        if settlement.duplicate is repeat:
            continue
        if settlement.record_id is None and settlement.place in own:
            changes.classes[settlement.row] = RowClass.DUPLICATE
            continue
        if settlement.record_id is not None:
            changes.marks.append((repeat, settlement.record_id))
        pair = (RowClass.MEMBER, RowClass.DUPLICATE) if repeat else (RowClass.DUPLICATE, RowClass.MEMBER)
        changes.move(settlement.place, *pair, settlement.amount)


def _count_rows(
    batch: Batch,
    page: PagePlace,
    rows: Sequence[ReadRow],
    before: dict[int, RowClass],
    known: Known,
    changes: Changes,
) -> None:
    """The batch's tally, the first time; else what each row is counted as from now on, and what its list says."""
    if not batch.again:
        changes.tally.count_all([(changes.classes[row.index], row.amount) for row in rows])
        return
    counted = counted_money(page, known)
    for row in rows:
        row_class, stood = changes.classes[row.index], before[row.index]
        money = counted.get(row.index, row.amount)
        if row_class is not stood:
            # What a person put aside is known by its number no more.
            key = row.key or b"" if row.index in known.row_answers else row.key
            changes.relist((page.seq, row.index), row_class, key)
        if row_class is not stood or money != row.amount:
            changes.moved.append(
                ClassChange(
                    page_seq=page.seq, row=row.index, before=stood, after=row_class, amount=row.amount, counted=money
                )
            )
