"""A site in memory, as far as `conclude` can see one, and short ways to write what its pages hold. All invented.

`World` does with dicts what `flow/changes` does with a database: gather what is known of a batch, conclude, write. It
decides nothing; where it and `gather.py` or `write.py` part, the tests that use it prove nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from schemes_builders import IN_2021, family

from gateway.core.changes import (
    AskedBefore,
    Batch,
    Changes,
    HeldRecord,
    Known,
    PagePlace,
    PersonFile,
    ReadRow,
    Rules,
    conclude,
)
from gateway.core.changes.leavings import PLAIN_REASONS
from gateway.core.changes.questions import Answered
from gateway.core.changes.values import ClaimKey, DecidedClaim, Place, PlacedRow
from gateway.core.claims import kept
from gateway.core.schemes import SchemeFamily, could_pay_any, in_order_of_payment
from gateway.model.benefit import ClaimDecision, Fact
from gateway.model.claim import ClaimStatus, PrefilledClaim
from gateway.model.decision import MatchDecision, MatchOutcome
from gateway.model.holds import AsideItem
from gateway.model.member import Coverage, Member
from gateway.model.money import Money
from gateway.model.page import Identity, RowError
from gateway.model.pieces import Piece
from gateway.model.questions import QuarantineItem, ReviewItem
from gateway.model.record import SettlementRecord
from gateway.model.rows import RowClass, Tally, signed

NOW = 1_700_000_000_000
LEAGUE = "league"
FIRST_DAY = date(2021, 9, 30)


def digest(text: str) -> bytes:
    """In place of a keyed digest."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


_STAYS: dict[bytes, str] = {}
"""What the digests of stays were made of."""


def digest_stay(text: str) -> bytes:
    """In place of the keyed digest of a stay, and remembered, so that a test can say which it is about."""
    stay_digest = digest(text)
    _STAYS[stay_digest] = text.rpartition("\x1f")[2]
    return stay_digest


def stay_of(claim: PrefilledClaim) -> str:
    """What the stay of a claim is called."""
    assert claim.stay_digest is not None
    return _STAYS[claim.stay_digest]


def key(number: str, sign: str = "+", feed: str = "a") -> bytes:
    """The key of a row: its feed, number and sign."""
    return digest(f"{feed}/{number}{sign}")


def rules(families: Mapping[str, Sequence[SchemeFamily]]) -> Rules:
    """Rules with plain digests."""
    ordered = {association: in_order_of_payment(schemes) for association, schemes in families.items()}
    return Rules(
        families=ordered.__getitem__,
        could_pay=lambda association, record: could_pay_any(record, ordered[association], refund=record.reversal),
        record_key=lambda feed: lambda number: digest(f"{feed}/{number}"),
        number_key=lambda feed: lambda _, number: digest(f"{feed}/{number}"),
        digest_content=lambda content: digest(content.hex()),
        digest_doubt=digest,
        digest_stay=digest_stay,
        now_ms=NOW,
    )


def covered(*periods: tuple[str, str], scheme: str = "nm-inpatient") -> tuple[Coverage, ...]:
    """Coverage in a scheme; one period of 2021 where none is named."""
    return tuple(
        Coverage(first_day=date.fromisoformat(first), last_day=date.fromisoformat(last), scheme=scheme)
        for first, last in periods or (IN_2021,)
    )


def enrolled(person_id: int, member_id: int | None = None, **changes: Any) -> Member:
    """An enrolment; of the person's own number where nothing else is said."""
    number = person_id if member_id is None else member_id
    fields: dict[str, Any] = {
        "member_id": number,
        "person_id": person_id,
        "member_no": f"M{number}",
        "name": "李伟国",
        "id_number": f"150999198005{number:06d}",
        "sex": "F",
        "birth_date": date(1980, 5, 1),
        "association": LEAGUE,
        "coverage": covered(),
    }
    return Member(**(fields | changes))


