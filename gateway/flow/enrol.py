"""Take a roster in: members and their coverage, idempotent, with the changes shown, one transaction."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.core.match import member_blocks, plain_name
from gateway.core.roster import RosterMember, as_roster, difference
from gateway.flow.candidates import PERSON_NO
from gateway.flow.office import Office, Personal, feeds_of, member_context, pack
from gateway.model.decision import Candidate
from gateway.model.member import Coverage, Member
from gateway.store import facts, pages, reviews, roster
from gateway.store.engine import Tx
from gateway.store.roster import MemberRow, Rescan
from gateway.store.values import to_ms
from gateway.vault import DataKey

BLOCK_RULES = 2
"""Counted up with every change of `gateway.core.match.blocks`: rosters taken in before are then indexed anew."""

_AT_ONCE = 5_000
_IDENTITY = frozenset(("name", "id_type", "id_number", "sex", "birth_date", "unit_name", "opt_out"))
"""A change of one of these means: what was found for this member may be another's, and the other way round."""

_RULED_ABOUT = frozenset(("name", "id_type", "id_number", "sex", "birth_date", "opt_out"))
"""A change of one of these voids what people ruled about a member."""


class Enrolled(msgspec.Struct, kw_only=True):
    """What an import did: member numbers by what happened to them, and rows refused with the reason."""

    added: int = 0
    changed: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    coverage_changed: int = 0
    unchanged: int = 0
    refused: list[tuple[str, str]] = msgspec.field(default_factory=list)


_Changed = tuple[MemberRow, Member, RosterMember]


class _Plan(msgspec.Struct, kw_only=True):
    new: list[RosterMember] = msgspec.field(default_factory=list)
    changed: list[_Changed] = msgspec.field(default_factory=list)


def enrol(office: Office, association: str, people: Sequence[RosterMember], *, dry_run: bool = False) -> Enrolled:
    """Bring the stored roster to what the file says. Members the file does not hold stay as they are."""
    report = Enrolled()
    with office.store.write() as tx:
        roster.move_version(tx, association)
        plan = _plan(tx, office, association, people, report)
        if not dry_run:
            _write(tx, office, association, plan)
        else:
            tx.rollback()
    return report


def _content(office: Office, member: RosterMember) -> bytes:
    return office.vault.digest_content(pack(member))


def _plan(tx: Tx, office: Office, association: str, people: Sequence[RosterMember], report: Enrolled) -> _Plan:
    stored = {row.member_no: row for row in roster.members_by_no(tx, association, [p.member_no for p in people])}
    plan = _Plan()
    for person in people:
        row = stored.get(person.member_no)
        if row is None:
            plan.new.append(person)
            report.added += 1
        elif row.content == _content(office, person):
            report.unchanged += 1
        else:
            plan.changed.append((row, office.open_member(row), person))
    _report_changes(plan, report)
    return _without_strangers(tx, office, association, plan, {person.member_no for person in people}, report)


def _report_changes(plan: _Plan, report: Enrolled) -> None:
    change = difference([as_roster(old) for _, old, _ in plan.changed], [new for _, _, new in plan.changed])
    report.changed = {each.member_no: each.fields for each in change.changed}
    report.coverage_changed = len(change.coverage_changed)


def _without_strangers(
    tx: Tx, office: Office, association: str, plan: _Plan, in_file: set[str], report: Enrolled
) -> _Plan:
    """Refuse members whose id number belongs to somebody of another name, or whose periods would overlap."""
    coming = plan.new + [new for _, _, new in plan.changed]
    holders = _holders(tx, office, association, coming)
    refused: dict[str, str] = {}
    # Who is refused stays as he is stored, and that may be in the way of others of the file.
    while len(found := _refused(coming, holders, in_file - refused.keys())) > len(refused):
        refused = found
    report.refused = sorted(refused.items())
    report.added -= sum(person.member_no in refused for person in plan.new)
    return _Plan(
        new=[person for person in plan.new if person.member_no not in refused],
        changed=[each for each in plan.changed if each[2].member_no not in refused],
    )


def _refused(coming: Sequence[RosterMember], holders: dict[str, list[Member]], changing: set[str]) -> dict[str, str]:
    """Member number → why he cannot be taken in. `changing`: who will be as the file states him."""
    refused: dict[str, str] = {}
    for person in coming:
        for other in holders.get(person.id_number, ()):
            # Whoever stands in the file himself was compared with the others of the file when it was read.
            if other.member_no in changing or other.member_no == person.member_no:
                continue
            if plain_name(other.name) != plain_name(person.name):
                refused[person.member_no] = "证件号码已属另一姓名的会员 (id number belongs to a member of another name)"
            elif _overlap(other.coverage, person.coverage):
                refused[person.member_no] = "与同一人的另一会员号保障期重叠 (coverage overlaps another enrolment)"
    return refused


