"""Which settlements are one unit of care.

Settlements of one visit are one stay; one at another facility that begins on the day the one before it ended, or the
day after, belongs to that one's stay (转院). What is one unit of which care is the scheme's to say.

The order of work: first each settlement alone (what it is, or why it is set aside), then events, which take only what
nothing else would pay for, then visits, months and periods, then the transfers between visits, and decisions last.
Decisions are about whole units as they stood when the association decided, so the units must be there to compare.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence, Set
from datetime import date, datetime
from itertools import pairwise

import msgspec

from gateway.core.schemes.language.edition import SchemeFamily, UnitKind
from gateway.core.schemes.units.care_units import (
    INJURY_CARE,
    CareUnit,
    Key,
    UnitPart,
    in_shanghai,
    part_order,
    set_aside,
    unit_order,
)
from gateway.core.schemes.units.emergencies import EMERGENCY_PART, agreed_parts, with_emergencies
from gateway.core.schemes.units.events import Event, EventKey, diagnosis_key, events_of_facts
from gateway.core.schemes.units.periods import Period, period_on, waits
from gateway.core.schemes.units.reversals import StandingRecords
from gateway.errors import BadCase
from gateway.model.benefit import ClaimDecision, Fact
from gateway.model.record import SettlementRecord

Group = list[UnitPart]
"""Settlements that belong together, in order."""

Tie = ClaimDecision | tuple[str, date] | None
"""What holds groups together beyond visits and transfers: a decision, or an admission that was decided and reversed."""


def care_units_of(
    records: Sequence[SettlementRecord],
    standing: StandingRecords,
    family: SchemeFamily,
    periods: Sequence[Period],
    decided: Sequence[ClaimDecision] = (),
    facts: Sequence[Fact] = (),
    *,
    ties_corrections: bool = True,
) -> list[CareUnit]:
    """Every settlement that stands, in exactly one unit; events besides. In order (`unit_order`), whatever the order of
    `records`."""
    events = [fact for fact in facts if fact.kind != EMERGENCY_PART]
    return _Grouping(standing, family, periods, decided, events, agreed_parts(facts), ties_corrections).units(records)


class _Grouping(msgspec.Struct, frozen=True, gc=False):
    """What tells the settlements of one member apart and brings them together."""

    standing: StandingRecords
    family: SchemeFamily
    periods: Sequence[Period]
    decided: Sequence[ClaimDecision]
    facts: Sequence[Fact]
    emergencies: Collection[str]
    ties_corrections: bool

    def units(self, records: Sequence[SettlementRecord]) -> list[CareUnit]:
        # A reversed settlement stays only where something was decided about it: its decision must find its unit.
        named = {number for decision in self.decided for number in decision.settlements} if self.decided else ()
        parts = [
            self._part(at, record)
            for at, record in enumerate(records)
            if not record.reversal and (at not in self.standing.reversed or record.settlement_no in named)
        ]
        at_events = bool(self.facts) or (self.family.pays_at_events and any(part.event is not None for part in parts))
        if len(parts) == 1 and not self.decided and not at_events:
            return [_unit(parts)]
        parts.sort(key=part_order)
        if self.family.emergency_days is not None:
            parts = with_emergencies(parts, self.family, self.emergencies, self.decided)
        events = self._events(parts) if at_events else []
        parts = [part for part in parts if part.kind != "event"]
        alone = [[part] for part in parts if part.reason is not None]
        groups = self._grouped([part for part in parts if part.reason is None])
        if self.decided:
            # What was decided about a unit is kept apart from what would join or change it.
            deciding: dict[str, ClaimDecision] = {}
            for decision in self.decided:
                for number in decision.settlements:
                    if deciding.setdefault(number, decision) is not decision:
                        raise BadCase("decided_twice", "同一结算有两个核定结果 (a settlement was decided twice)")
            tied = _tied(groups + alone, deciding, corrections=self.ties_corrections)
            standing = {part.admission for part in parts if self.ties_corrections and not part.gone} - {None}
            units = events + [unit for group in tied for unit in _split(group, deciding, standing)]
            return sorted(units, key=unit_order)
        units = [*events, *map(_unit, alone), *map(_unit, groups)]
        # Settlements that all stand alone are in order already.
        in_order = not events and len(groups) == len(parts)
        return units if in_order else sorted(units, key=unit_order)

    def _part(self, at: int, record: SettlementRecord) -> UnitPart:
        settled, reason = in_shanghai(record.settled_at), set_aside(record, self.family)
        kind: UnitKind = self.family.units.get(record.care_type or "", "none")
        event = None
        if self.family.pays_at_events and reason in (None, "not_payable_care"):
            day = record.admitted_on or (settled.date() if settled else None)
            event = diagnosis_key(record, day, self.periods, self.family)
            if event is not None and reason is not None:
                # Care that the scheme does not pay for may tell a diagnosis at which it pays.
                reason, kind = None, "event"
        return UnitPart(
            at=at,
            record=record,
            settled=settled,
            reason=reason,
            kind=kind,
            key=("alone", str(at)) if reason else self._key(at, record, kind, settled),
            doubt=self.standing.doubtful.get(at),
            gone=at in self.standing.reversed,
            event=event,
        )

    def _key(self, at: int, record: SettlementRecord, kind: UnitKind, settled: datetime | None) -> Key:
        """What a settlement shares with others of its unit; ("alone", …) is shared with none."""
        # Kinds of care that the rules tell apart make no unit together, though one list names them.
        group = self.family.care_groups.get(record.care_type or "") if self.family.care_groups else None
        apart = () if group is None else (group,)
        if kind == "month" and settled is not None:
            return ("month", f"{settled:%Y-%m}", *apart)
        if kind == "period" and settled is not None:
            # What is settled outside any period or while it waits stands alone, and pays nothing.
            period = period_on(self.periods, settled.date())
            if period is not None and not waits(period, settled.date(), accident=record.care_type_code == INJURY_CARE):
                return ("period", period.first.isoformat(), *apart)
        if kind in ("month", "period", "single") or record.visit_no is None:
            return ("alone", str(at))
        if self.family.splits_years and settled is not None:
            return ("visit", record.facility_no, record.visit_no, str(settled.year), *apart)
        return ("visit", record.facility_no, record.visit_no, *apart)

    def _events(self, parts: Sequence[UnitPart]) -> list[CareUnit]:
        """The events facts and codes tell of. A settlement that stands in a stay of its own is only evidence."""
        events = {event.key: event for event in events_of_facts(self.facts, self.periods, self.family)}
        own: dict[EventKey, list[UnitPart]] = defaultdict(list)
        coded: dict[tuple[str, str], list[UnitPart]] = defaultdict(list)
        for part in parts:
            if part.event is None or part.reason is not None or (part.gone and part.kind != "event"):
                continue
            event = events.setdefault(part.event, Event(key=part.event))
            if part.day is not None and not part.gone:
                event.days.append(part.day)
            coded[(part.event.lump, part.event.group)].append(part)
            if part.kind == "event":
                own[part.event].append(part)
        units = []
        for key, event in events.items():
            event.happened(self.periods, self.family)
            numbers = {part.record.settlement_no for part in own[key]}
            # What was decided about an event holds whatever further settlements tell of it.
            decisions = [
                decision
                for decision in self.decided
                if decision.stay == key.identity or not numbers.isdisjoint(decision.settlements)
            ]
            units.append(
                CareUnit(
                    parts=tuple([part for part in own[key] if not part.gone] or own[key]),
                    kind="event",
                    event=event,
                    decision=min(decisions, key=lambda decision: decision.settlements, default=None),
                    evidence=tuple(coded[(key.lump, key.group)]),
                )
            )
        return units

    def _grouped(self, parts: Sequence[UnitPart]) -> list[Group]:
        """Parts of one visit or month together, then visits that a transfer joins. `parts` in order.

        A transfer is looked for between neighbours in order of admission, over all visits: a visit that is settled in
        several pieces may have another one between them. Where one is found both visits are joined whole. So a chain
        of transfers grows pair by pair, and what counts is always the gap to the neighbour, never to the first.
        """
        groups: dict[Key, Group] = {}
        for part in parts:
            groups.setdefault(part.key, []).append(part)
        # What was reversed cannot be the link between two stays that stand.
        chain = [
            part
            for part in parts
            if part.kind == "stay" and not part.gone and not part.emergency and part.record.admitted_on is not None
        ]
        for earlier, later in pairwise(chain):
            group, joining = groups[earlier.key], groups[later.key]
            if group is not joining and self._is_transfer(earlier.record, later.record):
                group.extend(joining)
                for part in joining:
                    groups[part.key] = group
        distinct = {id(group): group for group in groups.values()}
        return [sorted(group, key=part_order) if len(group) > 1 else group for group in distinct.values()]

    def _is_transfer(self, earlier: SettlementRecord, later: SettlementRecord) -> bool:
        """Another facility, admitted on the day of that discharge or up to `transfer_days` after it (fn⑤)."""
        left, entered, days = earlier.discharged_on, later.admitted_on, self.family.transfer_days
        if days is None or left is None or entered is None:
            return False
        groups = self.family.care_groups
        if groups.get(earlier.care_type or "") != groups.get(later.care_type or ""):
            return False
        if earlier.facility_no is None or later.facility_no is None or earlier.facility_no == later.facility_no:
            return False
        return 0 <= entered.toordinal() - left.toordinal() <= days


def _unit(parts: Sequence[UnitPart]) -> CareUnit:
    if len(parts) == 1:
        return CareUnit(parts=(parts[0],), kind=parts[0].kind)
    stays, emergencies = _apart(parts)
    return CareUnit(parts=stays, kind=stays[0].kind, emergencies=emergencies, transfer=_moved(parts))


def _apart(parts: Sequence[UnitPart]) -> tuple[tuple[UnitPart, ...], tuple[UnitPart, ...]]:
    """What makes the days of a unit, and the emergency care that only adds to its amounts; that stands for itself where
    nothing else is there."""
    emergencies = tuple([part for part in parts if part.emergency])
    if not emergencies or len(emergencies) == len(parts):
        return tuple(parts), ()
    return tuple([part for part in parts if not part.emergency]), emergencies


def _moved(parts: Sequence[UnitPart]) -> bool:
    """Whether a stay has a transfer in it. Only a transfer brings two facilities into one stay."""
    return len(parts) > 1 and len({part.record.facility_no for part in parts if part.kind == "stay"}) > 1


def _tied(groups: Sequence[Group], deciding: dict[str, ClaimDecision], *, corrections: bool) -> list[Group]:
    """Groups that share a decision made one: a decided stay stays whole even if its records moved apart.

    So are those that begin where and when one began that was decided and reversed since: whatever its numbers, it is
    settled in that one's place.
    """
    reversed_admissions = {part.admission for group in groups for part in group if corrections and part.gone} - {None}
    homes: dict[Tie, Group] = {}
    tied: list[Group] = []
    for group in groups:
        may_correct = [part for part in group if part.gone or part.record.settlement_no not in deciding]
        admissions = {part.admission for part in may_correct} & reversed_admissions
        for tie in [*_decisions(group, deciding), *admissions]:
            home = homes.get(tie, group)
            if home is not group:
                # The earlier group goes into this one, and with it every tie that had its home there.
                tied.remove(home)
                group.extend(home)
                homes.update({moved: group for moved, place in homes.items() if place is home})
            homes[tie] = group
        tied.append(group)
    return [sorted(group, key=part_order) for group in tied]


def _decisions(parts: Sequence[UnitPart], deciding: dict[str, ClaimDecision]) -> list[ClaimDecision]:
    decisions = (deciding.get(part.record.settlement_no) for part in parts)
    return list(dict.fromkeys(decision for decision in decisions if decision is not None))


def _split(
    parts: Sequence[UnitPart], deciding: dict[str, ClaimDecision], standing: Set[tuple[str, date] | None]
) -> list[CareUnit]:
    """The decided units of a group, and the rest of it as one unit that would join them. `standing`: the admissions of
    all that stands.

    What is decided keeps its settlements and nothing is added to it. The rest is paid nothing by itself, because its
    worth depends on what was paid already: it only says what the whole would be, and a person decides.
    """
    decisions = _decisions(parts, deciding)
    if not decisions:
        return [_unit(parts)]
    units, joined = [], []
    rest = tuple(part for part in parts if part.record.settlement_no not in deciding)
    for decision in decisions:
        named = tuple(part for part in parts if deciding.get(part.record.settlement_no) is decision)
        live = tuple(part for part in named if not part.gone)
        # What stands in place of a unit that was reversed: the rest of its visit or month, or what begins where it did.
        places = {part.key for part in named} & {part.key for part in rest}
        again = not live and bool(places or standing & {part.admission for part in named})
        if live or again:
            joined.append(decision)
        stays, emergencies = _apart(live or named)
        units.append(
            CareUnit(
                parts=stays,
                kind=stays[0].kind,
                emergencies=emergencies,
                first=_apart(named)[0][0],
                transfer=_moved(live or named),
                decision=decision,
                changed=0 < len(live) < len(named),
                settled_again=again,
            )
        )
    if rest:
        whole = _unit([part for part in parts if not part.gone])
        stays, emergencies = _apart(rest)
        units.append(
            CareUnit(
                parts=stays,
                kind=stays[0].kind,
                emergencies=emergencies,
                transfer=whole.transfer,
                would_join=whole,
                joined_decisions=tuple(joined),
            )
        )
    return units