def decision(member: Member, outcome: MatchOutcome = MatchOutcome.MATCHED) -> tuple[str, MatchDecision]:
    """What matching says of a row and a member: certain and plain, or in doubt."""
    matched = outcome is MatchOutcome.MATCHED
    reasons = PLAIN_REASONS if matched else ("name_differs",)
    score = 1.0 if matched else 0.5
    return member.association, MatchDecision(outcome=outcome, score=score, reasons=reasons, member=member)


def _identity(record: SettlementRecord, *, names_nobody: bool = False) -> Identity:
    return Identity(
        settlement_no=record.settlement_no,
        reversal=record.reversal,
        reverses=(record.reverses or record.settlement_no) if record.reversal else None,
        id_type=None,
        id_number=None,
        total=record.total_amount or 0,
        names_nobody=names_nobody,
    )


def _read(index: int, record: SettlementRecord, feed: str, /, **changes: Any) -> ReadRow:
    fields: dict[str, Any] = {
        "index": index,
        "key": key(record.settlement_no, record.sign, feed),
        "original": key(record.reverses or record.settlement_no, "+", feed) if record.reversal else None,
        "amount": signed(record.total_amount, reversal=record.reversal),
        "identity": _identity(record),
    }
    decisions = changes.pop("decisions", ())
    row = ReadRow(**(fields | changes))
    row.decide(decisions)
    return row


def members_row(index: int, record: SettlementRecord, *members: Member, feed: str = "a", **changes: Any) -> ReadRow:
    """A row that certainly is these members', each of another association, and that a scheme could pay."""
    said = msgspec.structs.replace(record, name="李伟国", id_number=members[0].id_number)
    fields: dict[str, Any] = {"row_class": RowClass.MEMBER, "record": said, "decisions": [decision(m) for m in members]}
    return _read(index, record, feed, **(fields | changes))


def unpaid_row(index: int, record: SettlementRecord, member: Member, *, feed: str = "a", **changes: Any) -> ReadRow:
    """A member's row that no scheme could pay."""
    fields: dict[str, Any] = {"row_class": RowClass.NOT_PAYABLE, "decisions": [decision(member)]}
    return _read(index, record, feed, **(fields | changes))


def strangers_row(index: int, record: SettlementRecord, *, feed: str = "a") -> ReadRow:
    """A row about nobody who is enrolled."""
    return _read(index, record, feed)


def doubtful_row(index: int, record: SettlementRecord, member: Member, *, feed: str = "a") -> ReadRow:
    """A row that may be a member's."""
    doubt = decision(member, MatchOutcome.REVIEW)
    return _read(index, record, feed, row_class=RowClass.REVIEW, decisions=[doubt])


def nameless_row(index: int, record: SettlementRecord, *, feed: str = "a") -> ReadRow:
    """A reversal without name and id number."""
    return _read(index, record, feed, identity=_identity(record, names_nobody=True), record=record)


def broken_row(index: int, record: SettlementRecord | None = None, *, feed: str = "a", **changes: Any) -> ReadRow:
    """A row that cannot be read, but for number and money where a record is given."""
    wrong = {"row_class": RowClass.QUARANTINED, "errors": (RowError(code="bad_date", field="admitted_on", message=""),)}
    if record is None:
        return ReadRow(index=index, **(wrong | changes))
    return _read(index, record, feed, **(wrong | {"identity": None} | changes))


