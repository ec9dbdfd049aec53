"""Which settlements are one stay (单次住院) or one month of special outpatient care (门诊特殊慢性病).

A settlement of inpatient care is a stay; settlements of one visit are one stay; a settlement at another
facility that begins on the day the one before it ended, or the day after, belongs to that one's stay (转院).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Protocol

import msgspec

from gateway.core.schemes.edition import SchemeFamily
from gateway.core.schemes.reversals import Standing
from gateway.errors import BadCase
from gateway.model.benefit import Decided
from gateway.model.record import SettlementRecord

SHANGHAI = timezone(timedelta(hours=8))
"""Asia/Shanghai as it has been for all settlements there are: eight hours, no summer time."""

_MATERNITY = ("maternity_inpatient", "maternity_outpatient", "family_planning")
_NEVER = datetime.max.replace(tzinfo=UTC)

Key = tuple[str | None, ...]
Order = tuple[date, datetime, str, str]


class Part(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """One settlement on its way into an estimate. `key` is what it shares with others of its stay or month.

    `reason` sets it aside (不予补助); `gone` says it was reversed and is here for what was decided about it.
    """

    at: int
    record: SettlementRecord
    settled: datetime | None
    reason: str | None
    monthly: bool
    key: Key
    doubt: str | None = None
    gone: bool = False

    @property
    def days_known(self) -> bool:
        """Whether its days are there and possible: those of a stay, or that of a month's settlement."""
        if self.monthly:
            return self.settled is not None
        began, ended = self.record.admitted_on, self.record.discharged_on
        return began is not None and ended is not None and began <= ended

    @property
    def settled_possibly(self) -> bool:
        """Whether it was settled, and not before it began: the order and the deadline need that."""
        began = None if self.monthly else self.record.admitted_on
        return self.settled is not None and (began is None or began <= self.settled.date())

    @property
    def visit_identity(self) -> str:
        """Facility and visit, the settlement number where there is none, or the month of special care."""
        if self.key[0] == "month":
            return f"month/{self.key[1]}"
        if self.record.visit_no is None:
            return self.settlement_identity
        return f"{self.record.facility_no or ''}/{self.record.visit_no}"

    @property
    def settlement_identity(self) -> str:
        """Facility and settlement number."""
        return f"{self.record.facility_no or ''}/s:{self.record.settlement_no}"


