"""What `conclude` is given and what it gives back: a batch, what is known, the rules; and the changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from gateway.core.changes.persons import HeldRecord, PersonFile
from gateway.core.changes.questions import AskedBefore
from gateway.core.schemes import SchemeFamily
from gateway.model.benefit import ClaimDecision
from gateway.model.claim import PrefilledClaim
from gateway.model.decision import Candidate, MatchDecision, MatchOutcome
from gateway.model.holds import AsideItem
from gateway.model.member import Member
from gateway.model.page import Identity, RowError
from gateway.model.person import Subject
from gateway.model.pieces import Piece
from gateway.model.questions import QuarantineItem, ReviewItem
from gateway.model.record import SettlementRecord
from gateway.model.rows import ClassChange, RowClass, Tally

Place: TypeAlias = tuple[int, int]
"""Page and row. A later place was received later: among rows with one key the one at the last place counts."""

# A member of an enum asked of its class costs as much as ten look-ups, and this is asked of every row.
_MATCHED: Final = MatchOutcome.MATCHED


class PagePlace(msgspec.Struct, frozen=True, kw_only=True):
    """The page a row stands in: its place in the order received, its feed, and the day it came (ISO, Asia/Shanghai)."""

    seq: int
    feed: str
    received_on: str


class ReadRow(msgspec.Struct, kw_only=True, gc=False):
    """One row as read: its class as far as reading tells, and what it says where that matters.

    `key`: the keyed digest of its number and sign; `original`: of what a reversal reverses; `former` and
    `former_original`: the same as they were before the mapping said that numbers are only unique within their facility;
    `amount` in fen with its sign; `decisions`: what matching or a ruling says, by association, and `matched` the
    members it certainly is about (`decide` sets both); `subject`: what stands in a row whose number or name is in
    doubt, as it was written; `person_no`: the feed's own number of the member, where the match is certain; `ruled_by`:
    the rulings of people that decided the row; `record`: a member's row read in full, or a reversal's that names
    nobody; `sealed`: its box, by association; `unknown_codes`: the fields that decide about money and whose code the
    mapping does not know.
    """

    index: int
    row_class: RowClass = RowClass.NON_MEMBER
    key: bytes | None = None
    original: bytes | None = None
    former: bytes | None = None
    former_original: bytes | None = None
    amount: int = 0
    identity: Identity | None = None
    errors: tuple[RowError, ...] = ()
    record: SettlementRecord | None = None
    decisions: Sequence[tuple[str, MatchDecision]] = ()
    matched: Sequence[tuple[str, Candidate]] = ()
    subject: Subject | None = None
    person_no: str | None = None
    ruled_by: tuple[int, ...] = ()
    sealed: dict[str, bytes] | None = None
    unknown_codes: tuple[str, ...] = ()

    def decide(self, decisions: Sequence[tuple[str, MatchDecision]]) -> None:
        """What matching or a ruling says of it, association by association."""
        self.decisions = decisions
        self.matched = [(name, d.member) for name, d in decisions if d.outcome is _MATCHED and d.member]

    @property
    def is_nameless_reversal(self) -> bool:
        """Whether it takes back a settlement without saying whose: then it goes with the settlement it reverses."""
        return self.identity is not None and self.identity.names_nobody and self.identity.reverses is not None


class PlacedRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row with the page it stands in. `listed`: its class as the list of its page has it, where it is of another
    batch."""

    page: PagePlace
    row: ReadRow
    listed: RowClass = RowClass.SUPERSEDED

    @property
    def place(self) -> Place:
        """Page and row."""
        return self.page.seq, self.row.index


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What a transaction is about; each part may be empty.

    `rows` of `page`: worked for the first time, or (`again`) read anew after they were worked; `fills_gap`: rows
    further down in the page were worked before; `elsewhere`: where lists of the feed hold the numbers that stand in
    more than one row, if that was looked up for many batches at once. `members`: person → all enrolments, of those
    whom reading opened already. `taken_back`: pages a newer file replaces. `taken_out`: places of stored records to
    remove because a decision about them was withdrawn, of these members (`taken_out_of`).
    `people`: person → association, to be reassessed whatever else happens. `withdrawal_reason`: why claims are
    withdrawn, where what is left does not tell.
    """

    page: PagePlace | None = None
    rows: Sequence[ReadRow] = ()
    again: bool = False
    fills_gap: bool = False
    elsewhere: Mapping[bytes, Sequence[Place]] | None = None
    members: Mapping[int, list[Member]] = msgspec.field(default_factory=dict)
    taken_back: Sequence[int] = ()
    taken_out: frozenset[Place] = frozenset()
    taken_out_of: frozenset[int] = frozenset()
    people: Mapping[int, str] = msgspec.field(default_factory=dict)
    withdrawal_reason: str | None = None

    @property
    def pages_again(self) -> list[int]:
        """The pages some of whose rows were worked before and are looked at anew."""
        own = [self.page.seq] if self.page is not None and self.again else []
        return [*self.taken_back, *own]


class DecidedClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim the association decided: its row, the decision, and its settlements as the decided version told them."""

    claim: PrefilledClaim
    decision: ClaimDecision
    told_settlements: tuple[dict[str, object], ...]


