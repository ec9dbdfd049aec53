"""What was asked about people's bills before, of those whose bills may raise a question; nothing is read of others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from gateway.core.changes import AskedBefore, PersonFile, ReadRow
from gateway.core.changes.decided_again import may_ask
from gateway.core.changes.questions import Answered
from gateway.core.changes.values import ClaimKey, DecidedClaim
from gateway.model.questions import ReviewItem
from gateway.model.record import SettlementRecord
from gateway.model.rows import RowClass
from gateway.store import review_decisions, reviews
from gateway.store.engine import Tx


def asked_before(
    tx: Tx,
    files: Mapping[int, PersonFile],
    rows: Iterable[ReadRow],
    decided: Mapping[int, Mapping[ClaimKey, DecidedClaim]],
) -> dict[int, AskedBefore]:
    """Person → what was asked, of those whose stored and coming records may be odd together."""
    coming: dict[int, list[SettlementRecord]] = defaultdict(list)
    for row in rows:
        if row.record is not None and row.row_class is RowClass.MEMBER:
            for _, member in row.matched:
                coming[member.person_id].append(row.record)
    odd = [
        person
        for person_id, person in files.items()
        if may_ask(
            [stored.record for stored in person.records if stored.record is not None] + coming.get(person_id, []),
            decided.get(person_id, {}).values(),
        )
    ]
    return asked_about(tx, odd) if odd else {}


def asked_about(tx: Tx, people: Iterable[PersonFile]) -> dict[int, AskedBefore]:
    """Person → what was asked about the bills of each of these people."""
    person_of = {member.member_id: person.person_id for person in people for member in person.members}
    of_people: dict[int, list[ReviewItem]] = defaultdict(list)
    for item in reviews.about_bills(tx, person_of):
        of_people[person_of[item.member_id or 0]].append(item)
    answered = [item.item_id for items in of_people.values() for item in items if item.state == "decided"]
    decisions = review_decisions.of_items(tx, answered) if answered else {}
    answers = {
        item_id: Answered(answer=decision.answer, original=decision.original)
        for item_id, of_item in decisions.items()
        for decision in of_item
        if decision.state == "done"
    }
    return {
        person_id: AskedBefore(
            open=tuple(item for item in items if item.state == "open"),
            answers={
                item.situation: answers[item.item_id]
                for item in items
                if item.situation is not None and item.item_id in answers
            },
        )
        for person_id, items in of_people.items()
    }
