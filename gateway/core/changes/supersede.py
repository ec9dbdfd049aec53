"""The last received holds: within a batch, against what is stored, against pages received later and worked before.

What stands is replaced only by what says as much: a later row that is a member's too. One that cannot be read, is
nobody's or is in doubt, that is another person's, that was settled earlier than what stands, or whose code for what
decides about money nobody knows, takes nothing away: it waits as a question (kind `changed`), or in quarantine, until a
person or a better row comes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.changes.persons import HeldRecord
from gateway.core.changes.values import Batch, Changes, Known, PagePlace, Place, ReadRow, Rules
from gateway.model.questions import QuarantineItem, ReviewItem
from gateway.model.record import SettlementRecord
from gateway.model.rows import RowClass

CHANGED: Final = "changed"
NAMES_NOBODY: Final = "names_nobody"
ANOTHER_PERSON: Final = "another_person"
ANOTHER_FACILITY: Final = "another_facility"
SETTLED_EARLIER: Final = "settled_earlier"
UNKNOWN_CODE: Final = "unknown_code"

_TELLING: Final = frozenset((RowClass.MEMBER, RowClass.DUPLICATE, RowClass.NOT_PAYABLE, RowClass.SUPERSEDED))
_ASIDE: Final = frozenset((RowClass.REVIEW, RowClass.QUARANTINED))


class _Claimant(msgspec.Struct, kw_only=True, gc=False):
    """A row that claims to be what stands under a key: of the batch (`row`), or stored as records, items, or in a list.

    `first`: where the number came first as this owner's; `telling`: whether it may replace a member's record: it is a
    member's for certain, or goes with one; `holding`: if it stands against what tells less; `owners`: (association,
    person) whose it is; `says`: what it says.
    """

    place: Place
    first: Place
    row_class: RowClass
    amount: int
    telling: bool
    holding: bool = False
    owners: frozenset[tuple[str, int]] = frozenset()
    member_id: int | None = None
    says: SettlementRecord | None = None
    row: ReadRow | None = None
    records: list[HeldRecord] = []
    questions: list[ReviewItem] = []
    errors: list[QuarantineItem] = []


def supersede(page: PagePlace, rows: Sequence[ReadRow], known: Known, rules: Rules, changes: Changes) -> None:
    """Give every row its first class, and take out what a row of the batch replaces.

    Only rows with a number can replace or be replaced. A stranger's row of an earlier page is not found, because
    nothing is kept of strangers but sealed lists; `hubao reconcile` counts it as superseded.
    """
    _take_answers(page, rows, known, rules, changes)
    by_key: dict[bytes, list[ReadRow]] = {}
    crowded: set[bytes] = set()
    for row in rows:
        if row.index in changes.classes:
            continue
        changes.classes[row.index] = row.row_class
        if row.key is not None:
            if row.key in by_key:
                crowded.add(row.key)
                by_key[row.key].append(row)
            else:
                by_key[row.key] = [row]
    # A page received later was worked before this one. What it says of the settlement stands.
    overtaken = {
        row.index
        for key, later in known.last_places.items()
        for row in by_key.get(key, ())
        if later > (page.seq, row.index)
    }
    changes.classes |= dict.fromkeys(overtaken, RowClass.SUPERSEDED)
    stored = _stored(page, by_key, known, changes)
    for key in sorted(crowded | stored.keys()):
        standing = (row for row in by_key[key] if row.index not in overtaken and not _waits_in_hold(row))
        of_batch = [_of_row(page, row, changes) for row in standing]
        if of_batch:
            rivals = sorted([*of_batch, *stored.get(key, ())], key=lambda claimant: (claimant.first, claimant.place))
            _settle(page, key, rivals, rules, changes, known)


def _take_answers(page: PagePlace, rows: Sequence[ReadRow], known: Known, rules: Rules, changes: Changes) -> None:
    """What a person answered about rows read again. keep: the row stays in its page and is known by no number; both:
    it is a settlement of its own, whose number is unique within its facility."""
    for row in rows if known.row_answers else ():
        answer = known.row_answers.get(row.index)
        if answer == "keep":
            changes.classes[row.index], row.key = RowClass.NOT_PAYABLE, None
        elif answer == "both" and row.row_class in (RowClass.NON_MEMBER, RowClass.NOT_PAYABLE):
            changes.classes[row.index], row.key = row.row_class, None
        elif answer == "both" and row.record is not None:
            number = within_facility(row.record.facility_no, row.record.settlement_no + row.record.sign)
            row.key = rules.record_key(page.feed)(number)
    numbers = {row.index: row.key for row in rows} if known.records else {}
    for settlement in known.records:
        # A row that is known by another number than before leaves its record under the one of before.
        if settlement.page_seq == page.seq and numbers.get(settlement.row, settlement.key) != settlement.key:
            changes.remove(settlement)


def within_facility(facility_no: str | None, number: str) -> str:
    """The text of a settlement number, with its sign, that is unique within its facility only."""
    return f"{facility_no or ''}\x1f{number}"


def _waits_in_hold(row: ReadRow) -> bool:
    return row.row_class is RowClass.REVIEW and not row.decisions


def _of_row(page: PagePlace, row: ReadRow, changes: Changes) -> _Claimant:
    matched = row.matched
    return _Claimant(
        place=(page.seq, row.index),
        first=changes.first_places.get(row.index, (page.seq, row.index)),
        row_class=row.row_class,
        amount=row.amount,
        telling=row.row_class in _TELLING or row.is_nameless_reversal,
        holding=row.row_class is RowClass.MEMBER,
        owners=frozenset((association, member.person_id) for association, member in matched),
        member_id=matched[0][1].member_id if matched else None,
        # A reversal that names nobody tells nothing that could be held against another one.
        says=None if row.is_nameless_reversal else row.record,
        row=row,
    )


def _stored(
    page: PagePlace, by_key: Mapping[bytes, Sequence[ReadRow]], known: Known, changes: Changes
) -> dict[bytes, list[_Claimant]]:
    """Key → what is stored under it elsewhere. A row that is read again is not its own rival: its record goes, and
    comes again. Records first: a row that is a member's and asked about is counted as the member's."""
    rivals: dict[tuple[bytes | None, Place], _Claimant] = {}
    own = {(page.seq, row.index) for rows in by_key.values() for row in rows}
    for settlement in known.records:
        if settlement.key not in by_key:
            continue
        if settlement.place in own:
            changes.remove(settlement)
            if settlement.first is not None:
                changes.first_places[settlement.row] = settlement.first
            continue
        rival = rivals.get((settlement.key, settlement.place))
        if rival is None:
            rival = rivals[settlement.key, settlement.place] = _of_record(settlement, known)
        rival.owners |= {(settlement.association, settlement.person_id)}
        rival.records.append(settlement)
    for item in known.open_reviews:
        # What waits in a hold is worked when the hold ends, and replaces nothing until then.
        elsewhere = item.row is not None and (item.page_seq, item.row) not in own
        if elsewhere and item.key in by_key and item.kind != "hold":
            place = (item.page_seq, item.row or 0)
            _aside(rivals, item.key, place, RowClass.REVIEW, item.amount).questions.append(item)
    for aside in known.open_quarantine:
        if aside.row is not None and aside.key in by_key and (aside.page_seq, aside.row) not in own:
            place = (aside.page_seq, aside.row)
            _aside(rivals, aside.key, place, RowClass.QUARANTINED, aside.amount).errors.append(aside)
    for number, (place, amount) in known.later_strangers.items():
        if number in by_key:
            _aside(rivals, number, place, RowClass.NON_MEMBER, amount)
    stored: dict[bytes, list[_Claimant]] = defaultdict(list)
    for (key, _), rival in rivals.items():
        stored[key or b""].append(rival)
    return stored


def _of_record(settlement: HeldRecord, known: Known) -> _Claimant:
    person = known.people.get(settlement.person_id)
    return _Claimant(
        place=settlement.place,
        first=settlement.first_place,
        row_class=settlement.row_class,
        amount=settlement.amount,
        # Who takes part in nothing any more has nothing that could stand against a later row.
        telling=True,
        holding=person is None or bool(person.enrolled),
        member_id=settlement.member_id,
        says=settlement.record,
        records=[],
        questions=[],
        errors=[],
    )


def _aside(
    rivals: dict[tuple[bytes | None, Place], _Claimant],
    key: bytes | None,
    place: Place,
    row_class: RowClass,
    amount: int,
) -> _Claimant:
    rival = rivals.get((key, place))
    if rival is None:
        rival = rivals[key, place] = _Claimant(
            place=place,
            first=place,
            row_class=row_class,
            amount=amount,
            telling=False,
            records=[],
            questions=[],
            errors=[],
        )
    return rival


def _settle(
    page: PagePlace,
    key: bytes,
    claimants: Iterable[_Claimant],
    rules: Rules,
    changes: Changes,
    known: Known,
) -> None:
    """Which of the rows of one key stands, in order of their places, and which waits beside it; all others count no
    longer."""
    standing: _Claimant | None = None
    waiting: list[tuple[_Claimant, str]] = []
    replaced: list[_Claimant] = []
    for claimant in claimants:
        if standing is None:
            standing = claimant
            continue
        reason = _objection(standing, claimant, known)
        if claimant.place < standing.place:
            # What stands came later, in the place of one that came before: it was worked first.
            replaced.append(claimant)
            if reason != SETTLED_EARLIER and _objection(claimant, standing, known) == SETTLED_EARLIER:
                replaced[-1:], waiting = [], [(standing, SETTLED_EARLIER)]
                claimant.first, standing = min(standing.first, claimant.first), claimant
        elif reason is not None:
            waiting.append((claimant, reason))
        else:
            replaced += [*(rival for rival, _ in waiting), standing]
            if standing.holding and not standing.owners.isdisjoint(claimant.owners):
                claimant.first = min(standing.first, claimant.first)
            standing, waiting = claimant, []
    replaced += [rival for rival, _ in waiting[:-1]]
    for claimant in replaced:
        _replace(claimant, changes)
    if standing is None:
        return
    _note_first(standing, changes)
    if waiting:
        _wait(page, key, standing, *waiting[-1], rules, changes)


def _note_first(standing: _Claimant, changes: Changes) -> None:
    """Where what stands came first as this person's."""
    if standing.row is not None and standing.first < standing.place:
        changes.first_places[standing.row.index] = standing.first
    for settlement in standing.records:
        if standing.first < settlement.first_place and settlement.record_id is not None:
            changes.came_first[settlement.record_id] = standing.first


