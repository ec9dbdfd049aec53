"""Refunds that name no original the member has (退费找不到原结算): found by what they say, or asked about.

A refund is a transaction with a number of its own in many feeds, so the number it names may be nobody's. Its original
is then the one standing settlement of the same member that says the same with the opposite sign: facility, visit and
days, as far as both tell them, and every amount. Where not exactly one does, what was taken back is not known: the
member's claims at that facility say that a refund is open, and a person is asked which one it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.changes.persons import HeldRecord
from gateway.core.changes.questions import Answered, BillQuestion, Digest
from gateway.core.compared import to_compare
from gateway.core.schemes import reversed_among
from gateway.model.record import SettlementRecord

REFUND: Final = "refund"
NO_ORIGINAL: Final = "none"
"""The answer that a refund takes back nothing the member has."""

_DAYS: Final = ("admitted_on", "discharged_on")
_AMOUNTS: Final = ("in_scope_amount", "fund_paid_amount", "personal_amount")


class TakenRefunds(msgspec.Struct, frozen=True, kw_only=True):
    """A person's records with every refund whose original is known naming it, without those that take back nothing of
    the person's. `open`: a question for each that is left."""

    records: list[HeldRecord]
    open: list[BillQuestion] = []


def take_refunds(counting: Sequence[HeldRecord], answers: Mapping[bytes, Answered], digest: Digest) -> TakenRefunds:
    """Look for the original of every refund that names none the person has. The order of `counting` is kept."""
    for settlement in counting:
        if settlement.record is not None and settlement.record.reversal:
            return _Search(counting, answers, digest).taken()
    return TakenRefunds(records=list(counting))


class _Search:
    """The refunds of one person that name nothing the person has, and the settlements they may take back."""

    def __init__(self, counting: Sequence[HeldRecord], answers: Mapping[bytes, Answered], digest: Digest) -> None:
        self._counting, self._answers, self._digest = counting, answers, digest
        self._settlements: list[tuple[HeldRecord, SettlementRecord]] = []
        self._by_number: dict[str, list[SettlementRecord]] = defaultdict(list)
        refunds: list[tuple[HeldRecord, SettlementRecord]] = []
        for bill in sorted(counting, key=lambda bill: bill.first_place):
            record = bill.record
            if record is None:
                continue
            if record.reversal:
                refunds.append((bill, record))
            else:
                self._settlements.append((bill, record))
                self._by_number[record.settlement_no].append(record)
        self._lost = [(bill, refund) for bill, refund in refunds if self._named(refund) not in self._by_number]
        # What is taken back for certain is no candidate for another refund.
        lost = {bill.place for bill, _ in self._lost}
        naming = [(bill, bill.record) for bill in counting if bill.record is not None and bill.place not in lost]
        gone = reversed_among([record for _, record in naming])
        self._gone = {naming[at][0].place for at in gone}

    @staticmethod
    def _named(refund: SettlementRecord) -> str:
        return refund.reverses or refund.settlement_no

    def taken(self) -> TakenRefunds:
        """Answered ones first, then each that finds exactly one original, again and again: what one takes away is no
        candidate for the next."""
        names: dict[tuple[int, int], str | None] = {}
        left, ignored = [], set()
        for bill, refund in self._lost:
            answered = self._answers.get(self._situation(refund))
            original = self._answered(answered)
            if answered is not None and answered.answer == NO_ORIGINAL:
                ignored.add(bill.place)
            elif original is not None:
                names[bill.place] = self._take(*original)
            else:
                left.append((bill, refund))
        while (certain := self._first_certain(left)) is not None:
            (bill, refund), original = certain
            names[bill.place] = self._take(*original)
            left.remove((bill, refund))
        questions = []
        for bill, refund in left:
            if refund.settlement_no not in self._by_number:
                # It names what nobody has: its visit may still tell that a bill was refunded in part.
                names[bill.place] = None
            if refund.reverses is not None or not self._of_visit(refund):
                questions.append(self._question(bill, refund))
        return TakenRefunds(
            records=[_naming(bill, names) for bill in self._counting if bill.place not in ignored], open=questions
        )

    def _situation(self, refund: SettlementRecord) -> bytes:
        return self._digest(f"{REFUND}{to_compare([refund]).hex()}")

    def _answered(self, answered: Answered | None) -> tuple[HeldRecord, SettlementRecord] | None:
        """The settlement a person named, while it is there."""
        if answered is None or answered.original is None:
            return None
        return next((pair for pair in self._settlements if pair[0].key == answered.original), None)

    def _take(self, bill: HeldRecord, record: SettlementRecord) -> str:
        self._gone.add(bill.place)
        return record.settlement_no

    def _first_certain(
        self, left: Sequence[tuple[HeldRecord, SettlementRecord]]
    ) -> tuple[tuple[HeldRecord, SettlementRecord], tuple[HeldRecord, SettlementRecord]] | None:
        for pair in left:
            fitting = [
                (bill, record)
                for bill, record in self._settlements
                if bill.place not in self._gone and takes_back(pair[1], record)
            ]
            if len(fitting) == 1:
                return pair, fitting[0]
        return None

    def _of_visit(self, refund: SettlementRecord) -> bool:
        """Whether a settlement of the refund's visit stands: the rules of the scheme then say what is in doubt."""
        return refund.visit_no is not None and any(
            bill.place not in self._gone
            and (record.facility_no, record.visit_no) == (refund.facility_no, refund.visit_no)
            for bill, record in self._settlements
        )

    def _question(self, bill: HeldRecord, refund: SettlementRecord) -> BillQuestion:
        standing = [pair for pair in self._settlements if pair[0].place not in self._gone]
        at_facility = [settlement for settlement, record in standing if _agrees(refund, record, "facility_no")]
        return BillQuestion(
            kind="refund",
            situation=self._situation(refund),
            about=bill,
            against=tuple(at_facility or [settlement for settlement, _ in standing]),
            reasons=("refund_without_original",),
        )


