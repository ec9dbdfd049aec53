"""What a unit measures: its days and when it was settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from gateway.core.schemes.units.care_units import CareUnit, UnitPart

_DAY = timedelta(days=1)


class Measure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Days counted from `first` to `last`, both included, each night by its date; None where none is known.

    `sheet_days` are the days the settlement sheets give (医保结算单据), None where one does not. `days_known`
    says that no day is missing or impossible, `settled_known` the same of the settlement times.
    """

    first: date | None
    last: date | None
    total_days: int
    settled: datetime | None
    sheet_days: int | None
    days_known: bool
    settled_known: bool

    @property
    def usable(self) -> bool:
        return self.days_known and self.settled_known


def measure(unit: CareUnit, counted: Sequence[UnitPart]) -> Measure:
    """The measure of a unit, or of a settlement set aside. A month has its one day and needs its data from those of its
    settlements that are `counted`."""
    parts = unit.parts
    if unit.kind == "stay" and len(parts) == 1:
        return _of_one_stay(parts[0])
    if unit.event is not None:
        # An event has its one day; what is missing in its settlements does not matter.
        return Measure(
            first=unit.event.on,
            last=unit.event.on,
            total_days=1,
            settled=parts[-1].settled if parts else None,
            sheet_days=None,
            days_known=True,
            settled_known=True,
        )
    days_known = all(part.days_known for part in counted if not part.emergency) and _ends_after_it_began(unit)
    first, last = _days(unit, days_known, counted[-1])
    total_days = 1 if first is None or last is None else last.toordinal() - first.toordinal() + 1
    return Measure(
        first=first,
        last=last,
        total_days=total_days,
        settled=parts[-1].settled,
        sheet_days=_days_on_sheets(unit, total_days),
        days_known=days_known,
        settled_known=all(part.settled_possibly for part in counted if not part.emergency),
    )


def _of_one_stay(part: UnitPart) -> Measure:
    """The commonest case without a detour: a stay of one settlement."""
    record, settled = part.record, part.settled
    began, ended, days = record.admitted_on, record.discharged_on, record.inpatient_days
    last, total, days_known = began, 1, False
    if began is not None and ended is not None:
        nights = ended.toordinal() - began.toordinal()
        days_known = nights >= 0
        if nights > 1:
            last, total = date.fromordinal(ended.toordinal() - 1), nights
    return Measure(
        first=began,
        last=last,
        total_days=total,
        settled=settled,
        sheet_days=days if days is not None and days > 0 else None,
        days_known=days_known,
        settled_known=settled is not None and (began is None or began <= settled.date()),
    )


def _days_on_sheets(unit: CareUnit, total_days: int) -> int | None:
    """The days all sheets of a unit give together, where each gives any; of several of one stay never more than the
    nights from the first admission to the last discharge: no day is paid twice."""
    days = 0
    for part in unit.parts:
        # 0 is what a form without days says, on one sheet of several as on the only one.
        if not part.record.inpatient_days or part.record.inpatient_days < 0:
            return None
        days += part.record.inpatient_days
    return days if len(unit.parts) == 1 or unit.of_one_day else min(days, total_days)


def _ends_after_it_began(unit: CareUnit) -> bool:
    # The parts of a stay may overlap; a later part that ended before the first began is a wrong date.
    if len(unit.parts) == 1 or unit.of_one_day:
        return True
    began, ended = unit.parts[0].record.admitted_on, unit.parts[-1].record.discharged_on
    return began is not None and ended is not None and began <= ended


def _days(unit: CareUnit, days_known: bool, counted: UnitPart) -> tuple[date | None, date | None]:
    """First and last counted day: the nights of a stay, the one day of a month (that of the last settlement that
    counts), as much as a date allows."""
    head, tail = unit.parts[0], unit.parts[-1]
    began, ended = head.record.admitted_on, tail.record.discharged_on
    if unit.of_one_day:
        day = counted.settled.date() if counted.settled else None
        return day, day
    if unit.kind == "single" and (began is None or ended is None):
        return head.day, head.day
    if began is None or ended is None or not days_known or ended == began:
        return began, began
    return began, ended - _DAY