def _is_taken(claimant: _Claimant, known: Known) -> bool:
    return claimant.row is not None and known.row_answers.get(claimant.row.index) == "take"


def _objection(standing: _Claimant, claimant: _Claimant, known: Known) -> str | None:
    """Why a later row does not replace what stands; None where it does."""
    if not standing.holding or _is_taken(claimant, known):
        return None
    return _contradiction(standing, claimant) if claimant.telling else NAMES_NOBODY


def _contradiction(standing: _Claimant, claimant: _Claimant) -> str | None:
    """What speaks against two members' rows being one settlement, told anew."""
    shared = {association for association, _ in standing.owners} & {association for association, _ in claimant.owners}
    if shared and standing.owners.isdisjoint(claimant.owners):
        places = [rival.says.facility_no for rival in (standing, claimant) if rival.says is not None]
        return ANOTHER_FACILITY if len({*places} - {None}) > 1 else ANOTHER_PERSON
    if standing.says is not None and claimant.says is not None:
        stood, came = standing.says.settled_at, claimant.says.settled_at
        if stood is not None and came is not None and came.timestamp() < stood.timestamp():
            return SETTLED_EARLIER
    unknown = claimant.row.unknown_codes if claimant.row is not None else ()
    return UNKNOWN_CODE if unknown and _tells_otherwise(unknown, standing.says, claimant.says) else None