def takes_back(refund: SettlementRecord, settlement: SettlementRecord) -> bool:
    """Whether a refund says the same as a settlement with the opposite sign. What one of them does not tell speaks
    neither way, but for the total; and more than amounts must agree: the facility, or the days."""
    if refund.total_amount is None or not _same_amount(refund, settlement, "total_amount"):
        return False
    if not (_agrees(refund, settlement, "facility_no") and _agrees(refund, settlement, "visit_no")):
        return False
    if refund.visit_no is not None and settlement.visit_no is not None:
        return True
    if _settled_before(refund, settlement):
        # Nothing is taken back before it was settled.
        return False
    is_placed = refund.facility_no is not None and settlement.facility_no is not None
    is_dated = refund.admitted_on is not None and settlement.admitted_on is not None
    return (
        (is_placed or is_dated)
        and all(_agrees(refund, settlement, name) for name in _DAYS)
        and all(_same_amount(refund, settlement, name) for name in _AMOUNTS)
    )


def _settled_before(refund: SettlementRecord, settlement: SettlementRecord) -> bool:
    taken, settled = refund.settled_at, settlement.settled_at
    return taken is not None and settled is not None and taken.timestamp() < settled.timestamp()


def _agrees(refund: SettlementRecord, settlement: SettlementRecord, name: str) -> bool:
    taken, billed = getattr(refund, name), getattr(settlement, name)
    return taken is None or billed is None or taken == billed


def _same_amount(refund: SettlementRecord, settlement: SettlementRecord, name: str) -> bool:
    """Signs apart: some feeds flag a refund and leave its amounts positive."""
    taken, billed = getattr(refund, name), getattr(settlement, name)
    return taken is None or billed is None or abs(taken) == abs(billed)


def _naming(bill: HeldRecord, names: Mapping[tuple[int, int], str | None]) -> HeldRecord:
    if bill.place not in names or bill.record is None:
        return bill
    return msgspec.structs.replace(bill, record=msgspec.structs.replace(bill.record, reverses=names[bill.place]))
