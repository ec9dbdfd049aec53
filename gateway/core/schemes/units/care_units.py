"""Which settlements are one unit: a stay (单次住院), a month of special outpatient care (门诊特殊慢性病), one alone,
or all of a coverage period.

Settlements of one visit are one stay; one at another facility that begins on the day the one before it ended, or
the day after, belongs to that one's stay (转院). What is one unit of which care is the scheme's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Final, Protocol

import msgspec

from gateway.core.schemes.language.edition import SchemeFamily, UnitKind
from gateway.core.schemes.units.events import Event, EventKey, diagnosis_key, events_of_facts
from gateway.core.schemes.units.periods import Period, period_on, waits
from gateway.core.schemes.units.reversals import StandingRecords
from gateway.errors import BadCase
from gateway.model.benefit import ClaimDecision, Fact
from gateway.model.clock import SHANGHAI_OFFSET
from gateway.model.record import SettlementRecord

_EIGHT_HOURS = SHANGHAI_OFFSET.utcoffset(None)

OF_ONE_DAY: Final = ("month", "period")
"""Kinds of unit that stand on the one day of their last settlement, without admission and discharge."""

_MATERNITY = ("maternity_inpatient", "maternity_outpatient", "family_planning")
_NEVER = datetime.max.replace(tzinfo=UTC)

Key = tuple[str | None, ...]
Order = tuple[date, datetime, str, str]


class UnitPart(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """One settlement on its way into an estimate. `key` is what it shares with others of its unit.

    `reason` sets it aside (不予补助); `gone` says it was reversed and is here for what was decided about it.
    `event` is the event its codes speak of, also where it stands in a stay.
    """

    at: int
    record: SettlementRecord
    settled: datetime | None
    reason: str | None
    kind: UnitKind
    key: Key
    doubt: str | None = None
    gone: bool = False
    event: EventKey | None = None

    @property
    def days_known(self) -> bool:
        """Whether its days are there and possible: those of a stay, or the one day of any other unit."""
        began, ended = self.record.admitted_on, self.record.discharged_on
        if self.kind in OF_ONE_DAY:
            return self.settled is not None
        if self.kind == "single" and (began is None or ended is None):
            return self.day is not None
        return began is not None and ended is not None and began <= ended

    @property
    def settled_possibly(self) -> bool:
        """Whether it was settled, and not before it began: the order and the deadline need that."""
        began = None if self.kind in OF_ONE_DAY else self.record.admitted_on
        return self.settled is not None and (began is None or began <= self.settled.date())

    @property
    def day(self) -> date | None:
        """The day it counts for where a unit has no nights: admission, else settlement."""
        return self.record.admitted_on or (self.settled.date() if self.settled else None)

    @property
    def visit_identity(self) -> str:
        """Facility and visit, the settlement number where there is none, or the month or period."""
        if self.key[0] in OF_ONE_DAY:
            return f"{self.key[0]}/{self.key[1]}"
        if self.record.visit_no is None or self.kind == "single":
            return self.settlement_identity
        return f"{self.record.facility_no or ''}/{self.record.visit_no}"

    @property
    def settlement_identity(self) -> str:
        """Facility and settlement number."""
        return f"{self.record.facility_no or ''}/s:{self.record.settlement_no}"


class CareUnit(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """What becomes one estimate: a stay, a month, an event, one settlement set aside. Parts are in order.

    `decision` is what the association decided about exactly these settlements, `first` the earliest of them
    even if it was reversed since, `changed` whether one of several was. `joins` is the whole stay that these
    would make together with decided ones, and `joined` those decisions. `event` belongs to an event, whose
    parts may be none: its settlements may stand in their own stays; `evidence` are all that have its codes.
    """

    parts: tuple[UnitPart, ...]
    kind: UnitKind
    transfer: bool = False
    decision: ClaimDecision | None = None
    first: UnitPart | None = None
    changed: bool = False
    would_join: CareUnit | None = None
    joined_decisions: tuple[ClaimDecision, ...] = ()
    event: Event | None = None
    evidence: tuple[UnitPart, ...] = ()

    @property
    def reason(self) -> str | None:
        return None if self.decision is not None or not self.parts else self.parts[0].reason

    @property
    def doubtful(self) -> bool:
        """Whether a refund leaves one of its settlements in doubt."""
        for part in self.parts:  # noqa: SIM110 (asked often)
            if part.doubt is not None:
                return True
        return False

    @property
    def of_one_day(self) -> bool:
        return self.kind in OF_ONE_DAY

    @property
    def payable_kind(self) -> UnitKind | None:
        """Its kind where it is not set aside: units of one kind have a first one in each period."""
        return None if self.parts and self.parts[0].reason is not None else self.kind

    @property
    def counts(self) -> bool:
        """Whether its period's first stay could be this one: not if refused, not if it only joins another."""
        refused = self.decision is not None and self.decision.refused
        return self.payable_kind == "stay" and self.would_join is None and not refused

    @property
    def identity(self) -> str:
        """What identifies it for ever (design §5.2): its event, visit, month or period."""
        if self.event is not None:
            return self.event.key.identity
        return (self.first or self.parts[0]).visit_identity

    @property
    def settlement_identity(self) -> str:
        """What identifies it where another stay has the visit."""
        return self.event.key.identity if self.event is not None else (self.first or self.parts[0]).settlement_identity

    @property
    def fully_reversed(self) -> bool:
        """Whether nothing of it stands any more: it was decided, then reversed."""
        return bool(self.parts) and self.parts[0].gone


