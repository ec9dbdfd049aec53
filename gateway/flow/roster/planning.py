"""What an import will write: the stored members compared with what is stated of them, and who is one person then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final

import msgspec

from gateway.core.changes.difference import Difference
from gateway.core.compared import to_compare
from gateway.core.roster import Group, RosterMember, Statement, as_roster, difference, near_name, one_holder, same_name
from gateway.core.roster.correcting import Ending, PeriodLoss, TwoPeriods, correct, end_periods
from gateway.flow.office import Office
from gateway.flow.opening import member_piece, open_or_set_aside
from gateway.flow.roster.same_person import Holders, People, Plan, hold_out, holders, people_after
from gateway.model.member import Coverage
from gateway.model.pieces import Piece
from gateway.store import members, unreadable
from gateway.store.engine import Tx
from gateway.store.members import MemberRow

_AT_ONCE = 5_000
_SHUT: Final = "已存资料的密文打不开，暂不能比对；见 hubao unreadable list (the stored fields do not open)"
_NOBODY: Final = "没有这个会员号 (no such member number)"
_OTHER_NAME: Final = "证件号码已属另一姓名的会员 (id number belongs to a member of another name)"


class CompleteRoster(msgspec.Struct, frozen=True, kw_only=True):
    """That a file names everybody whose period of a scheme begins in a year. `left_alone`: member numbers whose rows
    could not be read, and of whom it says nothing therefore."""

    scheme: str
    year: int
    left_alone: frozenset[str] = frozenset()


class Enrolled(msgspec.Struct, kw_only=True):
    """What an import did: member numbers by what happened to them, and rows refused with the reason.

    `kept_out`: those who take no part because the same person opted out under another member number; `apart`: the
    member numbers of one document whose periods overlap, two people until a person joins them; `near_names`: those of
    one document whose names differ and may be one name miswritten, two people too. `periods_added` and
    `periods_extended` count; `lost`: member number → the periods that lose days. `waiting`: the member numbers that
    wait in the hold `hold_id`; `told`: what becomes of claims, see `take_in`. `opted_out`: who takes no part any more.
    """

    added: int = 0
    changed: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    coverage_changed: int = 0
    unchanged: int = 0
    refused: list[tuple[str, str]] = msgspec.field(default_factory=list)
    kept_out: list[str] = msgspec.field(default_factory=list)
    apart: list[tuple[str, ...]] = msgspec.field(default_factory=list)
    near_names: list[tuple[str, ...]] = msgspec.field(default_factory=list)
    periods_added: int = 0
    periods_extended: int = 0
    lost: dict[str, tuple[PeriodLoss, ...]] = msgspec.field(default_factory=dict)
    opted_out: list[str] = msgspec.field(default_factory=list)
    waiting: list[str] = msgspec.field(default_factory=list)
    hold_id: int | None = None
    told: Difference = Difference()


def content_of(office: Office, member: RosterMember) -> bytes:
    """The digest by which a later import sees that a member is still what a roster said."""
    return office.vault.digest_content(to_compare(member))


def compared(
    tx: Tx,
    office: Office,
    association: str,
    statements: Sequence[Statement | Ending],
    report: Enrolled,
    *,
    complete: CompleteRoster | None = None,
) -> Plan:
    """Who is new and who changes, each member as it will be. The report says what is refused."""
    plan, aside = Plan(), list[Piece]()
    by_number = {number_of(statement): statement for statement in statements}
    rows = members.by_number(tx, association, by_number)
    for row in rows:
        statement = by_number[row.member_no]
        if complete is not None and isinstance(statement, Statement) and not _tells_of(statement, complete):
            statement = msgspec.structs.replace(statement, gone=_periods_of(row, complete))
        _compare(office, plan, row, statement, report, aside)
    stored = {row.member_no for row in rows}
    for number, statement in by_number.items():
        if number not in stored:
            _take_new(plan, statement, report)
    if complete is not None:
        for row, ending in _not_named(tx, association, by_number, complete):
            _compare(office, plan, row, ending, report, aside)
    unreadable.note(tx, aside, now=office.now())
    return plan


def _compare(
    office: Office, plan: Plan, row: MemberRow, statement: Statement | Ending, report: Enrolled, aside: list[Piece]
) -> None:
    """What is stated of a stored member goes to the plan where it changes anything."""
    if isinstance(statement, Statement) and not statement.gone and row.content == content_of(office, statement.member):
        _leave(plan, row, report, takes_part=not statement.member.opt_out)
        return
    old = open_or_set_aside(member_piece(row), partial(office.open_member, row), aside)
    if old is None:
        report.refused.append((row.member_no, _SHUT))
        return
    before = as_roster(old)
    correction = correct(before, statement) if isinstance(statement, Statement) else end_periods(before, statement)
    if isinstance(correction, TwoPeriods):
        report.refused.append((row.member_no, _two_periods(correction)))
    elif correction.after == before:
        _leave(plan, row, report, takes_part=not before.opt_out)
    else:
        plan.changed.append((row, old, correction.after))
        plan.corrections[row.member_no] = correction
        plan.stated[row.member_no] = statement


def _leave(plan: Plan, row: MemberRow, report: Enrolled, *, takes_part: bool) -> None:
    report.unchanged += 1
    if row.opt_out and takes_part:
        plan.kept_out.add(row.member_no)


def _take_new(plan: Plan, statement: Statement | Ending, report: Enrolled) -> None:
    if isinstance(statement, Ending):
        report.refused.append((statement.member_no, _NOBODY))
        return
    plan.new.append(statement.member)
    plan.stated[statement.member.member_no] = statement


def _not_named(
    tx: Tx, association: str, named: Mapping[str, Statement | Ending], complete: CompleteRoster
) -> Iterator[tuple[MemberRow, Ending]]:
    """The members that the complete roster of a scheme and year does not name, with what of theirs ends."""
    last = 0
    while rows := members.after(tx, [association], last, _AT_ONCE):
        last = rows[-1].member_id
        for row in rows:
            gone = _periods_of(row, complete)
            if gone and row.member_no not in named and row.member_no not in complete.left_alone:
                yield row, Ending(member_no=row.member_no, gone=gone)


def _periods_of(row: MemberRow, complete: CompleteRoster) -> tuple[tuple[str, date], ...]:
    """Scheme and first day of a stored member's periods of which a complete roster would tell."""
    return tuple(
        (period.scheme, period.first_day)
        for period in row.coverage
        if period.scheme == complete.scheme and period.first_day.year == complete.year
    )


