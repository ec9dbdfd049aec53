"""Bills that contradict themselves or each other (结算数据相互矛盾): paid as they are told, and flagged.

The running gateway asks a person about them, and knows the answer the next time (`core.changes.repeats`). A case of
`hubao scheme assess` has nobody to ask, so its estimates carry the same flags, with the amount unchanged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from gateway.core.schemes.units.reversals import reversed_among
from gateway.model.benefit import BenefitEstimate
from gateway.model.record import SettlementRecord

BILLED_TWICE: Final = "billed_twice"
OVERLAPPING: Final = "overlapping_stays"
SCOPE_ABOVE_TOTAL: Final = "scope_exceeds_total"
FAR_APART: Final = "visit_far_apart"
APART_DAYS: Final = 7
"""Bills of one visit with more days than these between them are hardly one stay."""

_FLAGS: Final = (BILLED_TWICE, OVERLAPPING, SCOPE_ABOVE_TOTAL, FAR_APART)
_STAYS: Final = ("inpatient", "maternity_inpatient")
_WHOLE_AMOUNTS: Final = ("total_amount", "in_scope_amount", "fund_paid_amount", "personal_amount")


def with_contradictions(
    estimates: Sequence[BenefitEstimate], records: Sequence[SettlementRecord]
) -> list[BenefitEstimate]:
    """The same estimates, those that pay on contradictory bills with a flag for each kind. `records` are those they
    were made of."""
    flags = _flags_of(records)
    flagged = []
    for estimate in estimates:
        odd = {flag for at in estimate.record_keys for flag in flags.get(at, ())} if estimate.payable else ()
        added = tuple([flag for flag in _FLAGS if flag in odd])
        flagged.append(msgspec.structs.replace(estimate, flags=estimate.flags + added) if added else estimate)
    return flagged


def _flags_of(records: Sequence[SettlementRecord]) -> dict[int, set[str]]:
    """Position of a bill that stands → what is odd about it."""
    gone = reversed_among(records)
    standing = [(at, record) for at, record in enumerate(records) if not record.reversal and at not in gone]
    flags: dict[int, set[str]] = defaultdict(set)
    for at in far_apart_among(standing):
        flags[at].add(FAR_APART)
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for at, record in standing:
        alike[whole_content(record) or (at,)].append(at)
        if tells_more_in_scope(record):
            flags[at].add(SCOPE_ABOVE_TOTAL)
    first_alike = {at: bills[0] for bills in alike.values() for at in bills}
    for at in [at for bills in alike.values() if len(bills) > 1 for at in bills]:
        flags[at].add(BILLED_TWICE)
    for pair in _sharing_nights(standing):
        # A bill that came twice shares its nights with itself; that is said already.
        for at in pair if first_alike[pair[0]] != first_alike[pair[1]] else ():
            flags[at].add(OVERLAPPING)
    return flags


def far_apart_among(bills: Sequence[tuple[int, SettlementRecord]]) -> list[int]:
    """Positions of bills that begin more than a few days after all earlier ones of their visit ended."""
    visits: dict[tuple[str | None, str], list[tuple[tuple[date, date], str, int]]] = defaultdict(list)
    for at, record in bills:
        days = stay_days(record)
        if record.visit_no is not None and days is not None:
            visits[record.facility_no, record.visit_no].append((days, record.settlement_no, at))
    far = []
    for of_visit in visits.values():
        ended = date.max
        for (began, last), _, at in sorted(of_visit):
            if (began - ended).days > APART_DAYS:
                far.append(at)
            ended = last if ended == date.max else max(ended, last)
    return far


def _sharing_nights(bills: Sequence[tuple[int, SettlementRecord]]) -> Iterator[tuple[int, int]]:
    """Pairs of bills of different visits that share a night. In order of admission, each is held against those before
    it that have not ended yet."""
    dated = [(days, at, record) for at, record in bills if (days := stay_days(record)) is not None]
    lasting: list[tuple[tuple[date, date], int, SettlementRecord]] = []
    for days, at, record in sorted(dated, key=lambda bill: bill[:2]):
        lasting = [bill for bill in lasting if bill[0][1] > days[0]]
        for _, earlier, earlier_record in lasting:
            if nights_in_common(record, earlier_record):
                yield at, earlier
        lasting.append((days, at, record))


def tells_more_in_scope(record: SettlementRecord) -> bool:
    """Whether a bill tells more within the scope of insurance than it comes to in all."""
    in_scope, total = record.in_scope_amount, record.total_amount
    return in_scope is not None and total is not None and in_scope > total


def stay_days(record: SettlementRecord) -> tuple[date, date] | None:
    """Admission and discharge of a stay; None where it is none, or they are not told."""
    began, ended = record.admitted_on, record.discharged_on
    if record.care_type not in _STAYS or began is None or ended is None:
        return None
    return began, ended


def nights_in_common(bill: SettlementRecord, second: SettlementRecord) -> bool:
    """Whether two bills of different visits are of stays that share a night. One that begins on the day the other ends
    is a transfer or a return; bills that name one visit are one stay, settled in pieces."""
    days, second_days = stay_days(bill), stay_days(second)
    if days is None or second_days is None:
        return False
    if bill.visit_no is not None and (bill.facility_no, bill.visit_no) == (second.facility_no, second.visit_no):
        return False
    return days[0] < second_days[1] and second_days[0] < days[1]


def whole_content(record: SettlementRecord) -> tuple[Any, ...] | None:
    """What two bills for one thing share: facility, kind of care, days and amounts; None where too much is not told to
    say so."""
    # A stored instant comes back in UTC: the day is counted by the clock of Shanghai from the instant itself.
    settled = None if record.settled_at is None else int(record.settled_at.timestamp() + 28_800) // 86_400
    day = record.admitted_on or settled
    if record.facility_no is None or day is None or record.total_amount is None:
        return None
    amounts = (getattr(record, name) for name in _WHOLE_AMOUNTS)
    return record.facility_no, record.care_type, day, record.discharged_on, *amounts
