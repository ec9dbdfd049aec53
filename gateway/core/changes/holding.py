"""People who are held: for them what stands stays, and their new rows are put aside to be concluded again later.

A batch is concluded once; only if that takes something away from somebody is it concluded a second time with these
people held. What is put aside names pages, rows and people, never what would have come of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import msgspec

from gateway.core.changes.difference import Difference, difference_of_changed, net
from gateway.core.changes.values import Batch, Changes, Known, PagePlace, ReadRow, Rules
from gateway.model.claim import PrefilledClaim
from gateway.model.holds import AsideItem
from gateway.model.questions import ReviewItem
from gateway.model.rows import RowClass


def people_taken_from(knowledge: Known, changes: Changes, since: int | None = None) -> set[int]:
    """The people of whose claims something would be withdrawn or lowered. Not who opted out: that holds at once. Nor is
    a claim counted that was made after `since` (milliseconds): nothing that stood before is taken with it."""
    own = {claim.claim_id for claim in changes.changed_claims if _was_made_since(knowledge, claim, since)}
    if len(own) == len(changes.changed_claims):
        return set()
    difference = difference_of_changed(knowledge, changes)
    taken = {
        claim.person_id
        for claim in difference.taken
        if claim.claim_id not in own and takes_part(knowledge, claim.person_id)
    }
    return {person_id for person_id in taken if not _only_more_came(person_id, difference, changes)}


def _was_made_since(knowledge: Known, claim: PrefilledClaim, since: int | None) -> bool:
    """Whether the version that this one follows is the first, and was made after that instant."""
    if since is None or claim.version != 2:
        return False
    of_person = knowledge.claims[claim.person_id].values()
    return any(before.claim_id == claim.claim_id and before.updated_at > since for before in of_person)


def _only_more_came(person_id: int, difference: Difference, changes: Changes) -> bool:
    """Whether nothing a person has went or was taken back, and the sum rises: an earlier stay that came late gets what
    the later one got for being the first."""
    moves = [claim for claim in difference.claims if claim.person_id == person_id]
    went = any(settlement.person_id == person_id for settlement in changes.removed.values())
    more = [settlement for settlement in changes.added if settlement.person_id == person_id]
    return bool(more) and not went and all(settlement.amount >= 0 for settlement in more) and net(moves) >= 0


def takes_part(knowledge: Known, person_id: int) -> bool:
    """Whether a person has an enrolment that did not opt out, or none at all."""
    person = knowledge.people.get(person_id)
    return person is None or bool(person.enrolled) or not person.members


class SetApart(msgspec.Struct, frozen=True):
    """A batch and what is known of it, as the rest is concluded while some people are held; `rows`: index → the held
    people for whom the row waits."""

    batch: Batch
    knowledge: Known
    rows: Mapping[int, Collection[int]]


def set_apart(batch: Batch, knowledge: Known) -> SetApart:
    """Take out what is about people who are held: rows that are theirs, rows whose number is one of theirs (theirs
    would be replaced), what a newer file leaves out of theirs.

    A row worked for the first time is counted as in review. One that was worked before stays what it is, so it is left
    out altogether.
    """
    waiting = _rows_waiting(batch, knowledge)
    keys = {row.key for row in batch.rows if row.index in waiting}
    places = {settlement.place for settlement in knowledge.records if settlement.person_id in knowledge.held}
    # Two associations' records of one row stand or go together, or the row would be counted in two classes.
    records = [row for row in knowledge.records if row.key not in keys and row.place not in places]
    # The record that took a row's place is not among what is known any more, so the row itself says so.
    held_keys = {row.key for row in knowledge.records if row.person_id in knowledge.held}
    rivals = {key: placed for key, placed in knowledge.rivals.items() if key not in keys | held_keys}
    knowledge = msgspec.structs.replace(knowledge, rivals=rivals)
    if batch.again:
        rows: Sequence[ReadRow] = [row for row in batch.rows if row.index not in waiting]
    else:
        rows = [
            ReadRow(index=row.index, row_class=RowClass.REVIEW, key=row.key, amount=row.amount)
            if row.index in waiting
            else (msgspec.structs.replace(row, row_class=RowClass.SUPERSEDED) if row.key in held_keys else row)
            for row in batch.rows
        ]
        knowledge = msgspec.structs.replace(knowledge, records=records)
    return SetApart(batch=msgspec.structs.replace(batch, rows=rows), knowledge=knowledge, rows=waiting)


def _rows_waiting(batch: Batch, knowledge: Known) -> dict[int, set[int]]:
    """Index → the held people for whom a row waits. A row that a later one replaced already waits for nobody."""
    if batch.page is None:
        return {}
    owners: dict[bytes, set[int]] = defaultdict(set)
    for settlement in knowledge.records:
        if settlement.person_id in knowledge.held:
            owners[settlement.key].add(settlement.person_id)
    for row in batch.rows:
        # Four rows in five are nobody's, and nobody's number.
        if row.key is None or not (row.decisions or row.key in knowledge.rivals):
            continue
        rivals = [placed.row for placed in knowledge.rivals.get(row.key, ())]
        for claiming in (row, *rivals):
            matched = {member.person_id for _, member in claiming.matched if member.person_id in knowledge.held}
            if claiming.row_class is RowClass.MEMBER and matched:
                owners[row.key] |= matched
    waiting = {}
    for row in batch.rows:
        people = owners.get(row.key, set()) if row.key is not None else set()
        if row.original is not None and row.is_nameless_reversal:
            people = people | owners.get(row.original, set())
        if people and not _replaced(batch.page, row, knowledge):
            waiting[row.index] = people
    return waiting


def _replaced(page: PagePlace, row: ReadRow, knowledge: Known) -> bool:
    """Whether what a later row says of the same number stands already: not where it is another person's, or was settled
    earlier, because then this one stands."""
    place, people = (page.seq, row.index), {member.person_id for _, member in row.matched}
    settled_at = row.record.settled_at if row.record is not None else None
    later = (
        settlement.place > place
        and not (people and settlement.person_id not in people)
        and not (settled_at and settlement.record and (settlement.record.settled_at or settled_at) < settled_at)
        for settlement in knowledge.records
        if settlement.key == row.key
    )
    return any(later) or (row.key is not None and knowledge.last_places.get(row.key, place) > place)


def put_aside(batch: Batch, knowledge: Known, apart: SetApart, rules: Rules, changes: Changes) -> None:
    """Say what is to be concluded again: `batch` and `knowledge` are what came. A row that is worked for the first time
    is a question until then, which only the hold answers."""
    changes.held = knowledge.held
    if batch.page is not None:
        by_index = {row.index: row for row in batch.rows}
        for index, people in apart.rows.items():
            if not batch.again and changes.classes[index] is not RowClass.REVIEW:
                continue
            changes.put_aside += [
                AsideItem(
                    person_id=person_id,
                    page_seq=batch.page.seq,
                    row=index,
                    reason="joined" if knowledge.held[person_id] else "lowered",
                )
                for person_id in sorted(people)
            ]
            if not batch.again:
                changes.questions.append(_question(batch.page, by_index[index], min(people), knowledge, rules))
    taken_back = {
        (settlement.person_id, settlement.page_seq)
        for settlement in knowledge.records
        if settlement.page_seq in batch.taken_back and settlement.person_id in knowledge.held
    }
    changes.put_aside += [
        AsideItem(person_id=person_id, page_seq=seq, reason="taken_back") for person_id, seq in sorted(taken_back)
    ]
    assessed = sorted(knowledge.held.keys() & batch.people.keys())
    changes.put_aside += [AsideItem(person_id=person_id, reason="reassess") for person_id in assessed]


def _question(page: PagePlace, row: ReadRow, person_id: int, knowledge: Known, rules: Rules) -> ReviewItem:
    person = knowledge.people[person_id]
    return ReviewItem(
        kind="hold",
        association=person.association,
        feed=page.feed,
        page_seq=page.seq,
        row=row.index,
        key=row.key,
        amount=row.amount,
        member_id=person.first_member_id,
        score=None,
        reasons='["changes_held"]',
        state="open",
        created_at=rules.now_ms,
    )
