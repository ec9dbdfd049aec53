"""Who stands in the roster: listed, shown, searched for by keyed digests, written out. What is plain leaves a trace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Final

import msgspec

from gateway.core import masks
from gateway.core.match import name_search_blocks
from gateway.core.roster import RosterMember, as_roster
from gateway.core.signing import clerk
from gateway.errors import WrongUse
from gateway.flow.accounts.proving import has_accounts
from gateway.flow.accounts.seeing import note_access
from gateway.flow.accounts.two_persons import ask_or_take
from gateway.flow.office import Office, Opener
from gateway.flow.opening import member_piece, open_or_set_aside
from gateway.flow.roster.same_person import holders
from gateway.model.account import EVERYTHING, AccountScope
from gateway.model.member import Coverage, Member
from gateway.model.national_id import in_18, normalise_id
from gateway.model.pieces import Piece
from gateway.store import blocks, members, people, records
from gateway.store.accesses import Access
from gateway.store.engine import Tx
from gateway.store.members import MemberRow
from gateway.store.values import to_ms

SEARCHED: Final = "roster_search"
SHOWN: Final = "roster_show"
EXPORTED: Final = "roster_export"
_AT_ONCE: Final = 5_000


class PeriodLine(msgspec.Struct, frozen=True, kw_only=True):
    """A coverage period as commands show it, both days included."""

    scheme: str
    first_day: date
    last_day: date
    category: str | None
    shares: int = 1
    classes: list[str] = []


class MemberLine(msgspec.Struct, frozen=True, kw_only=True):
    """A member as a list shows it: nothing personal but the number."""

    member_id: int
    member_no: str
    category: str
    league: str | None
    opt_out: bool
    periods: list[PeriodLine]


class MemberList(msgspec.Struct, frozen=True, kw_only=True):
    """One page of members in the order they were enrolled; `next`: from where it goes on."""

    members: list[MemberLine]
    total: int
    next: int | None


class MemberShown(msgspec.Struct, frozen=True, kw_only=True):
    """A member with particulars, masked unless `revealed`. `same_person`: the other member numbers of the person;
    `hold_id`: the hold that keeps what concerns the person waiting. None of the particulars where they do not open."""

    line: MemberLine
    revealed: bool
    particulars: dict[str, str]
    same_person: list[str]
    hold_id: int | None


class MemberSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to look for: exactly one of these. `sound`: a name by how it sounds, not as it is written."""

    member_no: str | None = None
    id_number: str | None = None
    name: str | None = None
    sound: bool = False
    settlement_no: str | None = None


class MembersFound(msgspec.Struct, frozen=True, kw_only=True):
    """Who was found, masked, in order of member number; `total`: how many there are."""

    members: list[MemberShown]
    total: int


def list_members(
    office: Office,
    association: str,
    *,
    after: int = 0,
    limit: int = 100,
    count_at_most: int | None = None,
    scope: AccountScope = EVERYTHING,
) -> MemberList:
    """The members of an association that are in the scope, by clear columns alone; with `count_at_most`, no more than
    so many are counted."""
    with office.store.read() as tx:
        rows = members.after(tx, [association], after, limit + 1, scope=scope)
        total = members.count(tx, association, at_most=count_at_most, scope=scope)
    more = len(rows) > limit
    next_one = rows[limit - 1].member_id if more else None
    return MemberList(members=[line_of(row) for row in rows[:limit]], total=total, next=next_one)


def show_member(
    office: Office,
    association: str,
    member_no: str,
    *,
    by: str,
    reveal: bool = False,
    scope: AccountScope = EVERYTHING,
) -> MemberShown:
    """One member, masked; with `reveal` plain. Either leaves a trace. Raises WrongUse for a number that nobody in the
    scope has."""
    with office.store.write() as tx:
        rows = members.by_number(tx, association, [member_no], scope=scope)
        if not rows:
            raise WrongUse(f"名册里没有会员 {member_no} (no such member)")
        _note(tx, office, SHOWN, by, row=rows[0])
        return _shown(tx, office, rows[0], revealed=reveal)


def search_members(
    office: Office,
    association: str,
    search: MemberSearch,
    *,
    by: str,
    limit: int = 50,
    scope: AccountScope = EVERYTHING,
) -> MembersFound:
    """Whoever of the scope is found, masked. What was looked for is kept nowhere; that somebody looked is."""
    with office.store.write() as tx:
        _note(tx, office, SEARCHED, by)
        matches = [
            row for row in _found(tx, office, association, search) if scope.covers_member(association, row.league)
        ]
        rows = sorted(matches, key=lambda row: row.member_no)
        shown = [_shown(tx, office, row, revealed=False) for row in rows[:limit]]
    return MembersFound(members=shown, total=len(rows))