def unit_order(stay: CareUnit) -> Order:
    """Where a stay stands: by admission, then its last settlement time; a month by its last settlement."""
    if stay.event is not None:
        return stay.event.on or date.max, _NEVER, f"{stay.event.rank:04d}", stay.identity
    day, settled, number, tie = _in_order(stay.parts[0])
    if len(stay.parts) > 1:
        last = _in_order(stay.parts[-1])
        if stay.of_one_day:
            return last
        settled = last[1]
    return day, settled, number, tie


class CareKind(Protocol):
    """As much of a settlement as says whether a scheme is about it at all."""

    @property
    def care_type(self) -> str | None: ...

    @property
    def insurance_type(self) -> str | None: ...


def set_aside(record: CareKind, family: SchemeFamily) -> str | None:
    """Why insurance or kind of care rules a settlement out, first reason first; None where they do not."""
    insurance, care = record.insurance_type, record.care_type
    if insurance is not None and insurance == family.maternity_insurance:
        return "maternity_insurance"
    if care in family.units and (insurance is None or insurance in family.insurance_types):
        return None
    if care in _MATERNITY and care not in family.units:
        return "maternity_insurance"
    if insurance is not None and family.insurance_types and insurance not in family.insurance_types:
        return "not_employee_insurance"
    if care not in family.units:
        return "not_payable_care"
    return None


def pregnancy_in_doubt(record: CareKind, family: SchemeFamily) -> bool:
    """A maternity stay under employee insurance: perhaps maternity insurance did not pay (fn⑥)."""
    return (
        record.care_type == "maternity_inpatient"
        and record.insurance_type in family.insurance_types
        and "maternity_inpatient" not in family.units
    )


def care_units_of(
    records: Sequence[SettlementRecord],
    standing: StandingRecords,
    family: SchemeFamily,
    periods: Sequence[Period],
    decided: Sequence[ClaimDecision] = (),
    facts: Sequence[Fact] = (),
) -> list[CareUnit]:
    """Every settlement that stands, in exactly one stay; events besides. The order of `records` does not matter."""
    parts = _parts(records, standing, family, periods, decided)
    with_events = bool(facts) or (family.pays_at_events and any(part.event is not None for part in parts))
    if len(parts) == 1 and not decided and not with_events:
        return [CareUnit(parts=(parts[0],), kind=parts[0].kind)]
    parts.sort(key=_in_order)
    events = _events(parts, family, periods, decided, facts) if with_events else []
    return events + _stays([part for part in parts if part.kind != "event"], family, decided)


def _stays(parts: Sequence[UnitPart], family: SchemeFamily, decided: Sequence[ClaimDecision]) -> list[CareUnit]:
    if decided:
        return _with_decisions(parts, family, decided)
    aside = [CareUnit(parts=(part,), kind=part.kind) for part in parts if part.reason is not None]
    groups = _grouped([part for part in parts if part.reason is None], family)
    return aside + [_stay(group) for group in groups]


def _events(
    parts: Sequence[UnitPart],
    family: SchemeFamily,
    periods: Sequence[Period],
    decided: Sequence[ClaimDecision],
    facts: Sequence[Fact],
) -> list[CareUnit]:
    """The events facts and codes tell of. A settlement that stands in a stay of its own is only evidence."""
    events = {event.key: event for event in events_of_facts(facts, periods, family)}
    own: dict[EventKey, list[UnitPart]] = {}
    coded: dict[tuple[str, str], list[UnitPart]] = {}
    for part in parts:
        if part.event is None or (part.reason is not None) or (part.gone and part.kind != "event"):
            continue
        event = events.setdefault(part.event, Event(key=part.event))
        event.days += [part.day] if part.day is not None and not part.gone else []
        coded.setdefault((part.event.lump, part.event.group), []).append(part)
        if part.kind == "event":
            own.setdefault(part.event, []).append(part)
    for event in events.values():
        event.happened(periods, family)
    return [
        _event(event, own.get(key, []), coded.get((key.lump, key.group), []), decided) for key, event in events.items()
    ]


