"""Everybody in the database under a draft, in order of person: read a few hundred, sum, forget.

Sealed boxes are opened only of people who have settlements; all others count with what stands in clear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from gateway.core.changes import AskedBefore
from gateway.core.changes.bills import NOTHING_ASKED, bills_of
from gateway.core.changes.decided_again import without_corrections
from gateway.core.changes.persons import HeldRecord, PersonFile, insured
from gateway.core.changes.questions import Digest
from gateway.core.studies.forecast import take_up
from gateway.core.studies.simulation import Figures, SimulatedBill
from gateway.errors import BadCase, BrokenSeal, WrongUse
from gateway.flow.changes.asked import asked_about
from gateway.flow.changes.fact_boxes import open_box
from gateway.flow.changes.people import opened_record, with_emergency_care
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN, not_written_off
from gateway.flow.people.waiting import waiting_bills
from gateway.flow.studies.simulating.bills import SimulatedPerson, SimulationRequest, bill
from gateway.flow.studies.simulating.drafts import DraftRules
from gateway.model.clock import SHANGHAI
from gateway.model.member import Member
from gateway.model.pieces import Piece
from gateway.model.record import SettlementRecord
from gateway.store import facts, members, records, reporting
from gateway.store.engine import Tx
from gateway.store.facts import FactRow
from gateway.store.members import MemberRow
from gateway.store.values import to_ms

_PEOPLE_AT_ONCE = 500
_FOR_EVER = 2**62


class PeopleShare(msgspec.Struct, frozen=True, kw_only=True):
    """People of an association from one id to another, both included."""

    association: str
    lowest: int
    highest: int


def shares_of(office: Office, scheme: str, association: str | None, parts: int) -> list[list[PeopleShare]]:
    """Everybody who could be in a scheme, in `parts` lists of about the same length. Raises WrongUse."""
    names = [name for name, spec in sorted(office.associations.items()) if scheme in spec.schemes]
    if association is not None:
        if association not in names:
            raise WrongUse(f"协会 {association} 没有方案 {scheme} (this association does not have that scheme)")
        names = [association]
    lists: list[list[PeopleShare]] = [[] for _ in range(parts)]
    with office.store.read() as tx:
        for name in names:
            bounds = reporting.bounds_of(tx, name)
            if bounds is not None:
                lowest, highest = bounds
                people = highest - lowest + 1
                for at, shares in enumerate(lists):
                    first, last = lowest + people * at // parts, lowest + people * (at + 1) // parts - 1
                    if first <= last:
                        shares.append(PeopleShare(association=name, lowest=first, highest=last))
    return lists


def simulate_stored(office: Office, request: SimulationRequest, shares: Sequence[PeopleShare]) -> Figures:
    """The sums over these people. Changes nothing."""
    figures = Figures(kept=request.kept)
    for share in shares:
        after = share.lowest - 1
        while True:
            with office.store.read() as tx:
                ids = reporting.people_between(tx, share.association, after, share.highest, _PEOPLE_AT_ONCE)
            if not ids:
                break
            _take(office, request, ids, figures)
            after = ids[-1]
    return figures


def _take(office: Office, request: SimulationRequest, ids: Sequence[int], figures: Figures) -> None:
    facts_of: dict[int, list[FactRow]] = defaultdict(list)
    with office.store.read() as tx:
        people = _enrolled(tx, request, ids)
        files = _files(tx, office, people)
        asked = asked_about(tx, files.values())
        figures.waiting = figures.waiting.plus(waiting_bills(tx, files.values()))
        # No query where neither rule pays at facts and nobody had emergency care.
        at_events = request.rules.before.pays_at_events or request.rules.after.pays_at_events
        asked_of = people if at_events else with_emergency_care({key: file.records for key, file in files.items()})
        for fact in facts.of_members(tx, [row.member_id for key in asked_of for row in people[key]]):
            facts_of[fact.member_id].append(fact)
    digest = office.vault.fingerprinter("doubt")
    for person_id, rows in people.items():
        fact_rows = [fact for row in rows for fact in facts_of.get(row.member_id, ())]
        try:
            counting = _counting(files[person_id], asked.get(person_id, NOTHING_ASKED), digest)
            person_bill = _bill_of(office, request, rows, counting, fact_rows)
        except (BadCase, *DOES_NOT_OPEN):
            figures.refused += 1
            continue
        if person_bill is not None:
            figures.take(person_bill)


def _files(tx: Tx, office: Office, people: Mapping[int, Sequence[MemberRow]]) -> dict[int, PersonFile]:
    """Person → enrolments in clear and the records that are no other feed's repeats."""
    records_of: dict[int, list[HeldRecord]] = defaultdict(list)
    unopened: list[Piece] = []
    open_one = office.vault.opener()
    for row in records.of_people(tx, list(people)):
        if not row.duplicate:
            records_of[row.person_id].append(opened_record(office, row, open_one, unopened))
    unreadable = {piece.person_id for piece in not_written_off(tx, unopened)}
    return {
        person_id: PersonFile(
            person_id=person_id,
            association=rows[0].association,
            members=[_clear(row) for row in rows],
            records=records_of[person_id],
            unreadable=person_id in unreadable,
        )
        for person_id, rows in people.items()
    }


