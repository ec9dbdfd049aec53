"""What waits of people's bills: a figure worked out from what counts says how much it leaves out."""

from __future__ import annotations

from collections.abc import Collection

from gateway.core.changes.decided_again import SETTLED_AGAIN
from gateway.core.changes.persons import PersonFile
from gateway.core.changes.repeats import BILLED_TWICE, COUNTED
from gateway.model.questions import ReviewItem
from gateway.model.waiting import WaitingBills
from gateway.store import people, quarantine, reviews
from gateway.store.engine import Tx


def waiting_bills(tx: Tx, persons: Collection[PersonFile]) -> WaitingBills:
    """What is told of these people, or perhaps theirs, and counts for nothing until somebody answers: each row once."""
    records = [stored for person in persons for stored in person.records]
    member_ids = {member.member_id for person in persons for member in person.members}
    waiting = {
        (item.page_seq, item.row): abs(item.amount)
        for item in reviews.open_of_bills(tx, member_ids)
        if keeps_waiting(item)
    }
    # What came again and cannot be read stands beside the record that its number names.
    for aside in quarantine.open_by_key(tx, {stored.key for stored in records}):
        waiting.setdefault((aside.page_seq, aside.row), abs(aside.amount))
    unopened = [stored for stored in records if stored.record is None]
    for stored in unopened:
        waiting.setdefault(stored.place, abs(stored.amount))
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