def _event(
    event: Event, parts: Sequence[UnitPart], coded: Sequence[UnitPart], decided: Sequence[ClaimDecision]
) -> CareUnit:
    """What was decided about an event holds whatever further settlements tell of it."""
    live = [part for part in parts if not part.gone] or parts
    numbers = {part.record.settlement_no for part in parts}
    found = [one for one in decided if one.stay == event.key.identity or not numbers.isdisjoint(one.settlements)]
    decision = min(found, key=_decision_order) if found else None
    return CareUnit(parts=tuple(live), kind="event", event=event, decision=decision, evidence=tuple(coded))


def _decision_order(decision: ClaimDecision) -> tuple[str, ...]:
    return decision.settlements


def _parts(
    records: Sequence[SettlementRecord],
    standing: StandingRecords,
    family: SchemeFamily,
    periods: Sequence[Period],
    decided: Sequence[ClaimDecision],
) -> list[UnitPart]:
    """The settlements that stand, and the reversed ones something was decided about."""
    named = {number for decision in decided for number in decision.settlements} if decided else ()
    with_events = family.pays_at_events
    return [
        _part(at, record, standing, family, periods, with_events)
        for at, record in enumerate(records)
        if not record.reversal and (at not in standing.reversed or record.settlement_no in named)
    ]


def _part(
    at: int,
    record: SettlementRecord,
    standing: StandingRecords,
    family: SchemeFamily,
    periods: Sequence[Period],
    with_events: bool,
) -> UnitPart:
    settled, reason = in_shanghai(record.settled_at), set_aside(record, family)
    kind: UnitKind = family.units.get(record.care_type or "", "none")
    event = None
    if with_events and reason in (None, "not_payable_care"):
        day = record.admitted_on or (settled.date() if settled else None)
        event = diagnosis_key(record, day, periods, family)
        if event is not None and reason is not None:
            reason, kind = None, "event"
    return UnitPart(
        at=at,
        record=record,
        settled=settled,
        reason=reason,
        kind=kind,
        key=_key(at, record, kind, None if reason else settled, periods),
        doubt=standing.doubtful.get(at),
        gone=at in standing.reversed,
        event=event,
    )


def in_shanghai(instant: datetime | None) -> datetime | None:
    """The instant by the clock of Shanghai, None where it lies beyond the calendar. Raises BadCase without offset."""
    if instant is None or instant.tzinfo is SHANGHAI_OFFSET:
        return instant
    if instant.tzinfo is None:
        raise BadCase("instant_without_offset", "结算时间须带时区 (an instant needs its offset)")
    if instant.utcoffset() == _EIGHT_HOURS:
        return instant
    try:
        return instant.astimezone(SHANGHAI_OFFSET)
    except OverflowError:
        return None


def _key(at: int, record: SettlementRecord, kind: UnitKind, settled: datetime | None, periods: Sequence[Period]) -> Key:
    if kind == "month":
        return ("alone", str(at)) if settled is None else ("month", f"{settled:%Y-%m}")
    if kind == "period":
        return _period_key(at, settled, periods)
    if record.visit_no is None or kind == "single":
        return ("alone", str(at))
    return ("visit", record.facility_no, record.visit_no)


def _period_key(at: int, settled: datetime | None, periods: Sequence[Period]) -> Key:
    """What is settled outside any period or while it waits stands alone, and pays nothing."""
    period = period_on(periods, settled.date() if settled else None)
    if settled is None or period is None or waits(period, settled.date()):
        return ("alone", str(at))
    return ("period", period.first.isoformat())


def _in_order(part: UnitPart) -> Order:
    """Admission, settlement time, settlement number; for a month the day of settlement stands for admission.

    What follows only keeps two settlements with the same number from two feeds in one order.
    """
    record, settled = part.record, part.settled
    day = (settled.date() if settled else None) if part.kind in OF_ONE_DAY else record.admitted_on
    if day is None and part.kind in ("single", "event"):
        day = part.day
    tie = f"{record.facility_no}/{record.visit_no}/{record.in_scope_amount}/{record.fund_paid_amount}"
    return day or date.max, settled or _NEVER, record.settlement_no, tie