def _tells_of(statement: Statement, complete: CompleteRoster) -> bool:
    """Whether a statement names this scheme, or none at all: then nobody can say that it leaves the scheme out."""
    schemes = {period.scheme for period in statement.member.coverage} | {scheme for scheme, _ in statement.ends}
    return not schemes or complete.scheme in schemes


def number_of(statement: Statement | Ending) -> str:
    """The member number a statement is about."""
    return statement.member.member_no if isinstance(statement, Statement) else statement.member_no


def _two_periods(fitting: TwoPeriods) -> str:
    stored = "、".join(map(days_of, fitting.stored))
    return (
        f"{fitting.stated.scheme} 的保障期 {days_of(fitting.stated)} 同时对应已存的 {stored}，"
        "无法确定更正哪一段，未导入 (the period fits several stored ones)"
    )


def days_of(period: Coverage) -> str:
    """A period's days, as a person reads them."""
    return f"{period.first_day}至{period.last_day}"


def planned(tx: Tx, office: Office, association: str, plan: Plan, report: Enrolled) -> list[People]:
    """Bring the plan to what follows from everybody else's id numbers; returns who is one person then."""
    unchanged_but_out = set(plan.kept_out)
    plan.kept_out.clear()
    stored = holders(tx, office, association, plan.concerned())
    _refuse_strangers(plan, stored, report)
    report.near_names = _near_names(plan, stored)
    hold_out(plan, stored)
    after = people_after(tx, plan, stored)
    _count(plan, report)
    report.kept_out = sorted(plan.kept_out | unchanged_but_out)
    report.apart = sorted(
        tuple(sorted(member.member_no for member in members_of(people)))
        for people in after
        if len(people) > 1 and not any(member.opt_out for member in members_of(people))
    )
    return after


def _near_names(plan: Plan, stored: Holders) -> list[tuple[str, ...]]:
    """The member numbers of each id number under which the names differ, and may be one name miswritten."""
    coming = plan.coming()
    planned_numbers = {member.member_no for member in coming}
    enrolled: dict[str, list[RosterMember]] = defaultdict(list)
    for member in coming:
        enrolled[member.id_number].append(member)
    for id_number, enrolments in stored.items():
        enrolled[id_number] += [
            as_roster(enrolment.member) for enrolment in enrolments if enrolment.row.member_no not in planned_numbers
        ]
    return sorted(
        tuple(sorted(member.member_no for member in members))
        for members in enrolled.values()
        if len({one_holder(member) for member in members}) > 1
    )


def _count(plan: Plan, report: Enrolled) -> None:
    """What the plan changes because of what was stated, in numbers and names of fields."""
    report.added = len(plan.new)
    report.periods_added = sum(len(member.coverage) for member in plan.new)
    for row, old, _ in plan.changed:
        correction = plan.corrections.get(row.member_no)
        if correction is None:
            # Another member number of the same person opted out, or takes part again.
            continue
        before = as_roster(old)
        change = difference([before], [correction.after])
        report.changed |= {member_change.member_no: member_change.fields for member_change in change.changed}
        report.coverage_changed += len(change.coverage_changed)
        report.periods_added += len(correction.added)
        report.periods_extended += len(correction.extended)
        if correction.after.opt_out and not before.opt_out:
            report.opted_out.append(row.member_no)
    report.lost |= {number: correction.lost for number, correction in plan.corrections.items() if correction.lost}


def _refuse_strangers(plan: Plan, stored: Holders, report: Enrolled) -> None:
    """Leave out of the plan whoever has the id number of a member of another name that is not near."""
    in_plan = {person.member_no for person in plan.coming()}
    refused: set[str] = set()
    coming, before = plan.coming(), -1
    # Who is refused stays as stored, and that may be in the way of others of the file.
    while len(refused) > before:
        before, changing = len(refused), in_plan - refused
        # Who stands in the file was compared with the others of the file when it was read.
        refused = {
            person.member_no
            for person in coming
            for enrolment in stored.get(person.id_number, ())
            if enrolment.member.member_no not in changing and enrolment.member.member_no != person.member_no
            if not same_name(enrolment.member.name, person.name)
            # One name miswritten is for a person to tell, but not where somebody opted out under it.
            if enrolment.member.opt_out or person.opt_out or not near_name(enrolment.member.name, person.name)
        }
    report.refused += [(number, _OTHER_NAME) for number in sorted(refused)]
    if refused:
        plan.new = [person for person in plan.new if person.member_no not in refused]
        plan.changed = [changed for changed in plan.changed if changed[2].member_no not in refused]


def members_of(people: Iterable[list[Group]]) -> Iterator[RosterMember]:
    """Every enrolment of these people."""
    return (member for groups in people for group in groups for member in group.members)
