"""Undo what was ruled about rows whose pages are gone: nothing can be read again, so only the records are removed."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from gateway.flow.batches.apply import Work, count_duplicates, person_files
from gateway.flow.office import Office
from gateway.flow.people.assess import WITHDRAWN, mark_duplicates, weigh
from gateway.store import batches, people, records, reviews
from gateway.store.engine import Tx
from gateway.store.reviews import ReviewItem


def take_out_of_gone_pages(
    tx: Tx, office: Office, item: ReviewItem, members: Collection[int | None], places: set[tuple[int, int]]
) -> int:
    """Remove these members' records at these places (page, row), weigh again what they have, and count their rows as
    doubts that expired; returns how many rows that were."""
    stored = records.of_pages(tx, sorted({seq for seq, _ in places}))
    held = [old for old in stored if (old.page_seq, old.row) in places]
    mine = [old for old in held if old.member_id in members and old.association == item.association]
    if not mine:
        return 0
    work = Work(removed={old.record_id: old for old in mine})
    others = {(old.page_seq, old.row) for old in held} - {(old.page_seq, old.row) for old in mine}
    for old in mine:
        work.associations[old.person_id] = old.association
        if (old.page_seq, old.row) not in others:
            kind = "duplicate" if old.duplicate else "member"
            work.moves.append((old.page_seq, old.row, kind, "review", old.amount))
    people.lock(tx, work.associations)
    files = person_files(tx, office, {}, work)
    for person in files:
        mark_duplicates(person.stays)
    records.remove(tx, list(work.removed))
    count_duplicates(tx, files, work)
    weigh(tx, office, files, because=WITHDRAWN)
    batches.move_tally(tx, work.moves)
    moved = {(seq, row): amount for seq, row, _, after, amount in work.moves if after == "review"}
    expired = [
        msgspec.structs.replace(item, page_seq=seq, row=row, amount=amount, state="expired")
        for (seq, row), amount in moved.items()
    ]
    reviews.ask_again(tx, expired)
    return len(moved)