def _grouped(parts: Sequence[UnitPart], family: SchemeFamily) -> list[list[UnitPart]]:
    """Parts of one visit or month together, then stays a transfer joins. `parts` in order."""
    groups: dict[Key, list[UnitPart]] = {}
    for part in parts:
        groups.setdefault(part.key, []).append(part)
    for earlier, later in _neighbours(parts):
        if _is_transfer(earlier, later, family) and groups[earlier.key] is not groups[later.key]:
            _merge(groups, earlier.key, later.key)
    distinct = {id(group): group for group in groups.values()}
    return [sorted(group, key=_in_order) if len(group) > 1 else group for group in distinct.values()]


def _merge(groups: dict[Key, list[UnitPart]], one: Key, other: Key) -> None:
    kept, taken = groups[one], groups[other]
    kept.extend(taken)
    for part in taken:
        groups[part.key] = kept


def _neighbours(parts: Sequence[UnitPart]) -> Iterable[tuple[UnitPart, UnitPart]]:
    stays = [part for part in parts if part.kind == "stay" and not part.gone and part.record.admitted_on is not None]
    return pairwise(stays)


def _is_transfer(earlier: UnitPart, later: UnitPart, family: SchemeFamily) -> bool:
    """Another facility, admitted on the day of that discharge or up to `transfer_days` after it (fn⑤)."""
    left, entered, days = earlier.record.discharged_on, later.record.admitted_on, family.transfer_days
    here, there = earlier.record.facility_no, later.record.facility_no
    if days is None or left is None or entered is None or here is None or there is None or here == there:
        return False
    return 0 <= entered.toordinal() - left.toordinal() <= days


def _stay(parts: Sequence[UnitPart]) -> CareUnit:
    return CareUnit(parts=tuple(parts), kind=parts[0].kind, transfer=_moved(parts))


def _moved(parts: Sequence[UnitPart]) -> bool:
    """Whether a stay has a transfer in it. Only a transfer brings two facilities into one stay."""
    return len(parts) > 1 and len({part.record.facility_no for part in parts if part.kind == "stay"}) > 1


def _with_decisions(
    parts: Sequence[UnitPart], family: SchemeFamily, decided: Sequence[ClaimDecision]
) -> list[CareUnit]:
    """Stays with what was decided about them kept apart from what would join or change them."""
    deciding = _deciding(decided)
    groups = _grouped([part for part in parts if part.reason is None], family)
    groups += [[part] for part in parts if part.reason is not None]
    return [stay for group in _tied(groups, deciding) for stay in _split(group, deciding)]


def _deciding(decided: Sequence[ClaimDecision]) -> dict[str, ClaimDecision]:
    deciding: dict[str, ClaimDecision] = {}
    for decision in decided:
        for number in decision.settlements:
            if deciding.setdefault(number, decision) is not decision:
                raise BadCase("decided_twice", "同一结算有两个核定结果 (a settlement was decided twice)")
    return deciding


def _tied(groups: Sequence[list[UnitPart]], deciding: dict[str, ClaimDecision]) -> list[list[UnitPart]]:
    """Groups that share a decision made one: a decided stay stays whole even if its records moved apart."""
    homes: dict[ClaimDecision, list[UnitPart]] = {}
    tied: list[list[UnitPart]] = []
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


def _decisions(parts: Sequence[UnitPart], deciding: dict[str, ClaimDecision]) -> list[ClaimDecision]:
    found = (deciding.get(part.record.settlement_no) for part in parts)
    return list(dict.fromkeys(one for one in found if one is not None))


def _split(parts: Sequence[UnitPart], deciding: dict[str, ClaimDecision]) -> list[CareUnit]:
    """The decided stays of a group, and the rest of it as one stay that would join them."""
    decisions = _decisions(parts, deciding)
    if not decisions:
        return [_stay(parts)]
    rest = [part for part in parts if part.record.settlement_no not in deciding]
    stays = [_decided_stay(parts, deciding, decision) for decision in decisions]
    if rest:
        whole = _stay([part for part in parts if not part.gone])
        kind, transfer = rest[0].kind, whole.transfer
        joining = CareUnit(
            parts=tuple(rest), kind=kind, transfer=transfer, would_join=whole, joined_decisions=tuple(decisions)
        )
        stays.append(joining)
    return stays


def _decided_stay(parts: Sequence[UnitPart], deciding: dict[str, ClaimDecision], decision: ClaimDecision) -> CareUnit:
    mine = tuple(part for part in parts if deciding.get(part.record.settlement_no) is decision)
    live = tuple(part for part in mine if not part.gone)
    changed = 0 < len(live) < len(mine)
    shown = live or mine
    return CareUnit(
        parts=shown, kind=shown[0].kind, first=mine[0], transfer=_moved(live), decision=decision, changed=changed
    )
