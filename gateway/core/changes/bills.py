"""A person's bills as they count: other feeds' duplicates and found repeats left out, refunds tied to what they take
back, what is in doubt waiting, and what the claims have to say about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.changes.persons import HeldRecord, duplicates_among
from gateway.core.changes.questions import AskedBefore, BillQuestion, Digest
from gateway.core.changes.refunds import take_refunds
from gateway.core.changes.repeats import repeats_among
from gateway.core.schemes import REFUND_UNCLEAR
from gateway.core.schemes.contradictions import tells_more_in_scope
from gateway.model.record import SettlementRecord

NOTHING_ASKED: Final = AskedBefore()


class Bills(msgspec.Struct, frozen=True, kw_only=True):
    """`repeats`: for each record that stands, whether it counts as a duplicate, `repeating` those that do; `counting`:
    what is assessed, every refund naming its original; `different`: places of bills a person found to repeat nothing;
    `flags`: place → what a claim with it has to say; `questions`: what to ask."""

    repeats: list[bool]
    counting: list[HeldRecord]
    repeating: Sequence[HeldRecord] = ()
    different: frozenset[tuple[int, int]] = frozenset()
    flags: Mapping[tuple[int, int], tuple[str, ...]] = {}
    questions: Sequence[BillQuestion] = ()


def bills_of(standing: Sequence[HeldRecord], asked: AskedBefore, digest: Digest) -> Bills:
    """How a person's records count."""
    repeats = duplicates_among(standing)
    pairs = list(zip(standing, repeats, strict=True))
    counting = [settlement for settlement, repeat in pairs if not repeat and settlement.record is not None]
    if not is_odd([settlement.record for settlement in counting if settlement.record is not None]):
        return Bills(repeats=repeats, counting=counting, repeating=[bill for bill, repeat in pairs if repeat])
    taken = take_refunds(counting, asked.answers, digest)
    odd = repeats_among(taken.records, asked, digest)
    flags = dict(odd.flags)
    for question in taken.open:
        for settlement in question.against:
            flags[settlement.place] = (*flags.get(settlement.place, ()), REFUND_UNCLEAR)
    repeats = [repeat or settlement.place in odd.same for settlement, repeat in pairs]
    return Bills(
        repeats=repeats,
        repeating=[settlement for settlement, repeat in zip(standing, repeats, strict=True) if repeat],
        counting=[
            settlement
            for settlement in taken.records
            if settlement.place not in odd.same and settlement.place not in odd.waiting
        ],
        different=odd.different,
        flags={place: tuple(dict.fromkeys(codes)) for place, codes in flags.items()},
        questions=[*taken.open, *odd.questions],
    )


def is_odd(records: Sequence[SettlementRecord]) -> bool:
    """Whether there may be anything to ask about a person's records: a refund, two bills that share a day or a visit,
    or days no stay has. One plain settlement after the other is not odd, and costs nothing more."""
    if len(records) == 1:
        return _cannot_be(records[0])
    days: set[tuple[object, ...]] = set()
    last: int | None = None
    for record in sorted(records, key=_begin):
        if record.reversal or _cannot_be(record):
            return True
        began, ended = record.admitted_on, record.discharged_on
        if began is None:
            instant = record.settled_at.timestamp() if record.settled_at is not None else 0.0
            day: tuple[object, ...] = (record.facility_no, int(instant + 28_800) // 86_400, record.total_amount)
        else:
            day = (record.facility_no, began)
        visit = (record.facility_no, record.visit_no)
        if day in days or (record.visit_no is not None and visit in days):
            return True
        days |= {day, visit}
        if began is not None and ended is not None:
            if last is not None and began.toordinal() < last:
                return True
            last = ended.toordinal() if last is None else max(last, ended.toordinal())
    return False


def _begin(record: SettlementRecord) -> int:
    return record.admitted_on.toordinal() if record.admitted_on is not None else 0


def _cannot_be(record: SettlementRecord) -> bool:
    """Whether a bill is a refund, or tells what no stay can be."""
    if tells_more_in_scope(record):
        return True
    began, ended, on_sheet = record.admitted_on, record.discharged_on, record.inpatient_days
    if on_sheet is None or began is None or ended is None:
        return record.reversal
    return on_sheet > (ended - began).days + 1 or record.reversal
