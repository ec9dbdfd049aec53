"""One look at everything stored that a batch may touch: by keys first, then by people, locked and opened.

Nothing is decided here. What is looked at is a little more than is needed (a row may turn out to be superseded), never
less: `conclude` can only use what it is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from gateway.core.changes import Batch, HeldRecord, Known, PagePlace, PersonFile, ReadRow
from gateway.core.changes.values import Place
from gateway.core.normalise import Normal
from gateway.errors import BrokenSeal
from gateway.flow.changes.asked import asked_before
from gateway.flow.changes.later import rival_rows
from gateway.flow.changes.people import claims_of, decided_claims, held_record, person_files
from gateway.flow.office import Office
from gateway.flow.pages.row_lists import classes_listed, entries_after
from gateway.flow.pages.stored_pages import open_page
from gateway.model.pieces import Piece
from gateway.model.questions import QuarantineItem, ReviewItem
from gateway.model.record import SettlementRecord
from gateway.model.rows import RowClass
from gateway.store import people, quarantine, records, review_decisions, reviews
from gateway.store.engine import Tx

# A member of an enum asked of its class costs as much as ten look-ups, and this is asked of every row.
_MEMBER = RowClass.MEMBER


def gather(tx: Tx, office: Office, batch: Batch) -> Known:
    """What is stored about a batch. The caller holds its feed and the roster's version; this locks the people, in
    order of id, and only then reads what they have, so that it cannot change any more. What does not open is waited
    for: nothing is concluded about its person."""
    keys = {row.key for row in batch.rows if row.key is not None}
    aside: list[Piece] = []
    rivals = rival_rows(tx, office, batch, aside)
    rows = [*batch.rows, *rivals.rows]
    originals = {row.original for row in rows if row.original is not None and row.is_nameless_reversal}
    formers = {row.former for row in rows if row.former is not None}
    formers |= {row.former_original for row in rows if row.former_original is not None}
    row_answers = _row_answers(tx, batch)
    stored = [held_record(office, row) for row in records.by_keys(tx, keys | originals | formers)]
    stored += _in_places(tx, office, batch, row_answers)
    # What is taken back may have come again so that it cannot replace what stands.
    keys |= {settlement.key for settlement in stored if settlement.page_seq in batch.taken_back}
    waiting, waiting_records, outdated = _waiting(tx, office, batch, rows, formers)
    concerned = _people_concerned(batch, rows, stored)
    held = people.lock(tx, concerned)
    files = person_files(tx, office, concerned, batch.members, aside)
    claims = claims_of(tx, office, concerned) if concerned else {}
    decided = decided_claims(tx, office, claims, aside)
    asked = asked_before(tx, files, rows, decided)
    files |= _unreadable(files, aside)
    # As they are now that their people are held: until then another feed's batch may have changed them.
    files = {person_id: _known_by_facility(office, person, formers) for person_id, person in files.items()}
    locked = {record.record_id: record for person in files.values() for record in person.records}
    return Known(
        people=files,
        records=[locked[record.record_id] for record in stored if record.record_id in locked],
        open_reviews=_open_reviews(tx, batch, keys),
        open_quarantine=_open_quarantine(tx, batch, keys),
        rivals=rivals.rivals,
        taken=rivals.taken,
        refused=rivals.refused,
        last_places=rivals.last_places,
        row_answers={row: answer for row, answer in row_answers.items() if answer is not None},
        listed=_listed_here(tx, office, batch, aside),
        waiting=waiting,
        waiting_records=waiting_records,
        outdated=outdated,
        claims=claims,
        decided=decided,
        asked=asked,
        unopened=aside,
        held=held,
    )


def _listed_here(tx: Tx, office: Office, batch: Batch, aside: list[Piece]) -> dict[int, RowClass]:
    """The classes of rows that are read again, as their page's own lists have them."""
    if batch.page is None or not batch.again:
        return {}
    return classes_listed(tx, office, batch.page.seq, [row.index for row in batch.rows], aside)


def _known_by_facility(office: Office, person: PersonFile, formers: Collection[bytes]) -> PersonFile:
    """A person whose records with these keys, stored before the mapping said that numbers are only unique within their
    facility, are known as they would be now."""
    if not any(settlement.key in formers for settlement in person.records):
        return person
    return msgspec.structs.replace(
        person,
        records=[
            msgspec.structs.replace(settlement, key=_key_of(office, settlement.feed, settlement.record))
            if settlement.record is not None and settlement.key in formers
            else settlement
            for settlement in person.records
        ],
    )


def _key_of(office: Office, feed: str, record: SettlementRecord) -> bytes:
    return office.number_key(feed)(record.facility_no, record.settlement_no + record.sign)


def _row_answers(tx: Tx, batch: Batch) -> dict[int, str | None]:
    """What people said about rows that are read again, and that could not simply replace what stands; None where it was
    taken back."""
    if batch.page is None or not batch.again:
        return {}
    indexes = {row.index for row in batch.rows}
    asked = {item.item_id: item for item in reviews.changed_of_pages(tx, [batch.page.seq]) if item.row in indexes}
    decisions = review_decisions.of_items(tx, asked) if asked else {}
    return {
        item.row: next((decision.answer for decision in decisions.get(item_id, ()) if decision.state == "done"), None)
        for item_id, item in asked.items()
        if item.row is not None
    }


