"""What a stay measures: its days, its base (自付部分) and when it was settled."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from gateway.core.schemes.stays import Part, Stay

_DAY = timedelta(days=1)


class Measure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Days counted from `first` to `last`, both included, each night by its date; None where none is known.

    `base` in fen, None where an amount is missing or impossible. `sheet_days` are the days the settlement
    sheets give (医保结算单据), None where one does not. `days_known` says that no day is missing or
    impossible, `settled_known` the same of the settlement times, `usable` of all that is needed. `negative`
    says that a fund paid more than was in scope.
    """

    first: date | None
    last: date | None
    total_days: int
    settled: datetime | None
    base: int | None
    sheet_days: int | None
    days_known: bool
    settled_known: bool
    negative: bool

    @property
    def usable(self) -> bool:
        return self.days_known and self.settled_known and self.base is not None


def measure(stay: Stay) -> Measure:
    """The measure of a stay, a month, or a settlement set aside."""
    parts = stay.parts
    days_known, settled_known = _known(stay)
    first, last = _days(stay, days_known)
    base, negative = _base(parts)
    return Measure(
        first=first,
        last=last,
        total_days=1 if first is None or last is None else last.toordinal() - first.toordinal() + 1,
        settled=parts[-1].settled,
        base=base,
        sheet_days=_sheet_days(parts),
        days_known=days_known,
        settled_known=settled_known,
        negative=negative,
    )


def _known(stay: Stay) -> tuple[bool, bool]:
    """Whether all its days are known and possible, and whether all its settlement times are."""
    days_known, settled_known = _ends_after_it_began(stay), True
    for part in stay.parts:
        days_known = days_known and part.days_known
        settled_known = settled_known and part.settled_possibly
    return days_known, settled_known


def _ends_after_it_began(stay: Stay) -> bool:
    if len(stay.parts) == 1 or stay.monthly:
        return True
    began, ended = stay.parts[0].record.admitted_on, stay.parts[-1].record.discharged_on
    return began is not None and ended is not None and began <= ended


def _days(stay: Stay, days_known: bool) -> tuple[date | None, date | None]:
    """First and last counted day: the nights of a stay, the one day of a month, as much as a date allows."""
    head, tail = stay.parts[0], stay.parts[-1]
    began, ended = head.record.admitted_on, tail.record.discharged_on
    if stay.monthly:
        day = tail.settled.date() if tail.settled else None
        return day, day
    if began is None or ended is None or not days_known or ended == began:
        return began, began
    return began, ended - _DAY


def _base(parts: tuple[Part, ...]) -> tuple[int | None, bool]:
    base, negative = 0, False
    for part in parts:
        scope, paid = part.record.in_scope_amount, part.record.fund_paid_amount
        if scope is None or paid is None or scope < 0 or paid < 0:
            return None, False
        if paid > scope:
            negative = True
        else:
            base += scope - paid
    return base, negative


def _sheet_days(parts: tuple[Part, ...]) -> int | None:
    days = 0
    for part in parts:
        if part.record.inpatient_days is None:
            return None
        days += part.record.inpatient_days
    return days if days > 0 else None
