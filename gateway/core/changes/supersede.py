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

from gateway.core.changes.numbers import within_facility
from gateway.core.changes.persons import HeldRecord
from gateway.core.changes.values import (
    Batch,
    Changes,
    Known,
    PagePlace,
    Place,
    PlacedRow,
    ReadRow,
    ReturnedRow,
    Rules,
)
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
_LEFT_IN_PAGE: Final = frozenset((RowClass.NON_MEMBER, RowClass.NOT_PAYABLE))


class _Claimant(msgspec.Struct, kw_only=True, gc=False):
    """A row that claims to be what stands under a key: of the batch (`row`), or stored as records, items, or in a list.

    `first`: where the number came first as this owner's; `row_class`: as it counts until now; `telling`: whether it may
    replace a member's record: it is a member's for certain, or goes with one; `holding`: if it stands against what
    tells less; `owners`: (association, person) whose it is; `says`: what it says; `rival`: the row of another batch,
    where nothing but its page tells of it.
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
    rival: PlacedRow | None = None
    records: list[HeldRecord] = []
    questions: list[ReviewItem] = []
    errors: list[QuarantineItem] = []

    @property
    def reading(self) -> ReadRow | None:
        """The row as it reads now; None where only what is stored of it is known."""
        return self.rival.row if self.rival is not None else self.row


def supersede(page: PagePlace, rows: Sequence[ReadRow], known: Known, rules: Rules, changes: Changes) -> None:
    """Give every row its first class, and take out what a row of the batch replaces.

    Only rows with a number can replace or be replaced. What came under a number is made out row by row, in the order
    of places: where pages are worked in that order, what stands and what waits beside it is enough to go on from.
    Where a later page was worked before, or a row is read again, all rows of the number are looked up in their pages
    (`known.rivals`), so that the order of work does not tell. A stranger's row of an earlier page is not looked for
    otherwise; `hubao reconcile` counts it as superseded.
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
    is_alone = not (known.records or known.open_reviews or known.open_quarantine or known.rivals)
    stored = {} if is_alone else _stored(page, by_key, known, changes)
    for key in sorted(crowded | stored.keys()):
        of_batch = [
            _of_row(page, row, changes)
            for row in by_key[key]
            # What waits in a hold has nothing decided about it.
            if row.index not in overtaken and (row.row_class is not RowClass.REVIEW or row.decisions)
        ]
        if of_batch:
            claimants = [*of_batch, *stored.get(key, ())]
            places = {claimant.place for claimant in claimants} if key in known.rivals else ()
            for claimant in claimants:
                # Where a number came first is made out anew, unless it came in a row that is known no more.
                claimant.first = claimant.place if claimant.first in places else claimant.first
            claimants.sort(key=lambda claimant: (claimant.first, claimant.place))
            _settle(page, key, claimants, rules, changes, known)


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


def _of_row(page: PagePlace, row: ReadRow, changes: Changes) -> _Claimant:
    claimant = _as_read((page.seq, row.index), row)
    claimant.first = changes.first_places.get(row.index, claimant.place)
    claimant.row = row
    return claimant


def _as_read(place: Place, row: ReadRow) -> _Claimant:
    """What a row claims as it reads."""
    matched = row.matched
    return _Claimant(
        place=place,
        first=place,
        row_class=row.row_class,
        amount=row.amount,
        telling=row.row_class in _TELLING or row.is_nameless_reversal,
        holding=row.row_class is RowClass.MEMBER,
        owners=frozenset((association, member.person_id) for association, member in matched),
        member_id=matched[0][1].member_id if matched else None,
        # A reversal that names nobody tells nothing that could be held against another one.
        says=None if row.is_nameless_reversal else row.record,
    )


def _stored(
    page: PagePlace, by_key: Mapping[bytes, Sequence[ReadRow]], known: Known, changes: Changes
) -> dict[bytes, list[_Claimant]]:
    """Key → what is stored under it elsewhere. A row that is read again is not its own rival: its record goes, and
    comes again. Records first: a row that is a member's and asked about is counted as the member's."""
    rivals: dict[tuple[bytes | None, Place], _Claimant] = {}
    own = {row.index for rows in by_key.values() for row in rows}
    in_holds = {(item.page_seq, item.row or 0) for item in known.open_reviews if item.kind == "hold"}
    for settlement in known.records:
        if settlement.key not in by_key:
            continue
        if settlement.page_seq == page.seq and settlement.row in own:
            changes.remove(settlement)
            if settlement.first is not None:
                changes.first_places[settlement.row] = settlement.first
            continue
        rival = rivals.get((settlement.key, settlement.place))
        if rival is None:
            rival = rivals[settlement.key, settlement.place] = _of_record(settlement, known)
        rival.owners |= {(settlement.association, settlement.person_id)}
        rival.records.append(settlement)
    items: list[ReviewItem | QuarantineItem] = [*known.open_reviews, *known.open_quarantine]
    for item in items:
        # What waits in a hold is worked when the hold ends, and replaces nothing until then.
        if item.key not in by_key or item.row is None or (item.page_seq, item.row) in in_holds:
            continue
        if item.page_seq != page.seq or item.row not in own:
            _add_item(rivals, (item.page_seq, item.row), item)
    for number in known.rivals.keys() & by_key.keys():
        for placed in known.rivals[number]:
            rival = rivals.get((number, placed.place))
            # What is stored of a member's row is what stands, whatever its page would say now.
            if placed.place not in in_holds and (rival is None or not rival.records):
                rivals[number, placed.place] = _of_rival(placed, rival)
    stored: dict[bytes, list[_Claimant]] = defaultdict(list)
    for (key, _), rival in rivals.items():
        stored[key or b""].append(rival)
    return stored


