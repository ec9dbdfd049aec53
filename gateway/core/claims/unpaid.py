"""回头望: why what is payable was not paid, and how pressing it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, Literal

import msgspec

OLD_AFTER_DAYS: Final = 30
"""What is payable and older than this is a finding of its own."""

UnpaidReason = Literal[
    "not_sent",
    "unknown",
    "refused",
    "papers",
    "in_review",
    "held",
    "second_person",
    "awaiting_decision",
    "account_missing",
    "account_wrong",
    "not_listed",
    "listed",
    "approved",
    "over_clock",
]
ClaimWindow = Literal["passed", "week", "month", "later", "none"]

NOT_OURS: Final = ("awaiting_decision", "listed", "approved")
"""Reasons that wait for the other side, within its time; for all others somebody here has to do something."""
SAID_ELSEWHERE: Final = ("held", "in_review", "unknown", "not_sent", "over_clock")
"""Of those, what a finding of its own asks for once it has waited too long: a question of yesterday about an old claim
is no matter of thirty days."""


class UnpaidState(msgspec.Struct, frozen=True, kw_only=True):
    """How a payable claim stands. `delivery`: of its latest version; `received`: the association has had it;
    `decides_here`: the association's clerks decide in the gateway; `overdue`: a clock of its office has run out."""

    delivery: str
    received: bool
    approved: bool
    decides_here: bool
    overdue: bool
    asked: bool
    held: bool
    papers: bool
    proposed: bool
    listed: bool
    account_failed: bool
    has_account: bool


def reason_of(claim: UnpaidState) -> UnpaidReason:
    """The one thing that keeps a claim from being paid now; the first that applies, in the order of its way."""
    ways = _after_approval(claim) if claim.approved else _before_approval(claim)
    return next(reason for applies, reason in ways if applies)


def _before_approval(claim: UnpaidState) -> Sequence[tuple[bool, UnpaidReason]]:
    return (
        (claim.held, "held"),
        (claim.asked, "in_review"),
        (claim.papers, "papers"),
        (claim.proposed, "second_person"),
        (claim.overdue, "over_clock"),
        (claim.delivery == "refused", "refused"),
        (claim.delivery == "unknown", "unknown"),
        (claim.received or claim.decides_here, "awaiting_decision"),
        (True, "not_sent"),
    )


def _after_approval(claim: UnpaidState) -> Sequence[tuple[bool, UnpaidReason]]:
    decided_here = claim.decides_here and not claim.listed
    return (
        # No list takes what waits for a person.
        (decided_here and claim.held, "held"),
        (decided_here and claim.asked, "in_review"),
        (decided_here and claim.account_failed, "account_wrong"),
        (decided_here and not claim.has_account, "account_missing"),
        (claim.overdue, "over_clock"),
        (claim.listed, "listed"),
        (decided_here, "not_listed"),
        (True, "approved"),
    )


def window_of(claim_by: date | None, today: date) -> ClaimWindow:
    """How soon the last day to claim is."""
    if claim_by is None:
        return "none"
    if claim_by < today:
        return "passed"
    if claim_by <= today + timedelta(days=7):
        return "week"
    return "month" if claim_by <= today + timedelta(days=30) else "later"
