"""A unit of care, which becomes one estimate: a stay (单次住院), a month of special outpatient care (门诊特殊慢性病),
one settlement alone, all of a coverage period, or an event. `grouping` says which settlements are one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final, Protocol

import msgspec

from gateway.core.schemes.language.edition import SchemeFamily, UnitKind
from gateway.core.schemes.units.events import Event, EventKey
from gateway.errors import BadCase
from gateway.model.benefit import ClaimDecision
from gateway.model.clock import SHANGHAI_OFFSET
from gateway.model.record import SettlementRecord

_EIGHT_HOURS = SHANGHAI_OFFSET.utcoffset(None)

OF_ONE_DAY: Final = ("month", "period")
"""Kinds of unit that stand on the one day of their last settlement, without admission and discharge."""

INJURY_CARE: Final = "22"
"""The national code of the kind of care (med_type) for an injury."""

_MATERNITY = ("maternity_inpatient", "maternity_outpatient", "family_planning")
_NEVER = datetime.max.replace(tzinfo=UTC)

EMERGENCY_TO_CONFIRM: Final = "emergency_to_confirm"

Key = tuple[str | None, ...]
Order = tuple[date, datetime, str, str]


class UnitPart(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """One settlement on its way into an estimate. `key` is what it shares with others of its unit.

    `reason` sets it aside (不予补助); `gone` says it was reversed and is here for what was decided about it.
    `event` is the event its codes speak of, also where it stands in a stay. `emergency` is emergency care that a person
    found to be part of its stay; a stay that `awaits_emergency` may yet have such a part.
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
    emergency: bool = False
    awaits_emergency: bool = False

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
    def by_accident(self) -> bool:
        """Whether it is inpatient care of an injury (外伤住院)."""
        return self.record.care_type_code == INJURY_CARE

    @property
    def admission(self) -> tuple[str, date] | None:
        """Facility and day of admission of what may be a stay: what a correction under a new number keeps."""
        facility, began = self.record.facility_no, self.record.admitted_on
        if self.reason is not None or self.kind not in ("stay", "single") or facility is None or began is None:
            return None
        return facility, began

    @property
    def visit_identity(self) -> str:
        """Facility and visit (and year, where it is split), the settlement number where there is none, or the month or
        period."""
        if self.key[0] in OF_ONE_DAY:
            return "/".join([name for name in self.key if name is not None])
        if self.record.visit_no is None or self.kind == "single":
            return self.settlement_identity
        visit = f"{self.record.facility_no or ''}/{self.record.visit_no}"
        # Of a visit that is split by years each year is a stay of its own, whichever was settled or received first.
        return f"{visit}/{self.key[-1]}" if len(self.key) > 3 else visit

    @property
    def settlement_identity(self) -> str:
        """Facility and settlement number."""
        return f"{self.record.facility_no or ''}/s:{self.record.settlement_no}"


class CareUnit(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """What becomes one estimate: a stay, a month, an event, one settlement set aside. Parts are in order.

    `emergencies` are settlements of emergency care whose amounts count with it and whose days do not.
    `decision` is what the association decided about exactly these settlements, `first` the earliest of them
    even if it was reversed since, `changed` whether one of several was, `settled_again` whether others stand in place
    of all of them. `would_join` is the whole stay that these would make together with decided ones or in their place,
    and `joined_decisions` are what was decided about those. `event` belongs to
    an event, whose parts may be none: its settlements may stand in their own stays; `evidence` are all with its codes.
    """

    parts: tuple[UnitPart, ...]
    kind: UnitKind
    emergencies: tuple[UnitPart, ...] = ()
    transfer: bool = False
    decision: ClaimDecision | None = None
    first: UnitPart | None = None
    changed: bool = False
    settled_again: bool = False
    would_join: CareUnit | None = None
    joined_decisions: tuple[ClaimDecision, ...] = ()
    event: Event | None = None
    evidence: tuple[UnitPart, ...] = ()

    @property
    def reason(self) -> str | None:
        return None if self.decision is not None or not self.parts else self.parts[0].reason

    @property
    def told(self) -> tuple[UnitPart, ...]:
        """All its settlements, those of emergency care last."""
        return self.parts + self.emergencies if self.emergencies else self.parts

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

    @property
    def is_over(self) -> bool:
        """Whether it was reversed and leaves nothing to tell about."""
        return self.fully_reversed and not self.to_recover

    @property
    def to_recover(self) -> bool:
        """Whether it was paid, then reversed, and nothing was settled in its place (待追回)."""
        decision = self.decision
        return self.fully_reversed and not self.settled_again and decision is not None and decision.payable > 0


def unit_order(unit: CareUnit) -> Order:
    """Where a unit stands among those of its member: by admission, then its last settlement time; a month by its last
    settlement.

    Caps, first stays and sums paid once are used up in this order, so it follows what happened and never what came
    first. An event comes after the care of its day: what pays for care is not taken from by a sum for the same illness.
    """
    if unit.event is not None:
        return unit.event.on or date.max, _NEVER, f"{unit.event.rank:04d}", unit.identity
    day, settled, number, tie = part_order(unit.parts[0])
    if len(unit.parts) > 1:
        last = part_order(unit.parts[-1])
        if unit.of_one_day:
            return last
        settled = last[1]
    return day, settled, number, tie


def part_order(part: UnitPart) -> Order:
    """Admission, settlement time, settlement number; for a month the day of settlement stands for admission.

    What follows only keeps two settlements with the same number from two feeds in one order.
    """
    record, settled = part.record, part.settled
    day = (settled.date() if settled else None) if part.kind in OF_ONE_DAY else record.admitted_on
    if day is None and part.kind in ("single", "event"):
        day = part.day
    tie = f"{record.facility_no}/{record.visit_no}/{record.in_scope_amount}/{record.fund_paid_amount}"
    return day or date.max, settled or _NEVER, record.settlement_no, tie


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
