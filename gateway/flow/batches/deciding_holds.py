"""What a person does about a hold: list, look at the difference, accept, refuse."""

from __future__ import annotations

import msgspec

from gateway.core.changes.difference import Difference
from gateway.core.reviewing import same_clerk
from gateway.errors import Conflict, WrongUse
from gateway.flow.accounts.two_persons import confirms, propose
from gateway.flow.batches.carrying_out import carry_out, leave_as_it_stands
from gateway.flow.findings.holds import difference_digest, mark_open, note_context, say_decided
from gateway.flow.office import Office
from gateway.model.holds import Hold, HoldState
from gateway.model.money import yuan
from gateway.store import holds, members
from gateway.store.engine import Tx
from gateway.store.values import from_ms, to_ms

WAITING: tuple[HoldState, ...] = ("gathering", "open")
ENDED: tuple[HoldState, ...] = ("accepted", "refused", "released", "expired")


class HoldReport(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as commands show it. Money in yuan: of the claims that would change, before and after, and by how much
    those withdrawn or lowered go down; `rows`: rows of pages that wait."""

    hold_id: int
    cause: str
    subject: str
    name: str
    state: str
    since: str
    members: int
    claims: int
    rows: int
    before: str
    after: str
    proposed_by: str | None
    decided_by: str | None


class ClaimLine(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of one claim: new, raised, lowered, withdrawn or amended; yuan, None where it is not in force;
    `why`: reason or flags, codes."""

    claim_id: str
    member_no: str
    scheme: str
    move: str
    was: str | None
    becomes: str | None
    why: list[str]


class HoldDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A hold with its difference, concluded now. `second`: whether two people must accept it; `outcome`: what an answer
    did: shown, accepted, proposed (another person confirms), changed (not what was last shown; nothing is written)."""

    hold: HoldReport
    outcome: str
    lost: str
    second: bool
    claims: list[ClaimLine]


def list_holds(office: Office, *, ended: bool = False) -> list[HoldReport]:
    """The holds that wait, oldest first; with `ended`, those that ended too."""
    states = (*WAITING, *ENDED) if ended else WAITING
    with office.store.read() as tx:
        return [_report(tx, hold) for hold in holds.listing(tx, states=states)]


def show_hold(office: Office, hold_id: int) -> HoldDifference:
    """What a hold would come to if it was accepted now. What is shown is what `accept_hold` will carry out."""
    with office.store.write() as tx:
        difference = carry_out(tx, office, _waiting(tx, hold_id))
        tx.rollback()
    with office.store.write() as tx:
        hold = _waiting(tx, hold_id)
        if hold.state == "open" and hold.difference != difference_digest(office, difference):
            hold = mark_open(tx, office, hold, difference)
        return _told(tx, office, hold, difference, "shown")


def accept_hold(office: Office, hold_id: int, *, by: str, confirm: bool = False) -> HoldDifference:
    """Carry out what waits, concluded anew. Nothing is written where that is not what was last shown (`changed`), or
    where it takes so much that another person must confirm what the first one proposed (`proposed`).

    Raises WrongUse where no such hold is open, or there is nothing to confirm; Conflict for a cause still being worked.
    """
    with office.store.write() as tx:
        hold = _open(tx, hold_id)
        if confirm and hold.proposed_by is None:
            raise WrongUse(f"待确认 {hold_id} 还没有人提出接受 (nobody proposed to accept it yet)")
        difference = carry_out(tx, office, hold)
        outcome = _outcome(tx, office, hold, difference, by, confirm=confirm)
        if outcome == "accepted":
            decided = msgspec.structs.replace(hold, state="accepted", decided_by=by, decided_at=to_ms(office.now()))
            holds.change(tx, decided)
            holds.forget_items(tx, hold_id)
            say_decided(tx, office, hold_id)
            return _told(tx, office, decided, difference, outcome)
        tx.rollback()
    with office.store.write() as tx:
        hold = _open(tx, hold_id)
        if outcome == "changed":
            hold = mark_open(tx, office, hold, difference)
        elif hold.proposed_by is None or outcome == "taken_over":
            hold, outcome = msgspec.structs.replace(hold, proposed_by=by), "proposed"
            holds.change(tx, hold)
            propose(tx, office, f"hold {hold_id}", by=by)
        return _told(tx, office, hold, difference, outcome)


def refuse_hold(office: Office, hold_id: int, *, by: str, reason: str) -> HoldReport:
    """Leave what stands. Rows that would take something away count no longer; others are their members' as ever. The
    reason is kept sealed. Raises as `accept_hold` does."""
    with office.store.write() as tx:
        hold = _open(tx, hold_id)
        leave_as_it_stands(tx, office, hold)
        note = office.vault.roster_key().seal(reason.encode(), note_context(hold_id))
        refused = msgspec.structs.replace(
            hold, state="refused", decided_by=by, decided_at=to_ms(office.now()), note=note
        )
        holds.change(tx, refused)
        holds.forget_items(tx, hold_id)
        say_decided(tx, office, hold_id)
        return _report(tx, refused)


def _outcome(tx: Tx, office: Office, hold: Hold, difference: Difference, by: str, *, confirm: bool) -> str:
    """What may be done with what was concluded just now."""
    if hold.difference != difference_digest(office, difference):
        return "changed"
    first = hold.proposed_by
    if not _needs_second(office, difference):
        return "accepted"
    if first is not None and not same_clerk(by, first):
        if confirms(tx, office, f"hold {hold.hold_id}", first=first, second=by):
            return "accepted"
        return "taken_over"
    if confirm:
        raise WrongUse("须由另一人确认 (--by: another person must confirm)")
    return "proposed"


def _needs_second(office: Office, difference: Difference) -> bool:
    return difference.lost > office.gateway.holds.second_above * 100


def _waiting(tx: Tx, hold_id: int) -> Hold:
    hold = holds.by_id(tx, hold_id)
    if hold is None or hold.state not in WAITING:
        raise WrongUse(f"没有编号为 {hold_id} 的待确认变更，见 hubao holds list (no such hold waits)")
    return hold


def _open(tx: Tx, hold_id: int) -> Hold:
    hold = _waiting(tx, hold_id)
    if hold.state != "open":
        raise Conflict(f"待确认 {hold_id} 的来源尚未处理完，请稍后 (its cause is still worked)")
    return hold


def _report(tx: Tx, hold: Hold) -> HoldReport:
    return HoldReport(
        hold_id=hold.hold_id,
        cause=hold.cause,
        subject=hold.subject,
        name=hold.name,
        state=hold.state,
        since=from_ms(hold.created_at).isoformat(),
        members=hold.members or holds.members_at(tx, hold.hold_id),
        claims=hold.claims,
        rows=sum(item.row is not None for item in holds.items_of(tx, hold.hold_id)),
        before=yuan(hold.was),
        after=yuan(hold.becomes),
        proposed_by=hold.proposed_by,
        decided_by=hold.decided_by,
    )


def _told(tx: Tx, office: Office, hold: Hold, difference: Difference, outcome: str) -> HoldDifference:
    return HoldDifference(
        hold=_report(tx, hold),
        outcome=outcome,
        lost=yuan(difference.lost),
        second=_needs_second(office, difference),
        claims=claim_lines(tx, difference),
    )


def claim_lines(tx: Tx, difference: Difference) -> list[ClaimLine]:
    """A difference claim by claim, with the numbers of the members."""
    numbers = {row.member_id: row.member_no for row in members.by_id(tx, sorted(difference.members))}
    return [
        ClaimLine(
            claim_id=claim.claim_id,
            member_no=numbers.get(claim.member_id, ""),
            scheme=claim.scheme,
            move=claim.move,
            was=yuan(claim.was) if claim.was is not None else None,
            becomes=yuan(claim.becomes) if claim.becomes is not None else None,
            why=[code for code in claim.why.split(",") if code],
        )
        for claim in difference.claims
    ]