def export_members(
    office: Office, association: str, *, by: str, scope: AccountScope = EVERYTHING
) -> Iterator[RosterMember]:
    """Every member of the scope as a roster states it, plain; leaves a trace. Those that do not open are left out:
    `hubao unreadable list` names them. At a site with accounts a longer one than one person may take alone needs
    another's yes. Raises BadInput("second_person")."""
    with office.store.read() as tx:
        total = members.count(tx, association, scope=scope)
    if has_accounts(office) and total > office.gateway.accounts.export_alone:
        ask_or_take(
            office, "export", f"roster {association}", msgspec.json.encode([association, scope], order="sorted"), by=by
        )
    with office.store.write() as tx:
        _note(tx, office, EXPORTED, by)
    last = 0
    while True:
        with office.store.read() as tx:
            rows = members.after(tx, [association], last, _AT_ONCE, scope=scope)
        if not rows:
            return
        last, open_one = rows[-1].member_id, office.vault.opener()
        for row in rows:
            member = _opened(office, row, open_one=open_one)
            if member is not None:
                yield as_roster(member)


def _found(tx: Tx, office: Office, association: str, search: MemberSearch) -> list[MemberRow]:
    """The rows of whoever a search finds, through keyed digests alone."""
    if search.member_no is not None:
        return members.beginning(tx, association, search.member_no)
    if search.id_number is not None:
        number = in_18(normalise_id(search.id_number))
        return [enrolment.row for enrolment in holders(tx, office, association, [number]).get(number, ())]
    if search.settlement_no is not None:
        keys = [key for feed in office.feeds for key in office.keys_of_number(feed, search.settlement_no)]
        ids = {row.member_id for row in records.by_keys(tx, keys) if row.association == association}
    else:
        written, heard = name_search_blocks(search.name or "")
        ids = {member_id for _, member_id in blocks.find(tx, [office.block(heard if search.sound else written)])}
    return [row for row in members.by_id(tx, ids) if row.association == association]


def _note(tx: Tx, office: Office, what: str, by: str, *, row: MemberRow | None = None) -> None:
    item_id, person_id = (row.member_id, row.person_id) if row is not None else (0, None)
    access = Access(item_id=item_id, by=clerk(by), at=to_ms(office.now()), what=what)
    note_access(tx, office, access, person_id=person_id)


def line_of(row: MemberRow) -> MemberLine:
    """A member as a list shows it."""
    return MemberLine(
        member_id=row.member_id,
        member_no=row.member_no,
        category=row.category,
        league=row.league,
        opt_out=row.opt_out,
        periods=[_period(period) for period in sorted(row.coverage)],
    )


def _period(period: Coverage) -> PeriodLine:
    return PeriodLine(
        scheme=period.scheme,
        first_day=period.first_day,
        last_day=period.last_day,
        category=period.category,
        shares=period.shares or 1,
        classes=list(period.classes),
    )


def _shown(tx: Tx, office: Office, row: MemberRow, *, revealed: bool) -> MemberShown:
    member = _opened(office, row)
    enrolments = members.of_people(tx, [row.person_id])
    return MemberShown(
        line=line_of(row),
        revealed=revealed,
        particulars=_particulars(member, revealed=revealed) if member is not None else {},
        same_person=sorted(enrolment.member_no for enrolment in enrolments if enrolment.member_id != row.member_id),
        hold_id=people.holds_of(tx, [row.person_id]).get(row.person_id),
    )


def _opened(office: Office, row: MemberRow, *, open_one: Opener | None = None) -> Member | None:
    aside: list[Piece] = []
    return open_or_set_aside(member_piece(row), partial(office.open_member, row, open_one), aside)


def _particulars(member: Member, *, revealed: bool) -> dict[str, str]:
    """Field → text, masked unless revealed; fields without a value are left out."""
    mask = {
        "name": masks.mask_name,
        "id_number": masks.mask_number,
        "birth_date": masks.mask_date,
        "phone": masks.mask_phone,
    }
    particulars = {}
    for name in ("name", "id_type", "id_number", "sex", "birth_date", "phone", "unit_no", "unit_name"):
        value = getattr(member, name)
        if value is not None:
            text = value.isoformat() if isinstance(value, date) else str(value)
            particulars[name] = mask[name](text) if name in mask and not revealed else text
    return particulars