def _holders(tx: Tx, office: Office, association: str, coming: Sequence[RosterMember]) -> dict[str, list[Member]]:
    """id number → the stored members who have it, among those that come."""
    digests = [office.id_fingerprint(person.id_number) for person in coming]
    ids = {member_id for _, member_id, _ in roster.find(tx, digests)}
    held: dict[str, list[Member]] = {}
    for row in roster.members(tx, ids):
        if row.association == association:
            member = office.open_member(row)
            held.setdefault(member.id_number, []).append(member)
    return held


def _overlap(one: Sequence[Coverage], other: Sequence[Coverage]) -> bool:
    return any(
        a.scheme == b.scheme and a.first_day <= b.last_day and b.first_day <= a.last_day for a in one for b in other
    )


def _write(tx: Tx, office: Office, association: str, plan: _Plan) -> None:
    # Confirmed facts are weighed with coverage too, even before the first page came.
    weighed = pages.any_worked(tx, feeds_of(office, association)) or facts.any_told(tx, association)
    if roster.count(tx, association) == 0:
        roster.set_indexed(tx, association, BLOCK_RULES)
    wanted = _write_changed(tx, office, association, plan.changed)
    found_by = _write_new(tx, office, association, plan.new)
    roster.settle_in(tx)
    if weighed:
        wanted += [
            Rescan(member_id=member_id, association=association, fingerprints=digests, reread=True)
            for member_id, digests in found_by.items()
        ]
        roster.ask_rescan(tx, wanted)


def _write_changed(tx: Tx, office: Office, association: str, changed: Sequence[_Changed]) -> list[Rescan]:
    """Changed members first, so that a number one of them gave up is free for somebody new."""
    roster.lock_people(tx, [row.person_id for row, _, _ in changed])
    moved = [each for each in changed if _moved(each[1], each[2])]
    before = _forget(tx, office, moved)
    persons = _persons_of(tx, office, association, moved)
    key = office.vault.roster_key()
    rows = [
        _row(office, key, row.member_id, persons.get(row.member_id, row.person_id), association, new)
        for row, _, new in changed
    ]
    roster.change_members(tx, rows)
    place = {row.member_id: row.person_id for row in rows}
    now = _add_fingerprints(tx, office, [(new, row.member_id, place[row.member_id]) for row, _, new in moved])
    fingerprint = office.id_fingerprint
    return [
        Rescan(
            member_id=row.member_id,
            association=association,
            fingerprints=fingerprint(old.id_number)
            + before.get(row.member_id, b"")
            + (now.get(row.member_id) or fingerprint(new.id_number)),
            reread=row.member_id in before,
        )
        for row, old, new in changed
    ]


def _forget(tx: Tx, office: Office, moved: Sequence[_Changed]) -> dict[int, bytes]:
    """Take away what these members were found by; member id → his blocks until now. Person numbers learnt of a
    member stay his unless he has another id number now: then they were perhaps somebody else's."""
    renumbered = [row.member_id for row, old, new in moved if old.id_number != new.id_number]
    learnt = {*renumbered, *(row.member_id for row, _, new in moved if new.opt_out)}
    gone = [(block, row.member_id) for row, old, _ in moved if not old.opt_out for block in blocks_of(office, old)]
    roster.drop_fingerprints(tx, [row.member_id for row, _, _ in moved])
    roster.drop_blocks(tx, gone)
    gone += roster.drop_kind(tx, PERSON_NO, learnt)
    roster.forget_asked(tx, renumbered)
    facts.end_of_members(tx, [row.member_id for row, _, new in moved if new.opt_out], now_ms=to_ms(office.now()))
    reviews.void(tx, [row.member_id for row, old, new in moved if _another(old, new)])
    before = {row.member_id: b"" for row, _, _ in moved}
    for block, member_id in gone:
        before[member_id] += block
    return before


def _another(old: Member, new: RosterMember) -> bool:
    """Whether he is not whom a person had before his eyes who ruled about him."""
    return any(getattr(old, name) != getattr(new, name) for name in _RULED_ABOUT)


def _persons_of(tx: Tx, office: Office, association: str, moved: Sequence[_Changed]) -> dict[int, int]:
    """Member id → person, for those whose number changed: whoever has the new number is the same person; who
    shared his old one with another enrolment parts from him."""
    holders = _holders(tx, office, association, [new for _, _, new in moved])
    known = {number: members[0].person_id for number, members in holders.items()}
    beside = roster.members_of_people(tx, {row.person_id for row, _, _ in moved})
    persons: dict[int, int] = {}
    for row, old, new in moved:
        shared = any(each.person_id == row.person_id and each.member_id != row.member_id for each in beside)
        parts = shared and old.id_number != new.id_number
        own = roster.add_people(tx, association, 1)[0] if parts and new.id_number not in known else row.person_id
        persons[row.member_id] = known.setdefault(new.id_number, own)
    return persons