def _of_rival(placed: PlacedRow, stored: _Claimant | None) -> _Claimant:
    """A row of another batch; `stored`: its open questions and errors, which say how it counts until now."""
    claimant = _as_read(placed.place, placed.row)
    claimant.rival = placed
    claimant.row_class = placed.listed if placed.listed in _LEFT_IN_PAGE else RowClass.SUPERSEDED
    if stored is not None:
        claimant.row_class, claimant.questions, claimant.errors = stored.row_class, stored.questions, stored.errors
    return claimant


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


def _add_item(
    rivals: dict[tuple[bytes | None, Place], _Claimant], place: Place, item: ReviewItem | QuarantineItem
) -> None:
    """An open question or error about a row of another batch."""
    rival = rivals.get((item.key, place))
    if rival is None:
        rival = rivals[item.key, place] = _Claimant(
            place=place,
            first=place,
            row_class=RowClass.REVIEW if isinstance(item, ReviewItem) else RowClass.QUARANTINED,
            amount=item.amount,
            telling=False,
            records=[],
            questions=[],
            errors=[],
        )
    if isinstance(item, ReviewItem):
        rival.questions.append(item)
    else:
        rival.errors.append(item)


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
    if standing.rival is not None:
        _count_again(standing, standing.rival, standing.rival.row.row_class, changes)
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


def _count_again(claimant: _Claimant, rival: PlacedRow, row_class: RowClass, changes: Changes) -> None:
    """A row of another batch counts as this from now on, where it did not."""
    if claimant.row_class is not row_class:
        changes.closed_reviews += [item.item_id for item in claimant.questions]
        changes.closed_quarantine += [aside.item_id for aside in claimant.errors]
        changes.returned[claimant.place] = ReturnedRow(
            placed=rival, before=claimant.row_class, row_class=row_class, first=claimant.first
        )


def _objection(standing: _Claimant, claimant: _Claimant, known: Known) -> str | None:
    """Why a later row does not replace what stands; None where it does."""
    answer = None if claimant.row is None else known.row_answers.get(claimant.row.index)
    if not standing.holding or answer == "take" or claimant.place in known.taken:
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
    unknown = claimant.reading.unknown_codes if claimant.reading is not None else ()
    return UNKNOWN_CODE if unknown and _tells_otherwise(unknown, standing.says, claimant.says) else None


def _tells_otherwise(fields: Sequence[str], stood: SettlementRecord | None, came: SettlementRecord | None) -> bool:
    """Whether one of these fields is not what it was. A row that nobody pays for has no record: what it replaces was
    paid for, so it is not what it was."""
    return came is None or stood is None or any(getattr(stood, field) != getattr(came, field) for field in fields)


def _replace(claimant: _Claimant, changes: Changes) -> None:
    if claimant.row is not None:
        changes.classes[claimant.row.index] = RowClass.SUPERSEDED
        return
    if claimant.row_class in _LEFT_IN_PAGE:
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
    if claimant.rival is not None and claimant.rival.row.row_class in _ASIDE:
        _count_again(claimant, claimant.rival, claimant.rival.row.row_class, changes)
    reasons = msgspec.json.encode([reason]).decode()
    asked = {(item.kind, item.member_id, item.reasons) for item in claimant.questions}
    if (claimant.reading or claimant).row_class in _ASIDE or (CHANGED, standing.member_id, reasons) in asked:
        return
    if claimant.row is not None:
        changes.classes[claimant.row.index] = RowClass.REVIEW
    else:
        changes.superseded_reviews += [item.item_id for item in claimant.questions]
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
            reasons=reasons,
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
        place = (page.seq, row.index)
        rivals = known.rivals.get(row.key or b"", ())
        replaced = row.key is not None and known.last_places.get(row.key, (0, 0)) > place
        if row.row_class in _LEFT_IN_PAGE and row.row_class is before[row.index]:
            # Nothing about it changed: what a later row replaced is left in its page as ever.
            replaced = replaced or any(rival.place > place for rival in rivals)
        if replaced and before[row.index] is RowClass.QUARANTINED:
            # Its number could not be read until now, so nothing could take its place before.
            standing.append(msgspec.structs.replace(row, row_class=RowClass.SUPERSEDED))
        elif rivals and not replaced and row.index not in known.refused:
            # Which of the rows of a number stands is made out from all of them: one that was replaced may be again.
            standing.append(row)
        elif before[row.index] is not RowClass.SUPERSEDED and not replaced:
            standing.append(row)
    return standing


def counted_money(page: PagePlace, knowledge: Known) -> dict[int, int]:
    """Row → the money its open error was counted with: none, while its total could not be read."""
    return {
        item.row: item.amount
        for item in knowledge.open_quarantine
        if item.page_seq == page.seq and item.row is not None
    }


def close_own_items(page: PagePlace, rows: Sequence[ReadRow], knowledge: Known, changes: Changes) -> None:
    """Doubts and errors about these very rows are asked anew at the end, if they still stand."""
    indexes = {row.index for row in rows}
    for item in knowledge.open_reviews:
        if item.page_seq == page.seq and item.row in indexes and item.kind in ("match", "hold", CHANGED):
            changes.closed_reviews.append(item.item_id)
    for aside in knowledge.open_quarantine:
        if aside.page_seq == page.seq and aside.row in indexes:
            changes.closed_quarantine.append(aside.item_id)