def _unreadable(files: Mapping[int, PersonFile], aside: Iterable[Piece]) -> dict[int, PersonFile]:
    """The files of those of whom a piece does not open."""
    people_of = {piece.person_id for piece in aside} & files.keys()
    return {
        person_id: msgspec.structs.replace(files[person_id], unreadable=True)
        for person_id in people_of
        if person_id is not None
    }


def _in_places(tx: Tx, office: Office, batch: Batch, row_answers: Collection[int]) -> list[HeldRecord]:
    """Records of pages that are taken back, at places that are taken out, or of rows a person answered about, which may
    be known by another number."""
    answered = {(batch.page.seq, row) for row in row_answers} if batch.page is not None else set()
    seqs = {*batch.taken_back, *(seq for seq, _ in batch.taken_out), *(seq for seq, _ in answered)}
    if not seqs:
        return []
    rows = [held_record(office, row) for row in records.of_pages(tx, sorted(seqs))]
    return [
        settlement
        for settlement in rows
        if settlement.page_seq in batch.taken_back or settlement.place in batch.taken_out | answered
    ]


def _open_reviews(tx: Tx, batch: Batch, keys: Collection[bytes]) -> list[ReviewItem]:
    items = reviews.open_by_key(tx, keys) if batch.page is not None or batch.taken_back else []
    items += reviews.open_of_pages(tx, batch.pages_again) if batch.pages_again else []
    return list({item.item_id: item for item in items}.values())


def _open_quarantine(tx: Tx, batch: Batch, keys: Collection[bytes]) -> list[QuarantineItem]:
    items = quarantine.open_by_key(tx, keys) if batch.page is not None or batch.taken_back else []
    items += quarantine.open_of_pages(tx, batch.pages_again) if batch.pages_again else []
    return list({item.item_id: item for item in items}.values())


def _waiting(
    tx: Tx, office: Office, batch: Batch, rows: Sequence[ReadRow], formers: Collection[bytes]
) -> tuple[dict[bytes, list[Place]], dict[Place, tuple[PagePlace, SettlementRecord]], frozenset[Place]]:
    """Reversals that wait for a settlement of these rows, the batch's and their rivals, or for what one of them
    reverses; those that stand in other rows, read from their pages; and those that came again since. `formers`: as
    which rows and what they reverse were known before."""
    members = {row.key for row in rows if row.row_class is _MEMBER and row.key is not None}
    again = {row.original for row in rows if row.original is not None}.union(formers)
    stored = records.waiting(tx, members | again)
    if not stored:
        return {}, {}, frozenset()
    own_places = {(batch.page.seq, row.index) for row in batch.rows} if batch.page is not None else set()
    waiting: dict[bytes, list[Place]] = defaultdict(list)
    readable: dict[Place, tuple[PagePlace, SettlementRecord]] = {}
    outdated = set()
    for stored_key, seq, row in sorted(stored):
        read = None if (seq, row) in own_places else _read_whole(tx, office, (seq, row))
        if read is not None and _came_again(tx, office, (seq, row), *read):
            outdated.add((seq, row))
            continue
        original = stored_key
        if read is not None:
            # Known as it would be now, if it was stored before numbers were only unique within their facility.
            number = read[1].reverses or read[1].settlement_no
            original = office.number_key(read[0].feed)(read[1].facility_no, number + "+")
            readable[seq, row] = read
        waiting[original].append((seq, row))
    return waiting, readable, frozenset(outdated)


def _came_again(tx: Tx, office: Office, place: Place, page: PagePlace, reversal: SettlementRecord) -> bool:
    """Whether a reversal that waits was received once more in a later row, and perhaps takes back another settlement:
    then it waits for nothing. Asked only where it would wake."""
    key = _key_of(office, page.feed, reversal)
    later = entries_after(tx, office, page.feed, page.seq - 1, {key}, [])
    return any(listed_place > place for listed_place, _, _ in later)


def _read_whole(tx: Tx, office: Office, place: Place) -> tuple[PagePlace, SettlementRecord] | None:
    """One row of a stored page; None where it cannot be read, or is gone."""
    try:
        page = open_page(tx, office, place[0])
    except BrokenSeal:
        return None
    if page is None:
        return None
    read = office.mapping_of(page.meta.feed).record(page.rows, place[1])
    return (page.place, read.record) if isinstance(read, Normal) else None


def _people_concerned(batch: Batch, rows: Iterable[ReadRow], stored: Iterable[HeldRecord]) -> dict[int, str]:
    """Person → association of everybody whose records may come or go."""
    concerned = dict(batch.people)
    for row in rows:
        if row.row_class is _MEMBER:
            concerned |= {member.person_id: association for association, member in row.matched}
    for settlement in stored:
        concerned.setdefault(settlement.person_id, settlement.association)
    return concerned