class Stay(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """What becomes one estimate: a stay, a month, or one settlement set aside. Parts are in order.

    `decision` is what the association decided about exactly these settlements, `first` the earliest of them
    even if it was reversed since, `changed` whether one of several was. `joins` is the whole stay that these
    would make together with decided ones, and `joined` those decisions.
    """

    parts: tuple[Part, ...]
    transfer: bool = False
    decision: Decided | None = None
    first: Part | None = None
    changed: bool = False
    joins: Stay | None = None
    joined: tuple[Decided, ...] = ()

    @property
    def reason(self) -> str | None:
        return None if self.decision is not None else self.parts[0].reason

    @property
    def monthly(self) -> bool:
        return self.parts[0].monthly

    @property
    def inpatient(self) -> bool:
        """Whether it is a stay, neither a month nor set aside."""
        return self.parts[0].reason is None and not self.parts[0].monthly

    @property
    def counts(self) -> bool:
        """Whether its period's first stay could be this one: not if refused, not if it only joins another."""
        refused = self.decision is not None and self.decision.refused
        return self.inpatient and self.joins is None and not refused

    @property
    def first_part(self) -> Part:
        """The part that gives the stay its identity."""
        return self.first or self.parts[0]

    @property
    def ghost(self) -> bool:
        """Whether nothing of it stands any more: it was decided, then reversed."""
        return self.parts[0].gone


def stay_order(stay: Stay) -> Order:
    """Where a stay stands: by admission, then its last settlement time; a month by its last settlement."""
    day, settled, number, tie = _in_order(stay.parts[0])
    if len(stay.parts) > 1:
        last = _in_order(stay.parts[-1])
        if stay.monthly:
            return last
        settled = last[1]
    return day, settled, number, tie


class Kind(Protocol):
    """As much of a settlement as says whether a scheme is about it at all."""

    @property
    def care_type(self) -> str | None: ...

    @property
    def insurance_type(self) -> str | None: ...


def set_aside(record: Kind, family: SchemeFamily) -> str | None:
    """Why insurance or kind of care rules a settlement out, first reason first; None where they do not."""
    insurance, care = record.insurance_type, record.care_type
    if insurance == family.maternity_insurance or care in _MATERNITY:
        return "maternity_insurance"
    if insurance is not None and insurance not in family.insurance_types:
        return "not_employee_insurance"
    if care not in ("inpatient", "outpatient_special"):
        return "not_payable_care"
    return None


def pregnancy_in_doubt(record: Kind, family: SchemeFamily) -> bool:
    """A maternity stay under employee insurance: perhaps maternity insurance did not pay (fn⑥)."""
    return record.care_type == "maternity_inpatient" and record.insurance_type in family.insurance_types


def stays_of(
    records: Sequence[SettlementRecord],
    standing: Standing,
    family: SchemeFamily,
    decided: Sequence[Decided] = (),
) -> list[Stay]:
    """Every settlement that stands, in exactly one stay. The order of `records` does not matter."""
    parts = _parts(records, standing, family, decided)
    if len(parts) == 1 and not decided:
        return [Stay(parts=(parts[0],))]
    parts.sort(key=_in_order)
    if decided:
        return _with_decisions(parts, family, decided)
    aside = [Stay(parts=(part,)) for part in parts if part.reason is not None]
    groups = _grouped([part for part in parts if part.reason is None], family)
    return aside + [_stay(group) for group in groups]


def _parts(
    records: Sequence[SettlementRecord], standing: Standing, family: SchemeFamily, decided: Sequence[Decided]
) -> list[Part]:
    """The settlements that stand, and the reversed ones something was decided about."""
    named = {number for decision in decided for number in decision.settlements} if decided else ()
    return [
        _part(at, record, standing, family)
        for at, record in enumerate(records)
        if not record.reversal and (at not in standing.reversed or record.settlement_no in named)
    ]


def _part(at: int, record: SettlementRecord, standing: Standing, family: SchemeFamily) -> Part:
    settled, reason = _in_shanghai(record.settled_at), set_aside(record, family)
    return Part(
        at=at,
        record=record,
        settled=settled,
        reason=reason,
        monthly=record.care_type == "outpatient_special",
        key=_key(at, record, None if reason else settled),
        doubt=standing.doubtful.get(at),
        gone=at in standing.reversed,
    )


def _in_shanghai(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    if instant.tzinfo is None:
        raise BadCase("instant_without_offset", "结算时间须带时区 (an instant needs its offset)")
    try:
        return instant.astimezone(SHANGHAI)
    except OverflowError:
        return None


def _key(at: int, record: SettlementRecord, settled: datetime | None) -> Key:
    if record.care_type == "outpatient_special":
        return ("alone", str(at)) if settled is None else ("month", f"{settled:%Y-%m}")
    if record.visit_no is None:
        return ("alone", str(at))
    return ("visit", record.facility_no, record.visit_no)


def _in_order(part: Part) -> Order:
    """Admission, settlement time, settlement number; for a month the day of settlement stands for admission.

    What follows only keeps two settlements with the same number from two feeds in one order.
    """
    record, settled = part.record, part.settled
    day = (settled.date() if settled else None) if part.monthly else record.admitted_on
    tie = f"{record.facility_no}/{record.visit_no}/{record.in_scope_amount}/{record.fund_paid_amount}"
    return day or date.max, settled or _NEVER, record.settlement_no, tie


def _grouped(parts: Sequence[Part], family: SchemeFamily) -> list[list[Part]]:
    """Parts of one visit or month together, then stays a transfer joins. `parts` in order."""
    groups: dict[Key, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.key, []).append(part)
    for earlier, later in _neighbours(parts):
        if _is_transfer(earlier, later, family) and groups[earlier.key] is not groups[later.key]:
            _merge(groups, earlier.key, later.key)
    distinct = {id(group): group for group in groups.values()}
    return [sorted(group, key=_in_order) for group in distinct.values()]


def _merge(groups: dict[Key, list[Part]], one: Key, other: Key) -> None:
    kept, taken = groups[one], groups[other]
    kept.extend(taken)
    for part in taken:
        groups[part.key] = kept


def _neighbours(parts: Sequence[Part]) -> Iterable[tuple[Part, Part]]:
    stays = [part for part in parts if not part.monthly and not part.gone and part.record.admitted_on is not None]
    return pairwise(stays)


def _is_transfer(earlier: Part, later: Part, family: SchemeFamily) -> bool:
    """Another facility, admitted on the day of that discharge or up to `transfer_days` after it (fn⑤)."""
    left, entered = earlier.record.discharged_on, later.record.admitted_on
    here, there = earlier.record.facility_no, later.record.facility_no
    if left is None or entered is None or here is None or there is None or here == there:
        return False
    return 0 <= entered.toordinal() - left.toordinal() <= family.transfer_days


def _stay(parts: Sequence[Part]) -> Stay:
    return Stay(parts=tuple(parts), transfer=_moved(parts))


def _moved(parts: Sequence[Part]) -> bool:
    """Whether a stay has a transfer in it. Only a transfer brings two facilities into one stay."""
    return len(parts) > 1 and len({part.record.facility_no for part in parts if not part.monthly}) > 1


def _with_decisions(parts: Sequence[Part], family: SchemeFamily, decided: Sequence[Decided]) -> list[Stay]:
    """Stays with what was decided about them kept apart from what would join or change them."""
    deciding = _deciding(decided)
    groups = _grouped([part for part in parts if part.reason is None], family)
    groups += [[part] for part in parts if part.reason is not None]
    return [stay for group in _tied(groups, deciding) for stay in _split(group, deciding)]


def _deciding(decided: Sequence[Decided]) -> dict[str, Decided]:
    deciding: dict[str, Decided] = {}
    for decision in decided:
        for number in decision.settlements:
            if deciding.setdefault(number, decision) is not decision:
                raise BadCase("decided_twice", "同一结算有两个核定结果 (a settlement was decided twice)")
    return deciding


def _tied(groups: Sequence[list[Part]], deciding: dict[str, Decided]) -> list[list[Part]]:
    """Groups that share a decision made one: a decided stay stays whole even if its records moved apart."""
    homes: dict[Decided, list[Part]] = {}
    tied: list[list[Part]] = []
    for group in groups:
        for decision in _decisions(group, deciding):
            home = homes.get(decision, group)
            if home is not group:
                tied.remove(home)
                group.extend(home)
                homes.update({one: group for one, place in homes.items() if place is home})
            homes[decision] = group
        tied.append(group)
    return [sorted(group, key=_in_order) for group in tied]


def _decisions(parts: Sequence[Part], deciding: dict[str, Decided]) -> list[Decided]:
    found = (deciding.get(part.record.settlement_no) for part in parts)
    return list(dict.fromkeys(one for one in found if one is not None))


def _split(parts: Sequence[Part], deciding: dict[str, Decided]) -> list[Stay]:
    """The decided stays of a group, and the rest of it as one stay that would join them."""
    decisions = _decisions(parts, deciding)
    if not decisions:
        return [_stay(parts)]
    rest = [part for part in parts if part.record.settlement_no not in deciding]
    stays = [_decided_stay(parts, deciding, decision) for decision in decisions]
    if rest:
        whole = _stay([part for part in parts if not part.gone])
        joining = Stay(parts=tuple(rest), transfer=whole.transfer, joins=whole, joined=tuple(decisions))
        stays.append(joining)
    return stays


def _decided_stay(parts: Sequence[Part], deciding: dict[str, Decided], decision: Decided) -> Stay:
    mine = tuple(part for part in parts if deciding.get(part.record.settlement_no) is decision)
    live = tuple(part for part in mine if not part.gone)
    changed = 0 < len(live) < len(mine)
    return Stay(parts=live or mine, first=mine[0], transfer=_moved(live), decision=decision, changed=changed)