ClaimKey: TypeAlias = tuple[str, bytes]
"""Scheme and the keyed digest of a stay: a person has one claim for each, for ever."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored about a batch, read under its locks.

    `people`: everybody the batch may concern, locked and opened; `records`: stored records with the keys of its rows,
    or that it takes back or out; `open_reviews`, `open_quarantine`: open items with these keys or of its pages;
    `rivals`: key → the rows of other batches that came under it, as their pages read now, where a later one was worked
    before or the batch is read again: which of them stands is then made out anew from all of them; `taken`: places of
    those that a person said take the place of what stood; `refused`: rows of the batch that a person refused;
    `last_places`: where lists of later pages hold one of its keys last, in a row that cannot be read; `listed`: its
    rows' classes as its own list has them, where it is read again; `waiting`: reversals that name nobody and wait for a
    key of the batch; `waiting_records`: those that could be read, with their pages; `outdated`: those that came again
    since, and wait for nothing. `row_answers`: row of a page read again → what a person said about whether it may
    replace what stands.
    `claims`, `decided`: of these people; `asked`: what was asked about the bills of those of them that may raise a
    question. `unopened`: what did not open while this was gathered, and is waited for.
    `held`: person → hold, of those for whom what stands stays (0: for the one that gathers now).
    """

    people: Mapping[int, PersonFile] = msgspec.field(default_factory=dict)
    records: Sequence[HeldRecord] = ()
    open_reviews: Sequence[ReviewItem] = ()
    open_quarantine: Sequence[QuarantineItem] = ()
    last_places: Mapping[bytes, Place] = msgspec.field(default_factory=dict)
    rivals: Mapping[bytes, Sequence[PlacedRow]] = msgspec.field(default_factory=dict)
    taken: frozenset[Place] = frozenset()
    refused: frozenset[int] = frozenset()
    row_answers: Mapping[int, str] = msgspec.field(default_factory=dict)
    listed: Mapping[int, RowClass] = msgspec.field(default_factory=dict)
    waiting: Mapping[bytes, Sequence[Place]] = msgspec.field(default_factory=dict)
    waiting_records: Mapping[Place, tuple[PagePlace, SettlementRecord]] = msgspec.field(default_factory=dict)
    outdated: frozenset[Place] = frozenset()
    unopened: Sequence[Piece] = ()
    claims: Mapping[int, Mapping[ClaimKey, PrefilledClaim]] = msgspec.field(default_factory=dict)
    decided: Mapping[int, Mapping[ClaimKey, DecidedClaim]] = msgspec.field(default_factory=dict)
    asked: Mapping[int, AskedBefore] = msgspec.field(default_factory=dict)
    held: Mapping[int, int] = msgspec.field(default_factory=dict)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What conclusions rest on beside the facts: schemes and keyed digests, as functions; the instant in milliseconds.

    `families`: an association's schemes, in order of payment; `could_pay`: whether any of them ever pays for such a
    record; `record_key`: feed → number with sign → key; `number_key`: feed → facility and number with sign → the key of
    a row as the feed's mapping has it. `first_version`: below it every version of a claim may have been sent before the
    database was put back from a copy, so none is used again.
    """

    families: Callable[[str], Sequence[SchemeFamily]]
    could_pay: Callable[[str, SettlementRecord], bool]
    record_key: Callable[[str], Callable[[str], bytes]]
    number_key: Callable[[str], Callable[[str | None, str], bytes]]
    digest_content: Callable[[bytes], bytes]
    digest_doubt: Callable[[str], bytes]
    digest_stay: Callable[[str], bytes]
    now_ms: int
    first_version: int = 1

    def next_version(self, version: int) -> int:
        """The version of a claim that follows this one; 0 for a claim that is new."""
        return max(version + 1, self.first_version)


class ExplainedRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A decision about a row that must be explainable later."""

    place: Place
    association: str
    decision: MatchDecision


class ReturnedRow(msgspec.Struct, kw_only=True, gc=False):
    """A row of another batch that counts again, or otherwise than before, because of what came under its number.

    `before`: its class until now; `row_class`: from now on; `first`: where its number came first as the same person's.
    """

    placed: PlacedRow
    before: RowClass
    row_class: RowClass
    first: Place


