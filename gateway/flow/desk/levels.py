"""Levels (层级): a claim goes from the unit's union over the agency and the league to the association, and back."""

from __future__ import annotations

import msgspec

from gateway.errors import BadInput, Conflict
from gateway.flow.desk.hands import ClaimInHand, in_hand
from gateway.flow.office import Office
from gateway.model.claim import ClaimStatus


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that went from one level to another."""

    claim_id: str
    level: str
    before: str
    by: str


def pass_claim(office: Office, claim_id: str, *, by: str, note: str | None = None) -> Handover:
    """Pass a claim on to the next level (上报), whose clock begins. Raises Conflict at the last one."""
    with in_hand(office, claim_id, by) as hand:
        _check_movable(hand)
        if hand.place.level >= len(hand.levels) - 1:
            raise Conflict(f"申领已在{hand.holder}，即最后一级 (it is at the last level: decide it)")
        return _move(hand, 1, "pass", note)


def return_claim(office: Office, claim_id: str, *, by: str, note: str | None = None) -> Handover:
    """Give a claim back to the level before (退回), which is told why. Raises BadInput without a note, Conflict at the
    first level."""
    if not (note or "").strip():
        raise BadInput("not_valid", "退回须写明原因 (say why it goes back: a note)")
    with in_hand(office, claim_id, by) as hand:
        _check_movable(hand)
        if hand.place.level == 0:
            raise Conflict(f"申领在{hand.holder}，即第一级 (it is at the first level)")
        return _move(hand, -1, "return", note)


def _check_movable(hand: ClaimInHand) -> None:
    if not hand.levels:
        raise Conflict("协会文件没有为此盟市写明层级 (the association's file names no levels for this league)")
    if hand.row.status == ClaimStatus.WITHDRAWN or hand.decision is not None:
        raise Conflict("申领已撤回或已有决定 (it was withdrawn, or is decided)")
    if hand.place.papers:
        raise Conflict("正等待补材料；到齐后先登记 papers-in (papers are awaited: say first that they came)")
    if any(step.state == "proposed" for step in hand.steps):
        raise Conflict("有待第二人确认的提议 (a proposal waits for a second person)")


def _move(hand: ClaimInHand, by_levels: int, what: str, note: str | None) -> Handover:
    before, level = hand.holder, min(hand.place.level, len(hand.levels) - 1) + by_levels
    hand.write_step(what, code=hand.levels[level].name, note=note)
    hand.place_at(level)
    return Handover(claim_id=hand.row.claim_id, level=hand.holder, before=before, by=hand.by)
