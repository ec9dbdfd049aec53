"""Clerks decide (核定): approve, refuse, ask for papers, take back. A decision made here is what one over the API is:
it stays fixed, and what else the person has is weighed again around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from gateway.errors import BadInput, Conflict
from gateway.flow.accounts.two_persons import confirms, propose
from gateway.flow.delivery.claims import write_decision
from gateway.flow.desk.hands import ClaimInHand, check_reason, in_hand
from gateway.flow.office import Office
from gateway.flow.people.reassess import reassess
from gateway.model.claim import ClaimStatus
from gateway.model.money import Money, yuan
from gateway.store import claims, desk
from gateway.store.claims import ClaimDecisionRow
from gateway.store.desk import DeskStep
from gateway.store.values import to_ms
from gateway.words.desk import AMOUNT_REASONS, PAPERS, REFUSALS

_DECIDED = ("approved", "refused")
_LARGEST = Money(1_000_000_000)
"""Ten million yuan, in fen: no claim of a mutual aid scheme comes near it."""


class ClerkDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What a clerk decides about a claim. `version`: the one that was looked at, None for the latest; `amount` in fen,
    None for what the claim asks for; `reason`: a code of REFUSALS, or of AMOUNT_REASONS for another amount.
    `confirm`: what another one proposed is taken over as it is."""

    outcome: Literal["approved", "refused"]
    by: str
    version: int | None = None
    amount: Money | None = None
    reason: str | None = None
    note: str | None = None
    confirm: bool = False


class DeskAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: `state` done, or proposed until a second person says the same; `level`: who has the claim."""

    claim_id: str
    version: int
    state: Literal["done", "proposed"]
    what: str
    level: str
    amount: str | None = None
    reason: str = ""
    by: str = ""


def decide_claim(office: Office, claim_id: str, decision: ClerkDecision) -> DeskAnswer:
    """Carry out a clerk's decision, or keep it as a proposal until a second person says the same.

    Raises BadInput where it cannot be made like that, Conflict where the claim is not what was looked at.
    """
    with in_hand(office, claim_id, decision.by) as hand:
        _check_open(hand, decision)
        proposal = next((step for step in reversed(hand.steps) if step.state == "proposed"), None)
        decision = _taken_over(decision, proposal) if decision.confirm else _checked(hand, decision)
        amount, reason = int(decision.amount or 0), decision.reason or ""
        if not _needs_second(hand, amount):
            return _carry_out(hand, decision, proposal)
        as_proposed = proposal is not None and (proposal.what, proposal.amount, proposal.code, proposal.version) == (
            decision.outcome,
            amount,
            reason,
            hand.row.version,
        )
        subject = f"claim {claim_id}"
        second = hand.by
        if proposal and as_proposed and confirms(hand.tx, office, subject, first=proposal.by, second=second):
            return _carry_out(hand, decision, proposal)
        if proposal is not None:
            desk.end_steps(hand.tx, [proposal.step_id], "overtaken")
        hand.write_step(decision.outcome, state="proposed", amount=amount, code=reason, note=decision.note)
        propose(hand.tx, office, subject, by=hand.by)
        return _answer(hand, decision.outcome, state="proposed", amount=amount, reason=reason)


def _check_open(hand: ClaimInHand, decision: ClerkDecision) -> None:
    """Whether the claim is there to be decided, at this level and in this version. Raises Conflict."""
    if hand.row.status == ClaimStatus.WITHDRAWN:
        raise Conflict("申领已撤回 (the claim was withdrawn)")
    if decision.version not in (None, hand.row.version):
        raise Conflict(f"申领已是第{hand.row.version}版，请重新查看 (the claim has another version: look again)")
    if hand.decision is not None:
        raise Conflict("申领已有决定；要改先撤销 (it is decided: take that back first)")
    if hand.levels and hand.place.level < len(hand.levels) - 1:
        raise Conflict(f"申领在{hand.holder}，须逐级上报后核定 (it must be passed on to the last level first)")


def _checked(hand: ClaimInHand, decision: ClerkDecision) -> ClerkDecision:
    """The decision with its amount and reason. Raises BadInput."""
    asked_for = Money(hand.row.payable)
    if decision.outcome == "refused":
        if decision.amount not in (None, 0):
            raise BadInput("not_valid", "不予补助没有金额 (a refusal has no amount)")
        reason = check_reason(decision.reason, REFUSALS, decision.note, what="不予补助的理由")
        return msgspec.structs.replace(decision, amount=Money(0), reason=reason)
    amount = asked_for if decision.amount is None else decision.amount
    if not 0 < amount <= _LARGEST:
        raise BadInput("not_valid", "核定金额应大于0；不补助的用 refuse (an amount above 0; else refuse it)")
    if amount == asked_for:
        if decision.reason is not None:
            raise BadInput("not_valid", "金额与申领相同，不写理由 (no reason where the amount is the claim's)")
        return msgspec.structs.replace(decision, amount=amount)
    reason = check_reason(decision.reason, AMOUNT_REASONS, decision.note, what="改变金额的理由")
    return msgspec.structs.replace(decision, amount=amount, reason=reason)


def _taken_over(decision: ClerkDecision, proposal: DeskStep | None) -> ClerkDecision:
    """What another one proposed. Raises Conflict where nobody did, or something else is meant."""
    if proposal is None or proposal.what != decision.outcome or decision.amount not in (None, proposal.amount):
        raise Conflict("没有这样的待确认提议，请重新查看 (no such proposal to confirm: look again)")
    amount, reason = Money(proposal.amount or 0), proposal.code or None
    return msgspec.structs.replace(decision, amount=amount, reason=reason)


def _needs_second(hand: ClaimInHand, amount: int) -> bool:
    """Above the association's amount, and for everything above what the claim asks for."""
    return max(amount, hand.row.payable) > hand.spec.second_above or amount > hand.row.payable