def _tells_otherwise(fields: Sequence[str], stood: SettlementRecord | None, came: SettlementRecord | None) -> bool:
    """Whether one of these fields is not what it was. A row that nobody pays for has no record: what it replaces was
    paid for, so it is not what it was."""
    return came is None or stood is None or any(getattr(stood, field) != getattr(came, field) for field in fields)


def _replace(claimant: _Claimant, changes: Changes) -> None:
    if claimant.row is not None:
        changes.classes[claimant.row.index] = RowClass.SUPERSEDED
        return
    if claimant.row_class is RowClass.NON_MEMBER:
        # A stranger's row stays in the list of its page: `reconcile` sees that its number stands again further on.
        return
    for settlement in claimant.records:
        changes.remove(settlement)
    # One row may be two associations' record, or a record and a question: it is counted once.
    changes.move(claimant.place, claimant.row_class, RowClass.SUPERSEDED, claimant.amount)
    changes.superseded_reviews += [item.item_id for item in claimant.questions]
    changes.superseded_quarantine += [aside.item_id for aside in claimant.errors]


def _wait(
    page: PagePlace,
    key: bytes,
    standing: _Claimant,
    claimant: _Claimant,
    reason: str,
    rules: Rules,
    changes: Changes,
) -> None:
    """A row that may not replace what stands is asked about, but where it is in quarantine or asked about anyway."""
    if claimant.row_class in _ASIDE:
        return
    if claimant.row is not None:
        changes.classes[claimant.row.index] = RowClass.REVIEW
    else:
        for settlement in claimant.records:
            changes.remove(settlement)
        changes.move(claimant.place, claimant.row_class, RowClass.REVIEW, claimant.amount)
        changes.relist(claimant.place, RowClass.REVIEW)
    association = min(association for association, _ in standing.owners)
    changes.questions.append(
        ReviewItem(
            kind="changed",
            association=association,
            feed=page.feed,
            page_seq=claimant.place[0],
            row=claimant.place[1],
            key=key,
            amount=claimant.amount,
            member_id=standing.member_id,
            score=None,
            reasons=msgspec.json.encode([reason]).decode(),
            state="open",
            created_at=rules.now_ms,
        )
    )


