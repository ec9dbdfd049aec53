"""MatchDecision: is this record about a member, and why do we think so."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """What a match can end as."""

    MATCHED = "matched"
    REVIEW = "review"
    NONE = "none"


class Candidate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What matching may know of a member whose fingerprint agreed."""

    member_id: int
    person_id: int
    member_no: str
    name: str
    id_number: str


class MatchDecision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Outcome with its evidence. `member` is the best candidate, present for matched and review only."""

    outcome: Outcome
    score: float
    reasons: tuple[str, ...]
    member: Candidate | None = None

    def __post_init__(self) -> None:
        if (self.outcome is Outcome.NONE) != (self.member is None):
            raise ValueError("a member goes with matched and review, and only with them")