class Relisting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a sealed list has to say of a row from now on; `key` where its number could be read only now, or, empty,
    where the row is known by its number no more."""

    row_class: RowClass
    key: bytes | None = None


class Changes(msgspec.Struct, kw_only=True):
    """What is to be written: values only, so that they can be shown before they are.

    `classes`: row → class, of the batch's rows; `first_places`, `came_first`: row or record id → where its number came
    first as the same person's; `tally`: how they are counted the first time. `moved`: rows counted before that change
    class, `returned`: place → those of other batches that count again, and `relisted` what the lists of their pages say
    then. `removed`, `added`: records;
    `marks`: (duplicate or not, record id). `waiting`: place of a reversal → (feed, key of the original) that it waits
    for; `woken`: places of those that wait no longer.
    `outgoing`: claim versions with the content to be frozen. Items end as superseded, or as closed where they are asked
    anew. `doubts` are about claims, `bill_questions` about bills (`asked_of`: open ones whose bill came again in
    another row), `questions` about whose a row is; `names_before`: how a doubt about a stay that has no claim was
    named before names had a key, by its name now. `unopened`: pieces that did not open, for which nothing was
    concluded about their people. `put_aside`: what is to be concluded again, for the holds of the people `held`.
    """

    classes: dict[int, RowClass] = msgspec.field(default_factory=dict)
    first_places: dict[int, Place] = msgspec.field(default_factory=dict)
    came_first: dict[int, Place] = msgspec.field(default_factory=dict)
    tally: Tally = msgspec.field(default_factory=Tally)
    moved: list[ClassChange] = msgspec.field(default_factory=list)
    returned: dict[Place, ReturnedRow] = msgspec.field(default_factory=dict)
    relisted: dict[int, dict[int, Relisting]] = msgspec.field(default_factory=dict)
    removed: dict[int, HeldRecord] = msgspec.field(default_factory=dict)
    added: list[HeldRecord] = msgspec.field(default_factory=list)
    marks: list[tuple[bool, int]] = msgspec.field(default_factory=list)
    waiting: dict[Place, tuple[str, bytes]] = msgspec.field(default_factory=dict)
    woken: list[Place] = msgspec.field(default_factory=list)
    superseded_reviews: list[int] = msgspec.field(default_factory=list)
    superseded_quarantine: list[int] = msgspec.field(default_factory=list)
    closed_reviews: list[int] = msgspec.field(default_factory=list)
    closed_quarantine: list[int] = msgspec.field(default_factory=list)
    new_claims: list[PrefilledClaim] = msgspec.field(default_factory=list)
    changed_claims: list[PrefilledClaim] = msgspec.field(default_factory=list)
    outgoing: list[tuple[PrefilledClaim, bytes]] = msgspec.field(default_factory=list)
    doubts: list[ReviewItem] = msgspec.field(default_factory=list)
    names_before: dict[str, str] = msgspec.field(default_factory=dict)
    bill_questions: list[ReviewItem] = msgspec.field(default_factory=list)
    asked_of: dict[int, Place] = msgspec.field(default_factory=dict)
    quarantined: list[QuarantineItem] = msgspec.field(default_factory=list)
    questions: list[ReviewItem] = msgspec.field(default_factory=list)
    explained: list[ExplainedRow] = msgspec.field(default_factory=list)
    person_numbers: set[tuple[str, int]] = msgspec.field(default_factory=set)
    unopened: Sequence[Piece] = ()
    ruled: list[tuple[int, Place]] = msgspec.field(default_factory=list)
    put_aside: list[AsideItem] = msgspec.field(default_factory=list)
    held: Mapping[int, int] = msgspec.field(default_factory=dict)

    def move(self, place: Place, before: RowClass, after: RowClass, amount: int) -> None:
        """A row that was counted changes class; one that stays what it is changes nothing."""
        if before is not after:
            seq, row = place
            change = ClassChange(page_seq=seq, row=row, before=before, after=after, amount=amount, counted=amount)
            self.moved.append(change)

    def class_at(self, placed: PlacedRow) -> RowClass:
        """The class a row of the batch, or one that counts again, has by now."""
        returned = self.returned.get(placed.place) if self.returned else None
        return self.classes[placed.row.index] if returned is None else returned.row_class

    def count_as_members(self, placed: PlacedRow) -> None:
        """A reversal that names nobody is its original's member's."""
        if placed.place in self.returned:
            self.returned[placed.place].row_class = RowClass.MEMBER
        else:
            self.classes[placed.row.index] = RowClass.MEMBER

    def count_returned(self) -> None:
        """Rows of other batches that count again: in the tallies and in the lists of their pages."""
        for place, returned in self.returned.items():
            self.move(place, returned.before, returned.row_class, returned.placed.row.amount)
            self.relist(place, returned.row_class)

    def remove(self, settlement: HeldRecord) -> None:
        """A stored record goes."""
        if settlement.record_id is not None:
            self.removed[settlement.record_id] = settlement

    def wait(self, original: bytes, feed: str, place: Place) -> None:
        """The reversal at this place waits for its original."""
        if place in self.woken:
            self.woken.remove(place)
        self.waiting[place] = (feed, original)

    def wake(self, place: Place) -> None:
        """The reversal at this place waits for nothing any more."""
        self.waiting.pop(place, None)
        self.woken.append(place)

    def relist(self, place: Place, row_class: RowClass, key: bytes | None = None) -> None:
        """The list of a page says so of a row from now on."""
        seq, row = place
        self.relisted.setdefault(seq, {})[row] = Relisting(row_class=row_class, key=key)
