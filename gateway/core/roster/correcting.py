"""What a roster says against what is stored: it corrects, adds and extends; what takes something away is named.

In one scheme a stated period that shares a day with a stored one corrects it (two that begin on one day always share
it). One that shares a day with none is added. One that shares days with two would leave open which of them it means:
it is refused. A stored period that the roster does not state stays; it ends only where something says so expressly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from gateway.core.roster.people import RosterMember, Statement, period_order
from gateway.core.roster.persons import overlap
from gateway.model.member import Coverage
from gateway.model.national_id import checksum_ok

_FIELDS: Final = tuple(
    name for name in RosterMember.__struct_fields__ if name not in ("member_no", "coverage", "category")
)


_OF_THE_NUMBER: Final = frozenset(("id_type", "id_number", "sex", "birth_date"))


class PeriodLoss(msgspec.Struct, frozen=True, kw_only=True):
    """A stored period of which days are taken away. `after`: the periods that are left of it or stand in its place."""

    before: Coverage
    after: tuple[Coverage, ...] = ()


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A member as the roster leaves it, and what that does to its periods: those that are new, those that go on longer
    than they were stored, and those that lose days."""

    after: RosterMember
    added: tuple[Coverage, ...] = ()
    extended: tuple[Coverage, ...] = ()
    lost: tuple[PeriodLoss, ...] = ()


class TwoPeriods(msgspec.Struct, frozen=True, kw_only=True):
    """A stated period that fits several stored ones: nobody can tell which of them it corrects."""

    stated: Coverage
    stored: tuple[Coverage, ...]


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """That something ends for a member number, and nothing else. `ends`: (scheme, last covered day); `gone`: (scheme,
    first day) of periods that never were."""

    member_no: str
    ends: tuple[tuple[str, date], ...] = ()
    gone: tuple[tuple[str, date], ...] = ()


def correct(before: RosterMember, statement: Statement) -> Correction | TwoPeriods:
    """What a statement makes of a stored member. A statement that is `whole` says all there is to say of it."""
    member = statement.member
    if statement.whole:
        return Correction(after=member)
    periods = _corrected(before, statement)
    if isinstance(periods, TwoPeriods):
        return periods
    fields = {name: value for name in _FIELDS if (value := _stated(before, statement, name)) is not None}
    fields |= dict.fromkeys(statement.cleared)
    if "category" not in statement.unsaid and _tells_the_latest(member.coverage, periods.after.coverage):
        fields["category"] = member.category
    after = msgspec.structs.replace(before, coverage=periods.after.coverage, **fields)
    return msgspec.structs.replace(periods, after=after)


def end_periods(before: RosterMember, ending: Ending) -> Correction:
    """What an ending leaves of a stored member's periods."""
    after: list[Coverage] = []
    lost: list[PeriodLoss] = []
    for period in before.coverage:
        left = _left(period, dict(ending.ends), ending.gone)
        instead = (left,) if left is not None else ()
        after += instead
        if left != period:
            lost.append(PeriodLoss(before=period, after=instead))
    return _correction(before, after, lost=lost)


def _stated(before: RosterMember, statement: Statement, name: str) -> object:
    """What a statement says of a field; None where it says nothing."""
    # A type of document that is only taken for granted changes none that is stored with the same number.
    if name in _OF_THE_NUMBER and checksum_ok(before.id_number) and not _is_proved(statement.member):
        # A number that is stored and sound is believed before one that a file has wrong, and so is what it says.
        return None
    if name in statement.unsaid and (name != "id_type" or before.id_number == statement.member.id_number):
        return None
    return getattr(statement.member, name)


def _is_proved(member: RosterMember) -> bool:
    return member.id_type != "01" or checksum_ok(member.id_number)


def _tells_the_latest(stated: Sequence[Coverage], after: Sequence[Coverage]) -> bool:
    """Whether a statement tells of a member's latest period: only then is its category the member's own."""
    return not stated or max(map(_last_day, stated)) >= max(map(_last_day, after), default=date.min)


def _corrected(before: RosterMember, statement: Statement) -> Correction | TwoPeriods:
    """The periods after a statement; `after` of the correction holds them alone."""
    fitting: defaultdict[Coverage, list[Coverage]] = defaultdict(list)
    after, extended, lost = [], [], []
    added: list[Coverage] = []
    for period in statement.member.coverage:
        fits = [candidate for candidate in before.coverage if overlap([period], [candidate])]
        if len(fits) > 1:
            return TwoPeriods(stated=period, stored=tuple(fits))
        (fitting[fits[0]] if fits else added).append(period)
    for period in before.coverage:
        instead = [_with_the_unsaid(stated, period, before) for stated in fitting.get(period, ())]
        if not instead:
            left = _left(period, dict(statement.ends), statement.gone)
            instead = [left] if left is not None else []
        after += instead
        if not _covers(instead, period):
            lost.append(PeriodLoss(before=period, after=tuple(instead)))
        elif _days(instead[0]) != _days(period):
            extended.append(instead[0])
    blank = RosterMember(member_no="", name="", id_number="")
    return _correction(blank, [*after, *added], added=added, extended=extended, lost=lost)


def _correction(
    before: RosterMember,
    coverage: Iterable[Coverage],
    *,
    added: Iterable[Coverage] = (),
    extended: Iterable[Coverage] = (),
    lost: Iterable[PeriodLoss] = (),
) -> Correction:
    after = msgspec.structs.replace(before, coverage=tuple(sorted(coverage, key=period_order)))
    return Correction(after=after, added=tuple(added), extended=tuple(extended), lost=tuple(lost))


def _covers(periods: Sequence[Coverage], period: Coverage) -> bool:
    """Whether one period holds all days of another. Two that hold them together would be two years of cover where one
    was: a person should see that."""
    return len(periods) == 1 and periods[0].first_day <= period.first_day and periods[0].last_day >= period.last_day


def _with_the_unsaid(stated: Coverage, stored: Coverage, before: RosterMember) -> Coverage:
    """A stated period with the stored one's category where it says none, or only what holds for the member anyway; and
    with its shares and classes where it says nothing of them."""
    said_anew = stated.category not in (None, stored.category or before.category)
    return msgspec.structs.replace(
        stated,
        category=stated.category if said_anew else stored.category,
        shares=stated.shares or stored.shares,
        classes=stated.classes or stored.classes,
    )


def _left(period: Coverage, ends: Mapping[str, date], gone: Collection[tuple[str, date]]) -> Coverage | None:
    """What is left of a period that nothing states: all of it, unless its scheme ends on a day or it never was."""
    last_day = ends.get(period.scheme, period.last_day)
    if last_day < period.first_day or (period.scheme, period.first_day) in gone:
        return None
    return msgspec.structs.replace(period, last_day=min(last_day, period.last_day))


def _days(period: Coverage) -> tuple[date, date]:
    return period.first_day, period.last_day


def _last_day(period: Coverage) -> date:
    return period.last_day
