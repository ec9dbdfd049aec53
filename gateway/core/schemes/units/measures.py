"""What a unit measures: its days and when it was settled."""

from __future__ import annotations

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


def measure(stay: CareUnit) -> Measure:
    """The measure of a unit, or of a settlement set aside."""
    if stay.event is not None:
        return _of_event(stay.event.on, stay.parts)
    parts = stay.parts
    if len(parts) == 1 and stay.kind == "stay":
        return _of_one(parts[0])
    days_known, settled_known = _known(stay)
    first, last = _days(stay, days_known)
    return Measure(
        first=first,
        last=last,
        total_days=1 if first is None or last is None else last.toordinal() - first.toordinal() + 1,
        settled=parts[-1].settled,
        sheet_days=_sheet_days(parts),
        days_known=days_known,
        settled_known=settled_known,
    )


def _of_one(part: UnitPart) -> Measure:
    """The commonest case without a detour: a stay of one settlement."""
    record, settled = part.record, part.settled
    began, ended, days = record.admitted_on, record.discharged_on, record.inpatient_days
    last, total, known = began, 1, False
    if began is not None and ended is not None:
        nights = ended.toordinal() - began.toordinal()
        known = nights >= 0
        if nights > 1:
            last, total = date.fromordinal(ended.toordinal() - 1), nights
    return Measure(
        first=began,
        last=last,
        total_days=total,
        settled=settled,
        sheet_days=days if days is not None and days > 0 else None,
        days_known=known,
        settled_known=settled is not None and (began is None or began <= settled.date()),
    )


def _of_event(day: date | None, parts: tuple[UnitPart, ...]) -> Measure:
    """An event has its one day; what is missing in its settlements does not matter."""
    return Measure(
        first=day,
        last=day,
        total_days=1,
        settled=parts[-1].settled if parts else None,
        sheet_days=None,
        days_known=True,
        settled_known=True,
    )


def _known(stay: CareUnit) -> tuple[bool, bool]:
    """Whether all its days are known and possible, and whether all its settlement times are."""
    days_known, settled_known = _ends_after_it_began(stay), True
    for part in stay.parts:
        days_known = days_known and part.days_known
        settled_known = settled_known and part.settled_possibly
    return days_known, settled_known


def _ends_after_it_began(stay: CareUnit) -> bool:
    if len(stay.parts) == 1 or stay.of_one_day:
        return True
    began, ended = stay.parts[0].record.admitted_on, stay.parts[-1].record.discharged_on
    return began is not None and ended is not None and began <= ended


def _days(stay: CareUnit, days_known: bool) -> tuple[date | None, date | None]:
    """First and last counted day: the nights of a stay, the one day of a month, as much as a date allows."""
    head, tail = stay.parts[0], stay.parts[-1]
    began, ended = head.record.admitted_on, tail.record.discharged_on
    if stay.of_one_day:
        day = tail.settled.date() if tail.settled else None
        return day, day
    if stay.kind == "single" and (began is None or ended is None):
        return head.day, head.day
    if began is None or ended is None or not days_known or ended == began:
        return began, began
    return began, ended - _DAY


def _sheet_days(parts: tuple[UnitPart, ...]) -> int | None:
    days = 0
    for part in parts:
        if part.record.inpatient_days is None:
            return None
        days += part.record.inpatient_days
    return days if days > 0 else None