def standing_before(page: PagePlace, rows: Sequence[ReadRow], known: Known) -> dict[int, RowClass]:
    """The class each row had until now, for rows read again: the tables know of records, questions and errors; the
    page's own list knows the rest, of which only strangers and what nobody pays for can still be standing."""
    indexes = {row.index for row in rows}
    before = {
        index: row_class if row_class in (RowClass.NON_MEMBER, RowClass.NOT_PAYABLE) else RowClass.SUPERSEDED
        for index, row_class in known.listed.items()
        if index in indexes
    }
    for settlement in known.records:
        if settlement.page_seq == page.seq and settlement.row in indexes:
            before[settlement.row] = settlement.row_class
    for item in known.open_reviews:
        recorded = before.get(item.row or 0) in (RowClass.MEMBER, RowClass.DUPLICATE)
        if item.page_seq == page.seq and item.row in indexes and not recorded:
            before[item.row] = RowClass.REVIEW
    for aside in known.open_quarantine:
        if aside.page_seq == page.seq and aside.row in indexes:
            before[aside.row] = RowClass.QUARANTINED
    return before


def still_standing(batch: Batch, page: PagePlace, known: Known, before: dict[int, RowClass]) -> list[ReadRow]:
    """The rows read again that nothing received later has replaced, and those that only now show that something has."""
    standing = []
    for row in batch.rows:
        replaced = row.key is not None and known.last_places.get(row.key, (0, 0)) > (page.seq, row.index)
        if replaced and before[row.index] is RowClass.QUARANTINED:
            # Its number could not be read until now, so nothing could take its place before.
            standing.append(msgspec.structs.replace(row, row_class=RowClass.SUPERSEDED))
        elif before[row.index] is not RowClass.SUPERSEDED and not replaced:
            standing.append(row)
    return standing


def counted_money(page: PagePlace, known: Known) -> dict[int, int]:
    """Row → the money its open error was counted with: none, while its total could not be read."""
    return {
        item.row: item.amount for item in known.open_quarantine if item.page_seq == page.seq and item.row is not None
    }


def close_own_items(page: PagePlace, rows: Sequence[ReadRow], known: Known, changes: Changes) -> None:
    """Doubts and errors about these very rows are asked anew at the end, if they still stand."""
    indexes = {row.index for row in rows}
    for item in known.open_reviews:
        if item.page_seq == page.seq and item.row in indexes and item.kind in ("match", "hold", CHANGED):
            changes.closed_reviews.append(item.item_id)
    for aside in known.open_quarantine:
        if aside.page_seq == page.seq and aside.row in indexes:
            changes.closed_quarantine.append(aside.item_id)