class World:
    """Everything that is stored. `shut`: people of whom something does not open."""

    def __init__(self, *members: Member, families: Mapping[str, Sequence[SchemeFamily]] | None = None) -> None:
        self.rules = rules(families or {LEAGUE: [family()]})
        self.members: dict[int, list[Member]] = defaultdict(list)
        for member in members:
            self.members[member.person_id].append(member)
        self.facts: dict[int, tuple[Fact, ...]] = {}
        self.shut: set[int] = set()
        self.pages: dict[int, tuple[PagePlace, dict[int, ReadRow]]] = {}
        self.lists: dict[int, dict[int, tuple[RowClass, bytes | None]]] = defaultdict(dict)
        self.tallies: dict[int, Tally] = defaultdict(Tally)
        self.records: dict[int, HeldRecord] = {}
        self.waiting: dict[Place, tuple[str, bytes]] = {}
        self.claims: dict[tuple[int, ClaimKey], PrefilledClaim] = {}
        self.bodies: dict[tuple[str, int], bytes] = {}
        self.decisions: dict[str, tuple[int, int | None]] = {}
        self.reviews: dict[int, ReviewItem] = {}
        self.answers: dict[int, Answered] = {}
        self.quarantine: dict[int, QuarantineItem] = {}
        self.held: set[int] = set()
        self.aside: list[AsideItem] = []
        self._numbers = iter(range(1, 1_000_000))

    # What comes, and what is asked for.

    def store(self, seq: int, rows: Iterable[ReadRow], feed: str = "a") -> None:
        """A page is there; nothing of it is worked. It came on the day of its number."""
        received_on = (FIRST_DAY + timedelta(days=seq)).isoformat()
        place = PagePlace(seq=seq, feed=feed, received_on=received_on)
        self.pages[seq] = place, {row.index: row for row in rows}

    def work(self, seq: int, *rows: ReadRow, feed: str = "a") -> Changes:
        """A page comes and is worked at once."""
        self.store(seq, rows, feed)
        return self.work_batch(seq, [row.index for row in rows])

    def work_batch(self, seq: int, indexes: Sequence[int]) -> Changes:
        """Work some rows of a stored page for the first time."""
        place, rows = self.pages[seq]
        fills_gap = any(index > min(indexes) for index in self.lists[seq])
        return self.change(Batch(page=place, rows=[rows[index] for index in indexes], fills_gap=fills_gap))

    def read_again(self, seq: int, *rows: ReadRow, reason: str | None = None) -> Changes:
        """Rows of a worked page read anew."""
        place, stored = self.pages[seq]
        stored |= {row.index: row for row in rows}
        return self.change(Batch(page=place, rows=rows, again=True, withdrawal_reason=reason))

    def reassess(self, *people: int, reason: str | None = None) -> Changes:
        """Look at people again whose facts, enrolments or decisions changed."""
        return self.change(Batch(people=dict.fromkeys(people, LEAGUE), withdrawal_reason=reason))

    def decide(self, claim_id: str, payable: int | None) -> None:
        """The association decides the latest version of a claim; None: refused."""
        claim = next(claim for claim in self.claims.values() if claim.claim_id == claim_id)
        self.decisions[claim_id] = claim.version, payable

    def change(self, batch: Batch) -> Changes:
        """One look, one conclusion, one writing."""
        known = self.gather(batch)
        if self.held:
            known = msgspec.structs.replace(known, held=dict.fromkeys(self.held & known.people.keys(), 1))
        changes = conclude(batch, known, self.rules)
        self.aside += changes.put_aside
        self._write(batch, changes)
        return changes

    def release(self) -> None:
        """Nobody is held any more: what was put aside is concluded, in the order of places."""
        aside, self.aside, self.held = self.aside, [], set()
        rows: dict[int, set[int]] = defaultdict(set)
        for item in aside:
            if item.page_seq is not None and item.row is not None:
                rows[item.page_seq].add(item.row)
        for seq in sorted(rows):
            self.read_again(seq, *(self.pages[seq][1][index] for index in sorted(rows[seq])))
        taken_back = sorted({item.page_seq for item in aside if item.row is None and item.page_seq is not None})
        self.change(Batch(taken_back=taken_back))
        self.reassess(*sorted({item.person_id for item in aside}))

    # As `flow/changes/gather.py`.

    def gather(self, batch: Batch) -> Known:
        """What is stored about a batch."""
        keys = {row.key for row in batch.rows if row.key is not None}
        originals = {row.original for row in batch.rows if row.original is not None and row.is_nameless_reversal}
        stored = [held for held in self.records.values() if held.key in keys | originals]
        stored += [
            held for held in self.records.values() if held.page_seq in batch.taken_back or held.place in batch.taken_out
        ]
        seqs = {*batch.taken_back, *([batch.page.seq] if batch.page and batch.again else [])}
        row_answers = self._row_answers(batch)
        if batch.page:
            stored += [
                held for held in self.records.values() if held.place in {(batch.page.seq, r) for r in row_answers}
            ]
            stored = list({held.record_id: held for held in stored}.values())
        taken_back = {held.key for held in stored if held.page_seq in batch.taken_back}
        keys_asked = (keys if batch.page else set()) | taken_back
        rivals = self._rivals(batch, keys)
        rows = [*batch.rows, *(placed.row for of_key in rivals.values() for placed in of_key)]
        originals = {row.original for row in rows if row.original is not None and row.is_nameless_reversal}
        stored += [held for held in self.records.values() if held.key in originals and held not in stored]
        waiting, waiting_records, outdated = self._waiting(batch, rows)
        concerned = self._people_concerned(batch, rows, stored)
        people = {person_id: self._file(person_id, concerned[person_id]) for person_id in sorted(concerned)}
        claims: dict[int, dict[ClaimKey, PrefilledClaim]] = defaultdict(dict)
        for (person_id, claim_key), claim in self.claims.items():
            if person_id in concerned:
                claims[person_id][claim_key] = claim
        return Known(
            people=people,
            records=stored,
            open_reviews=[
                item
                for item in self.reviews.values()
                if item.state == "open"
                and (item.key in keys_asked or (item.kind in ("match", "changed", "hold") and item.page_seq in seqs))
            ],
            open_quarantine=[
                aside
                for aside in self.quarantine.values()
                if aside.state == "open" and (aside.key in keys_asked or aside.page_seq in seqs)
            ],
            rivals=rivals,
            taken=frozenset(
                (item.page_seq, item.row or 0)
                for item in self.reviews.values()
                if (item.kind, item.state) == ("changed", "decided") and self.answers[item.item_id].answer == "take"
            ),
            row_answers=row_answers,
            listed={row.index: self.lists[batch.page.seq][row.index][0] for row in batch.rows}
            if batch.page and batch.again
            else {},
            waiting=waiting,
            waiting_records=waiting_records,
            outdated=outdated,
            claims=claims,
            decided={person_id: self._decided(of_person) for person_id, of_person in claims.items()},
            asked={person_id: self._asked(person_id) for person_id in people},
            unopened=[
                Piece(kind="record", name="1", subject=LEAGUE, person_id=p) for p in sorted(self.shut & {*people})
            ],
        )

    def _asked(self, person_id: int) -> AskedBefore:
        members = {member.member_id for member in self.members[person_id]}
        items = [i for i in self.reviews.values() if i.kind in ("refund", "repeat") and i.member_id in members]
        return AskedBefore(
            open=tuple(item for item in items if item.state == "open"),
            answers={
                item.situation: self.answers[item.item_id]
                for item in items
                if item.state == "decided" and item.situation is not None
            },
        )

    def answer(self, item_id: int, answer: str, *, original: bytes | None = None) -> Changes:
        """A person answers a question about bills, and the member is looked at again."""
        item = self.reviews[item_id]
        self.reviews[item_id] = msgspec.structs.replace(item, state="decided")
        self.answers[item_id] = Answered(answer=answer, original=original)
        people = [p for p, enrolments in self.members.items() if item.member_id in {m.member_id for m in enrolments}]
        return self.reassess(*people)

    def take_answer_back(self, item_id: int) -> Changes:
        """The answer is undone: the question is open again."""
        item = self.reviews[item_id]
        self.reviews[item_id] = msgspec.structs.replace(item, state="open")
        people = [p for p, enrolments in self.members.items() if item.member_id in {m.member_id for m in enrolments}]
        return self.reassess(*people)

    def _rivals(self, batch: Batch, keys: set[bytes]) -> dict[bytes, list[PlacedRow]]:
        rivals: dict[bytes, list[PlacedRow]] = defaultdict(list)
        if batch.page is None:
            return rivals
        own = {(batch.page.seq, row.index) for row in batch.rows}
        for seq in sorted(self.lists):
            page, rows = self.pages[seq]
            for index, (row_class, row_key) in sorted(self.lists[seq].items()):
                row = msgspec.structs.replace(rows[index])
                if row_key in keys and row_key is not None and page.feed == batch.page.feed and (seq, index) not in own:
                    rivals[row_key].append(PlacedRow(page=page, row=row, listed=row_class))
        first = {row.key: (batch.page.seq, row.index) for row in reversed(batch.rows)}
        return {
            row_key: placed for row_key, placed in rivals.items() if batch.again or placed[-1].place > first[row_key]
        }

    def _row_answers(self, batch: Batch) -> dict[int, str]:
        if batch.page is None or not batch.again:
            return {}
        indexes = {row.index for row in batch.rows}
        return {
            item.row: self.answers[item.item_id].answer
            for item in self.reviews.values()
            if (item.kind, item.state, item.page_seq) == ("changed", "decided", batch.page.seq) and item.row in indexes
        }

    def _waiting(
        self, batch: Batch, rows: Sequence[ReadRow]
    ) -> tuple[dict[bytes, list[Place]], dict[Place, tuple[PagePlace, SettlementRecord]], frozenset[Place]]:
        members = {row.key for row in rows if row.key is not None and row.row_class is RowClass.MEMBER}
        again = {row.original for row in rows if row.original is not None}
        here = {(batch.page.seq, row.index) for row in batch.rows} if batch.page else set()
        waiting: dict[bytes, list[Place]] = defaultdict(list)
        readable, outdated = {}, set()
        for place, (_, original) in sorted(self.waiting.items()):
            if original not in members | again:
                continue
            page, of_page = self.pages.get(place[0], (None, {}))
            record = of_page[place[1]].record if page is not None and place not in here else None
            if record is not None and self._came_again(place, of_page[place[1]].key):
                outdated.add(place)
                continue
            waiting[original].append(place)
            if page is not None and record is not None:
                readable[place] = page, record
        return waiting, readable, frozenset(outdated)

    def _came_again(self, place: Place, row_key: bytes | None) -> bool:
        return any((seq, row) > place and k == row_key for seq in self.lists for row, (_, k) in self.lists[seq].items())

    def _people_concerned(self, batch: Batch, rows: Iterable[ReadRow], stored: Iterable[HeldRecord]) -> dict[int, str]:
        concerned = dict(batch.people)
        for row in rows:
            if row.row_class is RowClass.MEMBER:
                concerned |= {member.person_id: association for association, member in row.matched}
        for held in stored:
            concerned.setdefault(held.person_id, held.association)
        return concerned

    def _file(self, person_id: int, association: str) -> PersonFile:
        return PersonFile(
            person_id=person_id,
            association=association,
            members=self.members[person_id],
            records=[held for held in self.records.values() if held.person_id == person_id],
            facts=self.facts.get(person_id, ()),
            unreadable=person_id in self.shut,
        )

    def _decided(self, claims: Mapping[ClaimKey, PrefilledClaim]) -> dict[ClaimKey, DecidedClaim]:
        decided = {}
        for claim_key, claim in claims.items():
            if claim.claim_id in self.decisions:
                version, payable = self.decisions[claim.claim_id]
                settlements = kept.settlements_told(self.bodies[claim.claim_id, version])
                decided[claim_key] = DecidedClaim(
                    claim=claim,
                    decision=ClaimDecision(
                        settlements=tuple(settlement["settlement_no"] for settlement in settlements),
                        payable=Money(payable or 0),
                        refused=payable is None,
                        stay=kept.unit_told(self.bodies[claim.claim_id, version]),
                    ),
                    told_settlements=settlements,
                )
        return decided

    # As `flow/changes/write.py`, and `apply_batch` behind it.

    def _write(self, batch: Batch, changes: Changes) -> None:
        for state, ids in (("superseded", changes.superseded_reviews), ("closed", changes.closed_reviews)):
            for item_id in ids:
                self.reviews[item_id] = msgspec.structs.replace(self.reviews[item_id], state=state)
        for state, ids in (("superseded", changes.superseded_quarantine), ("closed", changes.closed_quarantine)):
            for item_id in ids:
                self.quarantine[item_id] = msgspec.structs.replace(self.quarantine[item_id], state=state)
        for place in changes.woken:
            self.waiting.pop(place, None)
        self.waiting |= changes.waiting
        self.waiting = {place: waits for place, waits in self.waiting.items() if place[0] not in batch.taken_back}
        for record_id in changes.removed:
            del self.records[record_id]
        for held in changes.added:
            record_id = next(self._numbers)
            self.records[record_id] = msgspec.structs.replace(held, record_id=record_id)
        # The database lets an association have one record for each feed, number and sign.
        assert len({(held.key, held.association) for held in self.records.values()}) == len(self.records)
        for record_id, place in changes.came_first.items():
            self.records[record_id] = msgspec.structs.replace(self.records[record_id], first=place)
        for duplicate, record_id in changes.marks:
            self.records[record_id] = msgspec.structs.replace(self.records[record_id], duplicate=duplicate)
        for claim in (*changes.new_claims, *changes.changed_claims):
            assert claim.stay_digest is not None
            self.claims[claim.person_id, (claim.scheme, claim.stay_digest)] = claim
        for claim, content in changes.outgoing:
            self.bodies[claim.claim_id, claim.version] = kept.body(claim.claim_id, claim.version, claim.status, content)
        for doubt in changes.doubts:
            if not any(self._is_asked(item, doubt) for item in self.reviews.values()):
                self._ask(doubt)
        for question in changes.bill_questions:
            self._ask(question)
        for item_id, (seq, row) in changes.asked_of.items():
            self.reviews[item_id] = msgspec.structs.replace(self.reviews[item_id], page_seq=seq, row=row)
        self._write_leavings(batch, changes)
        for move in changes.moved:
            tally = self.tallies[move.page_seq]
            tally.rows[move.before] -= 1
            tally.amount[move.before] -= move.counted
            tally.count(move.after, move.amount)
        for seq, relisted in changes.relisted.items():
            for row, relisting in relisted.items():
                key = relisting.key
                self.lists[seq][row] = relisting.row_class, self.lists[seq][row][1] if key is None else key or None
        if batch.page is not None and not batch.again:
            self.tallies[batch.page.seq].add(changes.tally)
            self.lists[batch.page.seq] |= {row.index: (changes.classes[row.index], row.key) for row in batch.rows}

    def _is_asked(self, item: ReviewItem, doubt: ReviewItem) -> bool:
        answered = item.state == "decided" and item.situation == doubt.situation
        return (item.kind, item.claim_id) == (doubt.kind, doubt.claim_id) and (item.state == "open" or answered)

    def _write_leavings(self, batch: Batch, changes: Changes) -> None:
        for aside in changes.quarantined:
            item_id = next(self._numbers)
            self.quarantine[item_id] = msgspec.structs.replace(aside, item_id=item_id)
        for question in changes.questions:
            before = [
                item.item_id
                for item in self.reviews.values()
                if batch.again
                and item.kind == question.kind
                and item.state in ("closed", "decided")
                and (item.page_seq, item.row, item.association)
                == (question.page_seq, question.row, question.association)
            ]
            self._ask(question, before[-1] if before else None)

    def _ask(self, question: ReviewItem, item_id: int | None = None) -> None:
        number = next(self._numbers) if item_id is None else item_id
        self.reviews[number] = msgspec.structs.replace(question, item_id=number)

    # What stands, to be compared.

    def classes(self) -> dict[Place, RowClass]:
        """The class of every row as `reconcile` counts it: the tables know of records, questions and errors, lists of
        what was left in its page, which is superseded where its key stands again later."""
        found = {(seq, row): entry[0] for seq in self.lists for row, entry in self.lists[seq].items()}
        left = {place for place, row_class in found.items() if row_class in (RowClass.NON_MEMBER, RowClass.NOT_PAYABLE)}
        found |= dict.fromkeys(found.keys() - left, RowClass.SUPERSEDED)
        for aside in self.quarantine.values():
            if aside.state == "open" and aside.row is not None:
                found[aside.page_seq, aside.row] = RowClass.QUARANTINED
        for item in self.reviews.values():
            if item.state == "open" and item.kind in ("match", "changed", "hold") and item.row is not None:
                found[item.page_seq, item.row] = RowClass.REVIEW
        for held in sorted(self.records.values(), key=lambda held: not held.duplicate):
            found[held.place] = held.row_class
        return found | dict.fromkeys(self._left_and_replaced(left), RowClass.SUPERSEDED)

    def _left_and_replaced(self, left: set[Place]) -> set[Place]:
        seen: set[bytes] = set()
        replaced = set()
        for seq in sorted(self.lists, reverse=True):
            for row, (row_class, row_key) in sorted(self.lists[seq].items(), reverse=True):
                if (seq, row) in left and row_key in seen:
                    replaced.add((seq, row))
                if row_class is not RowClass.SUPERSEDED and row_key is not None:
                    seen.add(row_key)
        return replaced

    def counted(self) -> dict[RowClass, tuple[int, int]]:
        """Rows and money of all pages by class as the batches count them, with what only `reconcile` finds out."""
        total = Tally()
        for tally in self.tallies.values():
            total.add(tally)
        left = {
            (seq, row): row_class
            for seq in self.lists
            for row, (row_class, _) in self.lists[seq].items()
            if row_class in (RowClass.NON_MEMBER, RowClass.NOT_PAYABLE)
        }
        for seq, index in self._left_and_replaced(set(left)):
            amount = self.pages[seq][1][index].amount
            total.rows[left[seq, index]] -= 1
            total.amount[left[seq, index]] -= amount
            total.count(RowClass.SUPERSEDED, amount)
        return {row_class: (total.rows[row_class], total.amount[row_class]) for row_class in RowClass}

    def proof(self) -> dict[RowClass, tuple[int, int]]:
        """The same, counted from what became of every row."""
        total = Tally()
        for (seq, index), row_class in self.classes().items():
            total.count(row_class, self.pages[seq][1][index].amount)
        return {row_class: (total.rows[row_class], total.amount[row_class]) for row_class in RowClass}

    def class_of(self, seq: int, row: int) -> RowClass:
        """The class of one row."""
        return self.classes()[seq, row]

    def live_claims(self) -> dict[tuple[int, str], PrefilledClaim]:
        """Person and stay → claim, without those that are withdrawn."""
        return {
            (person_id, stay_of(claim)): claim
            for (person_id, _), claim in self.claims.items()
            if claim.status != ClaimStatus.WITHDRAWN
        }

    def the_claim(self, person_id: int = 1) -> PrefilledClaim:
        """The only claim a person has, whatever became of it."""
        (claim,) = [claim for (claimed_by, _), claim in self.claims.items() if claimed_by == person_id]
        return claim

    def open_questions(self) -> list[ReviewItem]:
        """What waits for a person."""
        return [item for item in self.reviews.values() if item.state == "open"]

    def people_of(self, *places: Place) -> list[list[int]]:
        """Whose records the rows at these places are."""
        return [[held.person_id for held in self.records.values() if held.place == place] for place in places]