def _write_new(tx: Tx, office: Office, association: str, new: Sequence[RosterMember]) -> dict[int, bytes]:
    rows = _rows_of_new(tx, office, association, new)
    roster.add_members(tx, rows)
    found_by = [(person, row.member_id, row.person_id) for row, person in zip(rows, new, strict=True)]
    return _add_fingerprints(tx, office, found_by)


def _add_fingerprints(tx: Tx, office: Office, members: Sequence[tuple[RosterMember, int, int]]) -> dict[int, bytes]:
    """How members are found from now on: member id → his number's fingerprint and his blocks, joined. One who opted
    out gets none: nothing can ever find him."""
    found = [(person, member_id, person_id) for person, member_id, person_id in members if not person.opt_out]
    numbers = [
        (office.id_fingerprint(person.id_number), member_id, person_id) for person, member_id, person_id in found
    ]
    blocks = {member_id: blocks_of(office, person) for person, member_id, _ in found}
    roster.add_fingerprints(tx, numbers)
    roster.add_blocks(tx, [(block, member_id) for member_id, mine in blocks.items() for block in mine])
    return {member_id: digest + b"".join(blocks[member_id]) for digest, member_id, _ in numbers}


def blocks_of(office: Office, person: RosterMember | Member) -> tuple[bytes, ...]:
    """The blocks a member stands under besides his number, learnt person numbers left out, and his phone too: no
    settlement carries one, so nobody could be found under it."""
    candidate = Candidate(
        member_id=0,
        person_id=0,
        member_no=person.member_no,
        name=person.name,
        id_number=person.id_number,
        id_type=person.id_type,
        sex=person.sex,
        birth_date=person.birth_date,
        unit_name=person.unit_name,
    )
    return tuple(map(office.block, member_blocks(candidate)))


def _moved(old: Member, new: RosterMember) -> bool:
    return any(getattr(old, name) != getattr(new, name) for name in _IDENTITY)


def index_again(office: Office, association: str) -> int:
    """Give all members the blocks of the present rules, where theirs were made by older ones; returns how many."""
    with office.store.read() as tx:
        if roster.indexed(tx, association) >= BLOCK_RULES:
            return 0
    with office.store.write() as tx:
        # Imports wait: one that changed a member meanwhile would not know under which blocks he stands.
        roster.move_version(tx, association)
        roster.drop_all_blocks(tx, association, keep=PERSON_NO)
        done = last = 0
        while rows := roster.members_after(tx, [association], last, _AT_ONCE):
            _index(tx, office, rows)
            last, done = rows[-1].member_id, done + len(rows)
        roster.set_indexed(tx, association, BLOCK_RULES)
        roster.settle_in(tx)
    return done


def _index(tx: Tx, office: Office, rows: Sequence[MemberRow]) -> None:
    open_one = office.vault.opener()
    found = [office.open_member(row, open_one) for row in rows if not row.opt_out]
    roster.add_blocks(tx, [(block, member.member_id) for member in found for block in blocks_of(office, member)])


def _rows_of_new(tx: Tx, office: Office, association: str, new: Sequence[RosterMember]) -> list[MemberRow]:
    """New members; a number that another enrolment already has belongs to the same person."""
    holders = _holders(tx, office, association, new)
    known = {number: members[0].person_id for number, members in holders.items()}
    strangers = list(dict.fromkeys(person.id_number for person in new if person.id_number not in known))
    known.update(zip(strangers, roster.add_people(tx, association, len(strangers)), strict=True))
    ids, key = roster.new_member_ids(tx, len(new)), office.vault.roster_key()
    return [
        _row(office, key, member_id, known[person.id_number], association, person)
        for member_id, person in zip(ids, new, strict=True)
    ]


def _row(
    office: Office, key: DataKey, member_id: int, person_id: int, association: str, person: RosterMember
) -> MemberRow:
    box = Personal(
        name=person.name,
        id_type=person.id_type,
        id_number=person.id_number,
        sex=person.sex,
        birth_date=person.birth_date,
        phone=person.phone,
        unit_no=person.unit_no,
        unit_name=person.unit_name,
    )
    return MemberRow(
        member_id=member_id,
        person_id=person_id,
        association=association,
        member_no=person.member_no,
        category=person.category,
        league=person.league,
        opt_out=person.opt_out,
        coverage=person.coverage,
        sealed=key.seal(pack(box), member_context(member_id)),
        content=_content(office, person),
    )
