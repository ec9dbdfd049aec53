"""Take a roster in: members and their coverage, idempotent, with the changes shown, one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec

from gateway.core.match import COMPARISONS, member_blocks, member_numbers, name_search_blocks
from gateway.core.roster import Group, RosterMember, Statement, who_stays
from gateway.core.roster.correcting import Ending
from gateway.core.signing import clerk
from gateway.flow.accounts.seeing import note_access
from gateway.flow.changes.fact_boxes import destroy_withdrawn
from gateway.flow.office import MEMBERS, Office, Personal, feeds_of, member_context
from gateway.flow.opening import member_piece, open_or_set_aside
from gateway.flow.people.joining import unite
from gateway.flow.people.reassess import reassess
from gateway.flow.reading.candidates import PERSON_NO
from gateway.flow.roster.holding import PutAside, held_statements, hold, put_aside, tell
from gateway.flow.roster.planning import CompleteRoster, Enrolled, compared, content_of, members_of, planned
from gateway.flow.roster.same_person import Changed, People, Plan, opted_out_block
from gateway.model.member import Member
from gateway.model.person import particulars_of
from gateway.model.pieces import Piece
from gateway.store import (
    batches,
    blocks,
    facts,
    members,
    people,
    rescans,
    roster,
    rulings,
    sweep_windows,
    unreadable,
)
from gateway.store.accesses import Access
from gateway.store.engine import Tx
from gateway.store.members import MemberRow, pack_coverage
from gateway.store.rescans import Rescan
from gateway.store.values import to_ms

BLOCK_RULES = 4
"""Counted up with every change of `gateway.core.match.blocks`: rosters taken in before are then indexed anew."""

_AT_ONCE = 5_000
_PEOPLE_AT_ONCE = 500
_IDENTITY = frozenset(comparison.member_field for comparison in COMPARISONS if comparison.told_by_feeds) - {""} | {
    "id_type",
    "opt_out",
}
"""A change of one of these means: what was found for this member may be another's, and the other way round."""

_RULED_ABOUT = frozenset(("name", "id_type", "id_number", "sex", "birth_date", "opt_out"))
"""A change of one of these voids what people ruled about a member."""


def enrol(office: Office, association: str, people: Sequence[RosterMember], *, dry_run: bool = False) -> Enrolled:
    """Bring the stored roster to what these members are, whole: what one does not say is not so. For who knows
    all there is to know of a member; a file is taken in by `take_in`."""
    return take_in(office, association, [Statement(member=person, whole=True) for person in people], dry_run=dry_run)


def take_in(
    office: Office,
    association: str,
    statements: Sequence[Statement | Ending],
    *,
    complete: CompleteRoster | None = None,
    confirmed_by: str | None = None,
    dry_run: bool = False,
) -> Enrolled:
    """Correct and extend the stored roster by what is stated, in one transaction. Members who are not named stay as
    they are, unless the statements are the complete roster of a scheme and year.

    What takes days of coverage away waits in a hold, person by person, unless somebody confirmed it; an opt-out never
    does. What would become of claims is told beforehand: of a `dry_run` for everybody who changes, else for whom
    something is taken away.
    """
    if not dry_run:
        index_again(office, association)
    report = Enrolled()
    with office.store.write() as tx:
        roster.move_version(tx, association)
        plan = compared(tx, office, association, statements, report, complete=complete)
        waiting = PutAside() if confirmed_by is not None else put_aside(plan, report)
        after = planned(tx, office, association, plan, report)
        report.told = tell(tx, office, association, plan, waiting, everybody=dry_run)
        if dry_run:
            tx.rollback()
            return report
        _write(tx, office, association, plan, after, locked=waiting.people)
        _seal_anew(tx, office, association, statements)
        if confirmed_by is not None and report.lost:
            note_access(
                tx, office, Access(item_id=0, by=clerk(confirmed_by), at=to_ms(office.now()), what="roster_lowered")
            )
        report.hold_id = hold(tx, office, association, waiting, report.told)
    # Whoever opted out has no facts any more, and what they said is shut with their keys.
    destroy_withdrawn(office)
    return report


def take_held(tx: Tx, office: Office, association: str, contents: Iterable[bytes]) -> Enrolled:
    """Write what an import put aside, against the roster as it is now; `contents`: see `findings.holds.contents_of`.
    The claims of those concerned follow in the same transaction."""
    roster.move_version(tx, association)
    report = Enrolled()
    plan = compared(tx, office, association, held_statements(contents), report)
    _write(tx, office, association, plan, planned(tx, office, association, plan, report))
    return report