def _counting(person: PersonFile, asked: AskedBefore, digest: Digest) -> list[SettlementRecord]:
    """What counts of a person's bills as long as nobody answers. Raises BrokenSeal."""
    if person.unreadable:
        raise BrokenSeal
    counting = without_corrections(bills_of(person.records, asked, digest).counting, (), asked, digest)
    return [bill.record for bill in counting if bill.record is not None]


def _enrolled(tx: Tx, request: SimulationRequest, ids: Sequence[int]) -> dict[int, list[MemberRow]]:
    """The enrolments of those who have a period of the edition, in order of person, without who opted out."""
    people: dict[int, list[MemberRow]] = {person_id: [] for person_id in ids}
    for row in members.of_people(tx, ids):
        if not row.opt_out:
            people[row.person_id].append(row)
    family, name = request.rules.before, request.rules.edition.name
    concerned = {}
    for person_id, rows in people.items():
        periods = [period for row in rows for period in row.coverage if period.scheme == family.scheme]
        editions = [family.edition_on(period.first_day) for period in periods]
        if any(edition is not None and edition.name == name for edition in editions):
            concerned[person_id] = rows
    return concerned


def _bill_of(
    office: Office,
    request: SimulationRequest,
    rows: Sequence[MemberRow],
    settlements: Sequence[SettlementRecord],
    fact_rows: Sequence[FactRow],
) -> SimulatedBill | None:
    """What one person is paid. Names and numbers are opened only where something is to be priced."""
    rows = sorted(rows, key=lambda row: row.member_id)
    enrolments = [office.open_member(row) if settlements or fact_rows else _clear(row) for row in rows]
    by_id = {member.member_id: member for member in enrolments}
    boxes = [(by_id[row.member_id], open_box(office, row)) for row in fact_rows]
    # Only facts that are still about the same member.
    confirmed = tuple(box.fact for member, box in boxes if box.is_about(member))
    first = enrolments[0]
    person = PersonFile(person_id=first.person_id, association=first.association, members=enrolments, records=[])
    own = insured(person, request.rules.before.scheme)
    # The person as the scheme sees it, with the coverage of the schemes it stands on.
    further = [period for scheme in _stood_on(request.rules) for period in insured(person, scheme).coverage]
    seen = msgspec.structs.replace(own, coverage=(*own.coverage, *further)) if further else own
    return bill(
        request,
        SimulatedPerson(insured=seen, records=settlements, facts=confirmed),
        order=rows[0].person_id,
        league=next((row.league for row in rows if row.league), None),
        member_no=rows[0].member_no,
    )


def _stood_on(rules: DraftRules) -> list[str]:
    """The other schemes whose payments the rules must know, before or after, and those they stand on themselves."""
    schemes: dict[str, None] = {}
    waiting = [*rules.before.stands_on, *rules.after.stands_on]
    while waiting:
        scheme = waiting.pop()
        if scheme not in schemes and scheme != rules.before.scheme:
            schemes[scheme] = None
            waiting += rules.families[scheme].stands_on if scheme in rules.families else ()
    return list(schemes)


def _clear(row: MemberRow) -> Member:
    """A member by what stands in clear: enough for the days and the fee."""
    return Member(
        member_id=row.member_id,
        person_id=row.person_id,
        association=row.association,
        member_no=row.member_no,
        name="",
        id_number="",
        category=row.category,
        league=row.league,
        coverage=row.coverage,
    )


def take_up_today(
    office: Office, request: SimulationRequest, figures: Figures, associations: Sequence[str]
) -> int | None:
    """Claims granted per 100 members and year, in hundredths; None where no decision is stored."""
    since = _midnight(request.first) if request.first else 0
    until = _midnight(request.last + timedelta(days=1)) if request.last else _FOR_EVER
    with office.store.read() as tx:
        scheme, edition = request.rules.before.scheme, request.rules.edition.name
        granted = sum(reporting.decided_claims(tx, name, scheme, edition, since, until) for name in associations)
    return take_up(granted, figures.member_days) if granted else None


def _midnight(day: date) -> int:
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI))
