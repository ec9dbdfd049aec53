"""MatchDecision: is this record about a member, and why do we think so."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.person import Particulars


class MatchOutcome(StrEnum):
    """What a match can end as."""

    MATCHED = "matched"
    REVIEW = "review"
    NONE = "none"


class Candidate(Particulars, frozen=True, kw_only=True, gc=False):
    """What matching may know of a member whose fingerprint agreed: coverage plays no part. `person_nos`: those the
    record carries and that were learnt from certain matches; none are remembered but as digests."""

    member_id: int
    person_id: int
    member_no: str
    person_nos: tuple[str, ...] = ()


class Evidence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One step of the waterfall: what was compared, how it agreed, its weight in bits (log2 of m/u, with term
    frequency), and the sum so far. Holds no personal value."""

    field: str
    level: str
    weight: float
    running: float


class MatchDecision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Outcome with its evidence. `member` is the best candidate, present for matched and review only."""

    outcome: MatchOutcome
    score: float
    reasons: tuple[str, ...]
    member: Candidate | None = None
    evidence: tuple[Evidence, ...] = ()
    model: str = ""

    def __post_init__(self) -> None:
        if (self.outcome is MatchOutcome.NONE) != (self.member is None):
            raise ValueError("a member goes with matched and review, and only with them")