def _seal_anew(tx: Tx, office: Office, association: str, statements: Sequence[Statement | Ending]) -> None:
    """The file says again what a stored box says that does not open: where the digest of its content proves that
    nothing changed, the box is made anew, and the member goes on."""
    shut = [int(standing.piece.name) for standing in unreadable.standing(tx) if standing.piece.kind == "member"]
    if not shut:
        return
    by_number = {
        statement.member.member_no: statement.member for statement in statements if isinstance(statement, Statement)
    }
    writer = _RosterRows(office, association)
    whole: list[MemberRow] = []
    for row in members.by_id(tx, shut):
        person = by_number.get(row.member_no)
        if person is not None and row.association == association and row.content == content_of(office, person):
            unchanged = msgspec.structs.replace(person, opt_out=row.opt_out)
            kept_out = row.opt_out and not person.opt_out
            whole.append(
                writer.row(row.member_id, row.person_id, unchanged, kept_out=kept_out, sealed_before=row.sealing)
            )
    members.change(tx, whole)


def _write(
    tx: Tx, office: Office, association: str, plan: Plan, after: list[People], *, locked: Iterable[int] = ()
) -> None:
    """Write the plan; `locked`: the people who are to be locked besides those it changes."""
    # Confirmed facts are weighed with coverage too, even before the first page came.
    weighed = batches.any_worked(tx, feeds_of(office, association)) or facts.any_told(tx, association)
    if members.count(tx, association) == 0:
        blocks.set_rules(tx, association, BLOCK_RULES)
    place = _places(tx, association, plan, after)
    # Where people turn out to be one: who stays, and who become that person.
    joined = []
    for groups in (groups for of_holder in after for groups in of_holder):
        persons, stays = _persons_in(groups), who_stays(groups)
        if stays is not None and len(persons) > 1:
            joined.append((stays, sorted(persons - {stays})))
    moving = [row.person_id for row, _, _ in plan.changed] + [
        person_id for stays, others in joined for person_id in (stays, *others)
    ]
    people.lock(tx, [*moving, *locked])
    to_rescan = _write_changed(tx, office, association, plan, place)
    found_by = _write_new(tx, office, association, plan, place)
    members.refresh_statistics(tx)
    unite(tx, office, association, joined)
    if weighed:
        to_rescan += _look_again(tx, office, association, after)
        to_rescan += [
            Rescan(member_id=member_id, association=association, fingerprints=digests, reread=True)
            for member_id, digests in found_by.items()
        ]
        rescans.ask(tx, _each_once(to_rescan))
        _reassess_at_once(tx, office, association, plan)


def _reassess_at_once(tx: Tx, office: Office, association: str, plan: Plan) -> None:
    """Who opted out, and from whom days were taken knowingly, is assessed with the import itself: nothing more is sent
    for such a person, and the night asks nobody again."""
    numbers = [
        row.member_no for row, old, new in plan.changed if plan.loses(row.member_no) or new.opt_out > old.opt_out
    ]
    persons = sorted({row.person_id for row in members.by_number(tx, association, numbers)}) if numbers else []
    for start in range(0, len(persons), _PEOPLE_AT_ONCE):
        reassess(tx, office, association, persons[start : start + _PEOPLE_AT_ONCE])


def _places(tx: Tx, association: str, plan: Plan, after: list[People]) -> dict[str, int]:
    """Member number → person, for everybody who is new or whose id number changes."""
    place: dict[str, int] = {}
    fresh: list[list[str]] = []
    for groups in (groups for of_holder in after for groups in of_holder):
        person, numbers = who_stays(groups), [member.member_no for group in groups for member in group.members]
        if person is None:
            fresh.append(numbers)
        else:
            place.update(dict.fromkeys(numbers, person))
    among = place.keys() | {number for numbers in fresh for number in numbers}
    fresh += [[person.member_no] for person in plan.new if person.member_no not in among]
    for numbers, person in zip(fresh, people.add(tx, association, len(fresh)), strict=True):
        place.update(dict.fromkeys(numbers, person))
    return place


def _persons_in(groups: Iterable[Group]) -> set[int]:
    return {group.person for group in groups if group.person is not None}


