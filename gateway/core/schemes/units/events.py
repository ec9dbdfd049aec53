"""Events that pay a sum (一次性给付): a first diagnosis, a death, the end of a period.

A diagnosis is seen first in the codes of settlements; all those of one group are one event. It pays by itself
only where a fact confirms it. Death and the end of a period are known from facts alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec

from gateway.core.schemes.language.edition import Edition, SchemeFamily
from gateway.core.schemes.language.rules import GroupPayment, LumpSum
from gateway.core.schemes.units.periods import Period, period_on
from gateway.model.benefit import Fact
from gateway.model.record import SettlementRecord

DEATH = "death"
MATURITY = "maturity"


class EventKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which event: the benefit's name, the disease group (or death, maturity), the period where each has its own."""

    lump: str
    group: str
    period_first: date | None = None

    @property
    def identity(self) -> str:
        """The event's identity for ever (design §5.2)."""
        own = "" if self.period_first is None else f"/{self.period_first.isoformat()}"
        return f"event/{self.lump}/{self.group}{own}"


class Event(msgspec.Struct, kw_only=True):
    """One event: on which day as far as is known, and how that is known. `days` are those of its settlements."""

    key: EventKey
    confirmed: bool = False
    accident: bool = False
    on: date | None = None
    days: list[date] = []
    rank: int = 0

    def happened(self, periods: Sequence[Period], family: SchemeFamily) -> None:
        """Set the day where no fact gives it: the first covered day of a settlement, else the first of all.

        `rank` is the place of its group in the file, which orders events of one day.
        """
        if self.on is None:
            covered = [day for day in self.days if period_on(periods, day) is not None]
            self.on = min(covered or self.days, default=None)
        for lump in edition_on(periods, family, self.on).lump_sums:
            names = [payment.group.name for payment in lump.payments]
            if lump.name == self.key.lump and self.key.group in names:
                self.rank = names.index(self.key.group)


def edition_on(periods: Sequence[Period], family: SchemeFamily, day: date | None) -> Edition:
    """The edition of the period that holds a day, else the family's latest."""
    period = period_on(periods, day)
    return family.editions[-1] if period is None else period.edition


def payment_of(lump: LumpSum, group: str) -> GroupPayment | None:
    """What a lump sum says of a group."""
    return next((payment for payment in lump.payments if payment.group.name == group), None)


def diagnosis_key(
    record: SettlementRecord, day: date | None, periods: Sequence[Period], family: SchemeFamily
) -> EventKey | None:
    """The event a settlement's codes speak of: the first lump sum and group, in order of the file."""
    if not record.diagnosis_codes:
        return None
    for lump in edition_on(periods, family, day).lump_sums:
        for payment in lump.payments:
            if payment.group.holds(record.diagnosis_codes):
                return _key(lump, payment.group.name, day, periods)
    return None


def events_of_facts(facts: Iterable[Fact], periods: Sequence[Period], family: SchemeFamily) -> list[Event]:
    """One event for each group, death or end of a period the facts tell of; the earliest confirmed day counts."""
    events: dict[EventKey, Event] = {}
    # What is confirmed comes first, then the earliest day: the first fact that tells of an event says when it was.
    for fact in sorted(facts, key=lambda fact: (not fact.confirmed, fact.on, fact.disease or "")):
        # A sum at the end of a period belongs to that period's last day, whenever it is told.
        ended = ended_by(fact.on, periods) if fact.kind == MATURITY else None
        last = None if ended is None else ended.last
        for lump in edition_on(periods, family, last or fact.on).lump_sums:
            if lump.event != fact.kind or lump.accident not in (None, fact.accident):
                continue
            key: EventKey | None = None
            if fact.kind in (DEATH, MATURITY):
                key = EventKey(lump=lump.name, group=fact.kind, period_first=None if ended is None else ended.first)
            elif payment_of(lump, fact.disease or "") is not None:
                key = _key(lump, fact.disease or "", fact.on, periods)
            if key is not None:
                # Death and the end of a period are facts as soon as they are told; a diagnosis must be confirmed.
                confirmed = fact.confirmed or fact.kind != "diagnosis"
                on = last if fact.kind == MATURITY else fact.on
                events.setdefault(key, Event(key=key, confirmed=confirmed, accident=fact.accident, on=on))
    return list(events.values())


def _key(lump: LumpSum, group: str, day: date | None, periods: Sequence[Period]) -> EventKey:
    period = period_on(periods, day) if lump.once == "period" else None
    return EventKey(lump=lump.name, group=group, period_first=None if period is None else period.first)


def ended_by(day: date, periods: Sequence[Period]) -> Period | None:
    """The period whose last day this is, or the day before it (保障期满)."""
    for period in periods:
        if period.last in (day, day - timedelta(days=1)):
            return period
    return None
