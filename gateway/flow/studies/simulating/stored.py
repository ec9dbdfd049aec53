"""Everybody in the database under a draft, in order of person: read a few hundred, sum, forget.

Sealed boxes are opened only of people who have settlements; all others count with what stands in clear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from gateway.core.changes.persons import PersonFile, insured
from gateway.core.schemes import Insured
from gateway.core.studies.forecast import take_up
from gateway.core.studies.simulation import Figures
from gateway.errors import BadCase, WrongUse
from gateway.flow.changes.fact_boxes import open_box
from gateway.flow.office import Office, record_name
from gateway.flow.studies.simulating.bills import Asked, Known, bill
from gateway.flow.studies.simulating.drafts import Rules
from gateway.model.benefit import Fact
from gateway.model.clock import SHANGHAI
from gateway.model.member import Member
from gateway.model.record import SettlementRecord
from gateway.store import facts, members, records, reporting
from gateway.store.engine import Tx
from gateway.store.facts import FactRow
from gateway.store.members import MemberRow
from gateway.store.records import RecordRow
from gateway.store.values import to_ms

_PEOPLE_AT_ONCE = 500
_FOR_EVER = 2**62


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """People of an association from one id to another, both included."""

    association: str
    lowest: int
    highest: int


def shares_of(office: Office, scheme: str, association: str | None, parts: int) -> list[list[Share]]:
    """Everybody who could be in a scheme, in `parts` lists of about the same length. Raises WrongUse."""
    names = [name for name, spec in sorted(office.associations.items()) if scheme in spec.schemes]
    if association is not None:
        if association not in names:
            raise WrongUse(f"协会 {association} 没有方案 {scheme} (this association does not have that scheme)")
        names = [association]
    lists: list[list[Share]] = [[] for _ in range(parts)]
    with office.store.read() as tx:
        for name in names:
            bounds = reporting.bounds_of(tx, name)
            if bounds is not None:
                _deal(lists, name, *bounds)
    return lists


def _deal(lists: list[list[Share]], association: str, lowest: int, highest: int) -> None:
    many = highest - lowest + 1
    for at, mine in enumerate(lists):
        first, last = lowest + many * at // len(lists), lowest + many * (at + 1) // len(lists) - 1
        if first <= last:
            mine.append(Share(association=association, lowest=first, highest=last))


def simulate_stored(office: Office, asked: Asked, shares: Sequence[Share]) -> Figures:
    """The sums over these people. Changes nothing."""
    figures = Figures(kept=asked.kept)
    for share in shares:
        for ids in _chunks(office, share):
            _take(office, asked, ids, figures)
    return figures


def _chunks(office: Office, share: Share) -> Iterator[list[int]]:
    after = share.lowest - 1
    while True:
        with office.store.read() as tx:
            ids = reporting.people_between(tx, share.association, after, share.highest, _PEOPLE_AT_ONCE)
        if not ids:
            return
        yield ids
        after = ids[-1]


def _take(office: Office, asked: Asked, ids: Sequence[int], figures: Figures) -> None:
    with office.store.read() as tx:
        people = _enrolled(tx, asked, ids)
        held = _held(tx, list(people))
        told = _told(tx, asked, people)
    open_one = office.vault.opener()
    for person_id, rows in people.items():
        mine = [
            office.open_record(row.sealed, record_name(row.feed, row.key, row.association), open_one)
            for row in held.get(person_id, ())
        ]
        try:
            _bill(office, asked, rows, mine, [told[row.member_id] for row in rows if row.member_id in told], figures)
        except BadCase:
            figures.refused += 1


def _enrolled(tx: Tx, asked: Asked, ids: Sequence[int]) -> dict[int, list[MemberRow]]:
    """The enrolments of those who have a period of the edition, in order of person; who opted out is not weighed."""
    people: dict[int, list[MemberRow]] = {person_id: [] for person_id in ids}
    for row in members.of_people(tx, ids):
        if not row.opt_out:
            people[row.person_id].append(row)
    return {person_id: rows for person_id, rows in people.items() if any(_concerned(asked, row) for row in rows)}


def _concerned(asked: Asked, row: MemberRow) -> bool:
    family, wanted = asked.rules.before, asked.rules.edition.name
    editions = [family.edition_on(each.first_day) for each in row.coverage if each.scheme == family.scheme]
    return any(edition is not None and edition.name == wanted for edition in editions)


def _held(tx: Tx, ids: Sequence[int]) -> dict[int, list[RecordRow]]:
    held: dict[int, list[RecordRow]] = defaultdict(list)
    for row in records.of_people(tx, ids):
        if not row.duplicate:
            held[row.person_id].append(row)
    return held


def _told(tx: Tx, asked: Asked, people: Mapping[int, Sequence[MemberRow]]) -> dict[int, list[FactRow]]:
    """Member → what was confirmed about him; no query where neither rule pays at facts."""
    told: dict[int, list[FactRow]] = defaultdict(list)
    if asked.rules.before.pays_at_events or asked.rules.after.pays_at_events:
        for row in facts.of_members(tx, [row.member_id for rows in people.values() for row in rows]):
            told[row.member_id].append(row)
    return told


def _bill(
    office: Office,
    asked: Asked,
    rows: Sequence[MemberRow],
    mine: Sequence[SettlementRecord],
    told: Sequence[Sequence[FactRow]],
    figures: Figures,
) -> None:
    """Add one person. Names and numbers are opened only where something is to be weighed."""
    rows = sorted(rows, key=lambda row: row.member_id)
    members = [office.open_member(row) if mine or told else _clear(row) for row in rows]
    found = bill(
        asked,
        Known(insured=_insured(asked, members), records=mine, facts=_facts(office, members, told)),
        order=rows[0].person_id,
        league=next((row.league for row in rows if row.league), None),
        who=rows[0].member_no,
    )
    if found is not None:
        figures.take(found)


def _facts(office: Office, members: Sequence[Member], told: Sequence[Sequence[FactRow]]) -> tuple[Fact, ...]:
    """The facts that are still about the same member."""
    by_id = {member.member_id: member for member in members}
    boxes = [(by_id[row.member_id], open_box(office, row)) for rows in told for row in rows]
    return tuple(box.fact for member, box in boxes if box.is_about(member))


def _insured(asked: Asked, members: Sequence[Member]) -> Insured:
    """The person as the scheme sees him, with his coverage of the schemes it stands on."""
    first = members[0]
    person = PersonFile(person_id=first.person_id, association=first.association, members=list(members), records=[])
    mine = insured(person, asked.rules.before.scheme)
    others = [each for scheme in _stood_on(asked.rules) for each in insured(person, scheme).coverage]
    return msgspec.structs.replace(mine, coverage=(*mine.coverage, *others)) if others else mine


def _stood_on(rules: Rules) -> list[str]:
    """The other schemes whose payments the rules must know, before or after, and those they stand on themselves."""
    found: dict[str, None] = {}
    waiting = [*rules.before.stands_on, *rules.after.stands_on]
    while waiting:
        scheme = waiting.pop()
        if scheme not in found and scheme != rules.before.scheme:
            found[scheme] = None
            waiting += rules.families[scheme].stands_on if scheme in rules.families else ()
    return list(found)


def _clear(row: MemberRow) -> Member:
    """A member by what stands in clear: enough for his days and his fee."""
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


def take_up_today(office: Office, asked: Asked, figures: Figures, associations: Sequence[str]) -> int | None:
    """Claims granted per 100 members and year, in hundredths; None where no decision is stored."""
    since = _midnight(asked.first) if asked.first else 0
    until = _midnight(asked.last + timedelta(days=1)) if asked.last else _FOR_EVER
    with office.store.read() as tx:
        scheme, edition = asked.rules.before.scheme, asked.rules.edition.name
        granted = sum(reporting.decided_claims(tx, name, scheme, edition, since, until) for name in associations)
    return take_up(granted, figures.member_days) if granted else None


def _midnight(day: date) -> int:
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI))