def _look_again(tx: Tx, office: Office, association: str, after: list[People]) -> list[Rescan]:
    """The members whose rows stand otherwise now because people became one, or because there is another beside them:
    then nobody is certainly found by a person number learnt of one of them either."""
    beside = {member.member_no for people in after if len(people) > 1 for member in members_of(people)}
    united = {
        member.member_no for people in after for member in members_of(p for p in people if len(_persons_in(p)) > 1)
    }
    rows = [row for row in members.by_number(tx, association, beside | united) if not row.opt_out]
    gone: dict[int, bytes] = {}
    for block, member_id in blocks.drop_kind(tx, PERSON_NO, [row.member_id for row in rows if row.member_no in beside]):
        gone[member_id] = gone.get(member_id, b"") + block
    return [look_again_at(office, row, gone.get(row.member_id, b"")) for row in rows]


def look_again_at(office: Office, row: MemberRow, gone: bytes = b"") -> Rescan:
    """That every row which could be about a member must be read again; `gone`: what he was found by besides."""
    member = office.open_member(row)
    digests = numbers_of(office, member) + b"".join(blocks_of(office, member)) + gone
    return Rescan(member_id=row.member_id, association=row.association, fingerprints=digests, reread=True)


def _each_once(to_rescan: Sequence[Rescan]) -> list[Rescan]:
    """The same with one entry a member."""
    once: dict[int, Rescan] = {}
    for rescan in to_rescan:
        earlier = once.get(rescan.member_id)
        if earlier is not None:
            digests, reread = earlier.fingerprints + rescan.fingerprints, earlier.reread or rescan.reread
            once[rescan.member_id] = msgspec.structs.replace(rescan, fingerprints=digests, reread=reread)
        else:
            once[rescan.member_id] = rescan
    return list(once.values())


def _write_changed(tx: Tx, office: Office, association: str, plan: Plan, place: dict[str, int]) -> list[Rescan]:
    """Changed members first, so that a number one of them gave up is free for somebody new."""
    moved = [(row, old, new) for row, old, new in plan.changed if _differ(old, new, _IDENTITY)]
    before = _forget(tx, office, moved)
    writer = _RosterRows(office, association)
    renumbered = {row.member_id for row, old, new in moved if old.id_number != new.id_number}
    rows = [
        writer.row(
            row.member_id,
            place.get(row.member_no, row.person_id) if row.member_id in renumbered else row.person_id,
            new,
            kept_out=row.member_no in plan.kept_out,
            sealed_before=row.sealing,
        )
        for row, _, new in plan.changed
    ]
    members.change(tx, rows)
    persons = {row.member_id: row.person_id for row in rows}
    now = _add_fingerprints(tx, office, [(new, row.member_id, persons[row.member_id]) for row, _, new in moved])
    return [
        Rescan(
            member_id=row.member_id,
            association=association,
            fingerprints=numbers_of(office, old)
            + before.get(row.member_id, b"")
            + (now.get(row.member_id) or numbers_of(office, new)),
            reread=row.member_id in before,
        )
        for row, old, new in plan.changed
    ]


def _forget(tx: Tx, office: Office, moved: Sequence[Changed]) -> dict[int, bytes]:
    """Take away what these members were found by; member id → his blocks until now. Person numbers learnt of a
    member stay his unless he has another id number now: then they were perhaps somebody else's."""
    renumbered = [row.member_id for row, old, new in moved if old.id_number != new.id_number]
    learnt = {*renumbered, *(row.member_id for row, _, new in moved if new.opt_out)}
    gone = [(block, row.member_id) for row, old, _ in moved for block in blocks_of(office, old)]
    members.drop_fingerprints(tx, [row.member_id for row, _, _ in moved])
    blocks.drop(tx, gone)
    gone += blocks.drop_kind(tx, PERSON_NO, learnt)
    sweep_windows.forget(tx, renumbered)
    facts.end_of_members(tx, [row.member_id for row, _, new in moved if new.opt_out], now_ms=to_ms(office.now()))
    rulings.void(tx, [row.member_id for row, old, new in moved if _differ(old, new, _RULED_ABOUT)])
    before = {row.member_id: b"" for row, _, _ in moved}
    for block, member_id in gone:
        before[member_id] += block
    return before


def _differ(old: Member, new: RosterMember, fields: frozenset[str]) -> bool:
    """Whether a member becomes another in one of these fields."""
    return any(getattr(old, name) != getattr(new, name) for name in fields)


def _write_new(tx: Tx, office: Office, association: str, plan: Plan, place: dict[str, int]) -> dict[int, bytes]:
    """Add the new members; returns by what those who take part are found."""
    ids, writer = members.reserve_ids(tx, len(plan.new)), _RosterRows(office, association)
    rows = [
        writer.row(
            member_id,
            place[person.member_no],
            person,
            kept_out=person.member_no in plan.kept_out,
        )
        for member_id, person in zip(ids, plan.new, strict=True)
    ]
    members.add(tx, rows)
    found_by = [(person, row.member_id, row.person_id) for row, person in zip(rows, plan.new, strict=True)]
    return _add_fingerprints(tx, office, found_by)


