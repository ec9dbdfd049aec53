"""Bills of one person that say the same stay twice, or what no stay can be.

A bill with a number of its own that repeats another one of its feed in facility, days and amounts (重复结算) waits for
a person: what stands stays, and nothing is added up. Stays that overlap otherwise are paid as they are told, and both
claims say so. Between feeds nobody is asked: what another feed told first is a duplicate (`persons.duplicates_among`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from gateway.core.changes.persons import HeldRecord
from gateway.core.changes.questions import AskedBefore, BillQuestion, Digest
from gateway.core.compared import to_compare
from gateway.core.schemes import reversed_among
from gateway.core.schemes.contradictions import (
    APART_DAYS,
    BILLED_TWICE,
    FAR_APART,
    OVERLAPPING,
    SCOPE_ABOVE_TOTAL,
    nights_in_common,
    stay_days,
    tells_more_in_scope,
    whole_content,
)
from gateway.model.record import SettlementRecord

REPEAT: Final = "repeat"
# Not the `days_to_confirm` of an estimate, though one bill may be both: that is about a stay with a single sheet, which
# is paid by its days and waits for a person; this is about one sheet among several, whose days never count beyond the
# nights, so that nothing waits. Both words are in stored claims and in what associations read. Where an estimate says
# the first, its claim leaves out the second.
TOO_MANY_DAYS: Final = "days_exceed_stay"
COUNTED: Final = "counted_before"
"""Said of a bill that was added up before anybody asked."""


class Repeats(msgspec.Struct, frozen=True, kw_only=True):
    """`same`: places of bills that a person found to repeat another; `waiting`: of those that may, and do not count
    until somebody answers; `different`: of those that a person found to be no repeat; `flags`: place → what its claim
    has to say; `questions`: what to ask."""

    same: frozenset[tuple[int, int]] = frozenset()
    waiting: frozenset[tuple[int, int]] = frozenset()
    different: frozenset[tuple[int, int]] = frozenset()
    flags: Mapping[tuple[int, int], tuple[str, ...]] = {}
    questions: Sequence[BillQuestion] = ()


def repeats_among(records: Sequence[HeldRecord], asked: AskedBefore, digest: Digest) -> Repeats:
    """What is odd among a person's records, refunds named (`take_refunds`) and other feeds' duplicates left out."""
    readable = [(settlement, settlement.record) for settlement in records if settlement.record is not None]
    gone = reversed_among([record for _, record in readable])
    # Where something was taken back, it may have been the earlier bill until now: nothing tells what was paid before.
    is_plain = not any(record.reversal for _, record in readable)
    standing = [pair for at, pair in enumerate(readable) if not pair[1].reversal and at not in gone]
    bills = [_ToldBill(held=settlement, record=record) for settlement, record in standing]
    bills.sort(key=lambda bill: bill.held.first_place)
    repeating: set[tuple[int, int]] = set()
    waiting: set[tuple[int, int]] = set()
    different: set[tuple[int, int]] = set()
    questions = []
    flags: dict[tuple[int, int], list[str]] = defaultdict(list)
    for bill in bills:
        if bill.has_too_many_days:
            flags[bill.held.place].append(TOO_MANY_DAYS)
        if tells_more_in_scope(bill.record):
            flags[bill.held.place].append(SCOPE_ABOVE_TOTAL)
    for earlier, later, reason in _odd_pairs(bills):
        if not {earlier.held.place, later.held.place}.isdisjoint(repeating | waiting):
            continue
        question = _question(earlier, later, reason, digest)
        # Which of the two came first may have come to light since it was answered.
        turned = _question(later, earlier, reason, digest).situation
        answered = asked.answers.get(question.situation) or asked.answers.get(turned)
        if answered is not None:
            (repeating if answered.answer == "same" else different).add(later.held.place)
            continue
        stood = is_plain and _stood_before(question, asked)
        questions.append(msgspec.structs.replace(question, reasons=(reason, COUNTED)) if stood else question)
        flags[earlier.held.place].append(reason)
        if reason == BILLED_TWICE and not stood:
            waiting.add(later.held.place)
        else:
            flags[later.held.place].append(reason)
    for bill in _far_apart(bills):
        flags[bill.held.place].append(FAR_APART)
    return Repeats(
        same=frozenset(repeating),
        waiting=frozenset(waiting),
        different=frozenset(different),
        flags={place: tuple(dict.fromkeys(reasons)) for place, reasons in flags.items()},
        questions=questions,
    )


class _ToldBill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    held: HeldRecord
    record: SettlementRecord

    @property
    def days(self) -> tuple[date, date] | None:
        """Admission and discharge of a stay; None where it is none, or they are not told."""
        return stay_days(self.record)

    @property
    def has_too_many_days(self) -> bool:
        """Whether the sheet tells more days than both the first and the last day counted would give."""
        days, on_sheet = self.days, self.record.inpatient_days
        return days is not None and on_sheet is not None and on_sheet > (days[1] - days[0]).days + 1

    @property
    def content(self) -> tuple[Any, ...] | None:
        """What two bills for one thing share; None where too much is not told to say so."""
        return whole_content(self.record)


def _odd_pairs(bills: Sequence[_ToldBill]) -> Iterator[tuple[_ToldBill, _ToldBill, str]]:
    """Pairs in the order they were received first; each bill that repeats one is held against the first of those."""
    first: dict[tuple[str, tuple[Any, ...]], _ToldBill] = {}
    repeated: set[tuple[int, int]] = set()
    for bill in bills:
        content = bill.content
        if content is None:
            continue
        earlier = first.setdefault((bill.held.feed, content), bill)
        if earlier is not bill and earlier.held.key != bill.held.key:
            repeated.add(bill.held.place)
            yield earlier, bill, BILLED_TWICE
    # Somebody on dialysis has hundreds of bills, and hardly one of them is of a stay: only stays are held together.
    lasting: list[tuple[_ToldBill, tuple[date, date]]] = []
    for later in bills:
        days = later.days
        if days is None:
            continue
        for earlier, before in lasting:
            meet = before[0] < days[1] and days[0] < before[1] and nights_in_common(earlier.record, later.record)
            if meet and not (later.held.place in repeated and earlier.content == later.content):
                yield earlier, later, OVERLAPPING
        lasting.append((later, days))


def _stood_before(question: BillQuestion, asked: AskedBefore) -> bool:
    """Whether the later bill was paid before anybody asked, on a site that an older program filled: it stays so. One of
    the two that waits, because it was held against another bill or was the later one until now, was not paid."""
    waiting = set()
    for item in asked.open:
        if item.situation == question.situation:
            return COUNTED in item.reasons
        if BILLED_TWICE in item.reasons and COUNTED not in item.reasons:
            waiting.add((item.page_seq, item.row))
    pair = (question.about, *question.against)
    return all(bill.record_id is not None and not bill.duplicate and bill.place not in waiting for bill in pair)


def _far_apart(bills: Sequence[_ToldBill]) -> Iterator[_ToldBill]:
    """Bills of one visit that begin more than a few days after all earlier ones of it ended."""
    visits: dict[tuple[str | None, str], list[_ToldBill]] = defaultdict(list)
    for bill in bills:
        if bill.days is not None and bill.record.visit_no is not None:
            visits[bill.record.facility_no, bill.record.visit_no].append(bill)
    for of_visit in visits.values():
        ended: date | None = None
        for bill in sorted(of_visit, key=lambda bill: bill.days or (date.max, date.max)):
            began, last = bill.days or (date.max, date.max)
            if ended is not None and (began - ended).days > APART_DAYS:
                yield bill
            ended = last if ended is None else max(ended, last)


def _question(earlier: _ToldBill, later: _ToldBill, reason: str, digest: Digest) -> BillQuestion:
    facts = to_compare([earlier.record, later.record]).hex()
    return BillQuestion(
        kind="repeat",
        situation=digest(f"{REPEAT}{earlier.held.feed}/{later.held.feed}/{reason}{facts}"),
        about=later.held,
        against=(earlier.held,),
        reasons=(reason,),
    )
