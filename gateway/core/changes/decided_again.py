"""Bills of a stay the association decided, under a number it did not decide about (核定后以新流水号重新结算).

What changes a decided stay goes to a person with the difference, and nothing is paid on top. The same visit ties the
two; where a feed tells no visit or a new one, the same facility and the same day of admission do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from gateway.core.changes.bills import Bills, is_odd
from gateway.core.changes.persons import HeldRecord
from gateway.core.changes.questions import AskedBefore, BillQuestion, Digest
from gateway.core.changes.repeats import COUNTED
from gateway.core.changes.values import DecidedClaim
from gateway.core.compared import to_compare
from gateway.model.benefit import BenefitEstimate
from gateway.model.record import SettlementRecord

SETTLED_AGAIN: Final = "settled_again"


def shares_decided_stay(settlements: Sequence[Mapping[str, Any]], record: SettlementRecord) -> bool:
    """Whether a bill begins at the facility and on the day of one that was decided, under another number."""
    if record.reversal or record.facility_no is None or record.admitted_on is None:
        return False
    began = record.admitted_on.isoformat()
    numbers = {settlement["settlement_no"] for settlement in settlements}
    return record.settlement_no not in numbers and any(
        (settlement.get("facility_no"), settlement.get("admitted_on")) == (record.facility_no, began)
        for settlement in settlements
    )


def may_ask(records: Sequence[SettlementRecord], decided: Iterable[DecidedClaim]) -> bool:
    """Whether a person's records, stored and coming, may raise a question about bills."""
    return is_odd(records) or any(
        shares_decided_stay(claim.told_settlements, record) for claim in decided for record in records
    )


def settled_again(
    counting: Sequence[HeldRecord],
    estimates: Sequence[BenefitEstimate],
    decided: Sequence[DecidedClaim],
    bills: Bills,
) -> dict[int, DecidedClaim]:
    """Position of a bill that would be paid by itself → the decision it would change; but for those that a person
    found to be another stay. `estimates`: of what is not decided."""
    settlements = {number for claim in decided for number in claim.decision.settlements}
    changing: dict[int, DecidedClaim] = {}
    for estimate in estimates:
        if "decided_before" in estimate.flags:
            continue
        for at in estimate.record_keys:
            record = counting[at].record
            if record is None or record.settlement_no in settlements or counting[at].place in bills.different:
                continue
            for claim in decided:
                if shares_decided_stay(claim.told_settlements, record):
                    changing[at] = claim
                    break
    return changing


def without_corrections(
    counting: Sequence[HeldRecord], decided: Collection[DecidedClaim], asked: AskedBefore, digest: Digest
) -> list[HeldRecord]:
    """The bills that count, without those that change what was decided, or of which a person is asked whether they do
    and that were not counted before."""
    held_back = [item for item in asked.open if SETTLED_AGAIN in item.reasons and COUNTED not in item.reasons]
    waiting = {(item.page_seq, item.row) for item in held_back}

    def is_correction(bill: HeldRecord) -> bool:
        answers = [
            asked.answers.get(question_about(bill, claim, digest).situation)
            for claim in decided
            if bill.record is not None and shares_decided_stay(claim.told_settlements, bill.record)
        ]
        return any(answer is not None and answer.answer != "different" for answer in answers)

    return [bill for bill in counting if bill.place not in waiting and not is_correction(bill)]


def question_about(settlement: HeldRecord, claim: DecidedClaim, digest: Digest) -> BillQuestion:
    """Whether a bill changes what was decided, or is another stay."""
    facts = to_compare([settlement.record]).hex()
    return BillQuestion(
        kind="repeat",
        situation=digest(f"{SETTLED_AGAIN}{claim.claim.claim_id}/{settlement.feed}/{facts}"),
        about=settlement,
        against=(),
        reasons=(SETTLED_AGAIN,),
        claim_id=claim.claim.claim_id,
    )
