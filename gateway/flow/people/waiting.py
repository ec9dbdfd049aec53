"""What waits of people's bills: a figure worked out from what counts says how much it leaves out."""

from __future__ import annotations

from collections.abc import Collection

from gateway.core.changes.decided_again import SETTLED_AGAIN
from gateway.core.changes.persons import PersonFile
from gateway.core.changes.repeats import COUNTED
from gateway.core.schemes.contradictions import BILLED_TWICE
from gateway.model.questions import QuarantineItem, ReviewItem
from gateway.model.waiting import WaitingBills
from gateway.store import people, quarantine, reviews
from gateway.store.engine import Tx


def waiting_bills(tx: Tx, persons: Collection[PersonFile]) -> WaitingBills:
    """What is told of these people, or perhaps theirs, and counts for nothing until somebody answers: each row once."""
    records = [stored for person in persons for stored in person.records]
    member_ids = {member.member_id for person in persons for member in person.members}
    asked = [item for item in reviews.open_of_bills(tx, member_ids) if keeps_waiting(item)]
    unopened = [stored for stored in records if stored.record is None]
    waiting = {stored.place: abs(stored.amount) for stored in unopened}
    # What came again and cannot be read stands beside the record that its number names.
    items: list[ReviewItem | QuarantineItem] = [*quarantine.open_by_key(tx, {row.key for row in records}), *asked]
    for item in items:
        waiting[item.page_seq, item.row or 0] = abs(item.amount)
    return WaitingBills(
        bills=len(waiting),
        amount=sum(waiting.values()),
        held=len(people.holds_of(tx, [person.person_id for person in persons])),
        unopened=len(unopened),
    )


def keeps_waiting(item: ReviewItem) -> bool:
    """Whether what an open question is about counts for nothing meanwhile. Stays that overlap, and what was paid before
    anybody asked, count."""
    return item.kind != "repeat" or (
        COUNTED not in item.reasons and (BILLED_TWICE in item.reasons or SETTLED_AGAIN in item.reasons)
    )
