"""A member says no, over the association's API: in force with the answer, and what stands of the member is told."""

from __future__ import annotations

import msgspec

from gateway.core.roster import RosterMember, Statement, as_roster
from gateway.errors import Unavailable
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN
from gateway.flow.roster.enrol import take_in
from gateway.flow.roster.searching import MemberLine, line_of
from gateway.model.money import yuan
from gateway.store import claims, members
from gateway.store.members import MemberRow

_UNSAID = frozenset(RosterMember.__struct_fields__) - {"opt_out"}


class ClaimLeft(msgspec.Struct, frozen=True, kw_only=True):
    """How a claim of the member's stands afterwards; `decision`: what the association had decided, which stays."""

    claim_id: str
    version: int
    status: str
    payable: str
    decision: str | None


class OptOut(msgspec.Struct, frozen=True, kw_only=True):
    """The member as enrolled now, and what became of the claims."""

    member: MemberLine
    claims: list[ClaimLeft]


def find_line(office: Office, association: str, member_no: str) -> MemberLine | None:
    """The member of this number, without personal data; None where there is none."""
    row = _row(office, association, member_no)
    return line_of(row) if row is not None else None


def opt_out(office: Office, association: str, member_no: str) -> OptOut | None:
    """From now on no row is matched to the member and no line is asked; None where there is no such member. The same
    again changes nothing. Raises Unavailable where what is stored does not open."""
    row = _row(office, association, member_no)
    if row is None:
        return None
    try:
        stored = as_roster(office.open_member(row))
    except DOES_NOT_OPEN:
        raise Unavailable("会员资料的密文打不开 (the member's fields do not open)") from None
    # Nothing but this one word is said: whatever changes meanwhile stays as it becomes.
    out = msgspec.structs.replace(stored, opt_out=True, coverage=())
    take_in(office, association, [Statement(member=out, unsaid=_UNSAID)])
    after = _row(office, association, member_no) or row
    with office.store.read() as tx:
        standing = [claim for claim in claims.of_people(tx, [after.person_id]) if claim.association == association]
        decided = claims.decisions(tx, [claim.claim_id for claim in standing])
    return OptOut(
        member=line_of(after),
        claims=[
            ClaimLeft(
                claim_id=claim.claim_id,
                version=claim.version,
                status=claim.status,
                payable=yuan(claim.payable),
                decision=decided[claim.claim_id].outcome if claim.claim_id in decided else None,
            )
            for claim in sorted(standing, key=lambda claim: claim.claim_id)
        ],
    )


def _row(office: Office, association: str, member_no: str) -> MemberRow | None:
    with office.store.read() as tx:
        rows = members.by_number(tx, association, [member_no])
    return rows[0] if rows else None