def _add_fingerprints(tx: Tx, office: Office, enrolled: Sequence[tuple[RosterMember, int, int]]) -> dict[int, bytes]:
    """How members are found from now on: member id → his number's fingerprint and his blocks, joined. One who opted
    out is found by no record, and only by the imports of his other enrolments."""
    numbers = [
        (office.id_fingerprint(number), member_id, person_id)
        for person, member_id, person_id in enrolled
        if not person.opt_out
        for number in member_numbers(person)
    ]
    blocks_by_member = {member_id: blocks_of(office, person) for person, member_id, _ in enrolled}
    members.add_fingerprints(tx, numbers)
    blocks.add(tx, [(block, member_id) for member_id, of_member in blocks_by_member.items() for block in of_member])
    return {
        member_id: numbers_of(office, person) + b"".join(blocks_by_member[member_id])
        for person, member_id, _ in enrolled
        if not person.opt_out
    }


def numbers_of(office: Office, person: RosterMember | Member) -> bytes:
    """The fingerprints of the numbers that lead to a member, joined."""
    return b"".join(map(office.id_fingerprint, member_numbers(person)))


def blocks_of(office: Office, person: RosterMember | Member) -> tuple[bytes, ...]:
    """The blocks a member stands under besides the number, learnt person numbers left out, and the phone too: no
    settlement carries one, so no record could ask for it. The whole name is for people who search. Of one who opted
    out, the one no record asks for."""
    if person.opt_out:
        return (opted_out_block(office, person.id_number),)
    return tuple(map(office.block, (*member_blocks(person, told_by_feeds=True), *name_search_blocks(person.name))))


def index_again(office: Office, association: str) -> int:
    """Give all members the blocks of the present rules, where theirs were made by older ones; returns how many."""
    with office.store.read() as tx:
        if blocks.rules_of(tx, association) >= BLOCK_RULES or members.count(tx, association) == 0:
            return 0
    with office.store.write() as tx:
        # Imports wait: one that changed a member meanwhile would not know under which blocks he stands.
        roster.move_version(tx, association)
        blocks.drop_all(tx, association, keep=PERSON_NO)
        done = last = 0
        while rows := members.after(tx, [association], last, _AT_ONCE):
            open_one = office.vault.opener()
            aside: list[Piece] = []
            opened = [
                open_or_set_aside(member_piece(row), partial(office.open_member, row, open_one), aside) for row in rows
            ]
            unreadable.note(tx, aside, now=office.now())
            readable = [member for member in opened if member is not None]
            blocks.add(tx, [(block, member.member_id) for member in readable for block in blocks_of(office, member)])
            last, done = rows[-1].member_id, done + len(rows)
        blocks.set_rules(tx, association, BLOCK_RULES)
        members.refresh_statistics(tx)
    return done


def index_opened(tx: Tx, office: Office, member_id: int) -> None:
    """Give a member who opens again the blocks he may have missed when all others were given theirs."""
    for row in members.by_id(tx, [member_id]):
        wanted = {(block, member_id) for block in blocks_of(office, office.open_member(row))}
        there = blocks.find(tx, sorted(block for block, _ in wanted))
        blocks.add(tx, sorted(wanted.difference(there)))


class _RosterRows:
    """Writes members of an association as they are stored, their boxes under the roster's key of now."""

    def __init__(self, office: Office, association: str) -> None:
        self._office, self._association, self._key = office, association, office.vault.roster_key()

    def row(
        self, member_id: int, person_id: int, person: RosterMember, *, kept_out: bool, sealed_before: int = 0
    ) -> MemberRow:
        """A member as stored; `sealed_before`: how often its box was sealed until now. The content that later imports
        are compared with is what its own row says."""
        stated = msgspec.structs.replace(person, opt_out=False) if kept_out else person
        box = Personal(kept_out=kept_out, **particulars_of(person))
        row = MemberRow(
            member_id=member_id,
            person_id=person_id,
            association=self._association,
            member_no=person.member_no,
            category=person.category,
            league=person.league,
            opt_out=person.opt_out,
            coverage=person.coverage,
            sealed=b"",
            content=content_of(self._office, stated),
            sealing=sealed_before + 1,
            packed_coverage=pack_coverage(person.coverage),
        )
        return msgspec.structs.replace(row, sealed=self._key.seal(MEMBERS.write(box), member_context(row.place)))