def _carry_out(hand: ClaimInHand, decision: ClerkDecision, proposal: DeskStep | None) -> DeskAnswer:
    amount, reason = int(decision.amount or 0), decision.reason or ""
    row = ClaimDecisionRow(
        claim_id=hand.row.claim_id,
        version=hand.row.version,
        outcome=decision.outcome,
        amount=amount,
        decided_at=to_ms(hand.office.now()),
    )
    write_decision(hand.tx, hand.office, hand.row, row)
    if proposal is not None:
        as_proposed = (proposal.what, proposal.amount, proposal.code) == (decision.outcome, amount, reason)
        desk.end_steps(hand.tx, [proposal.step_id], "done" if as_proposed else "overtaken")
    hand.write_step(decision.outcome, amount=amount, code=reason, note=decision.note)
    return _answer(hand, decision.outcome, amount=amount, reason=reason)


def ask_papers(office: Office, claim_id: str, *, by: str, papers: Sequence[str], note: str | None = None) -> DeskAnswer:
    """Ask the member for papers: the level's clock stands still until they have come. Raises BadInput, Conflict."""
    unknown = [code for code in papers if code not in PAPERS]
    if unknown or not papers:
        raise BadInput("not_valid", f"材料应为：{'、'.join(PAPERS)} (papers: of these codes)")
    if "other" in papers:
        check_reason("other", PAPERS, note, what="材料")
    with in_hand(office, claim_id, by) as hand:
        if hand.row.status == ClaimStatus.WITHDRAWN or hand.decision is not None:
            raise Conflict("申领已撤回或已有决定 (it was withdrawn, or is decided)")
        codes = ",".join(sorted(set(papers)))
        hand.place_at(hand.place.level, papers=codes)
        hand.write_step("papers", code=codes, note=note)
        return _answer(hand, "papers", reason=codes)


def papers_came(office: Office, claim_id: str, *, by: str, note: str | None = None) -> DeskAnswer:
    """The papers have come: the level's clock begins anew. Raises Conflict where none were asked for."""
    with in_hand(office, claim_id, by) as hand:
        if not hand.place.papers:
            raise Conflict("没有要求补材料 (no papers were asked for)")
        hand.place_at(hand.place.level)
        hand.write_step("papers_in", note=note)
        return _answer(hand, "papers_in")


def undo_decision(office: Office, claim_id: str, *, by: str, note: str | None = None) -> DeskAnswer:
    """Take back a proposal, or what was decided here, while it is neither paid nor on a payment list; what else the
    person has is weighed again. Raises Conflict."""
    with in_hand(office, claim_id, by) as hand:
        standing = [step for step in hand.steps if step.what in _DECIDED and step.state in ("done", "proposed")]
        proposals = [step.step_id for step in standing if step.state == "proposed"]
        if proposals:
            desk.end_steps(hand.tx, proposals, "undone")
        else:
            _check_undoable(hand, standing)
            claims.undecide(hand.tx, claim_id)
            desk.end_steps(hand.tx, [step.step_id for step in standing], "undone")
            reassess(hand.tx, office, hand.row.association, {hand.row.person_id})
        hand.write_step("undo", note=note)
        return _answer(hand, "undo")


def _check_undoable(hand: ClaimInHand, standing: Sequence[DeskStep]) -> None:
    decision = hand.decision
    if decision is None:
        raise Conflict("没有可撤销的核定 (there is no decision to take back)")
    if decision.outcome == "paid":
        raise Conflict("已支付，不能撤销；须追回的用 hubao recoveries ask (it is paid: ask it back)")
    if not standing or (standing[-1].what, standing[-1].amount) != (decision.outcome, decision.amount):
        raise Conflict("不是在网关内核定的，请协会另作决定 (it was not decided here)")
    if desk.locked(hand.tx, [hand.row.claim_id]):
        raise Conflict("已列入支付名单，银行回盘前不能撤销 (it stands on a payment list)")


def _answer(
    hand: ClaimInHand,
    what: str,
    *,
    state: Literal["done", "proposed"] = "done",
    amount: int | None = None,
    reason: str = "",
) -> DeskAnswer:
    return DeskAnswer(
        claim_id=hand.row.claim_id,
        version=hand.row.version,
        state=state,
        what=what,
        level=hand.holder,
        amount=yuan(amount) if amount is not None else None,
        reason=reason,
        by=hand.by,
    )
