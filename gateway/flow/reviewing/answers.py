"""What a person answers, and what came of it."""

from __future__ import annotations

import msgspec

from gateway.core.reviewing import Answer


class ReviewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody answers. `member_no`: who it is, where not the likeliest; `join`: and the others are he too;
    `although_different`: although nothing in the evidence speaks for him; `confirm`: what another one proposed.
    `settlement_no`: the settlement a refund takes back.
    """

    answer: Answer
    by: str
    member_no: str | None = None
    join: bool = False
    although_different: bool = False
    confirm: bool = False
    settlement_no: str | None = None
    note: str | None = None


class ReplacedProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal that waited, and that this answer took the place of."""

    by: str
    member_no: str | None
    join: bool


class ReviewResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. state: decided | proposed (a second person must confirm) | open | superseded | expired.
    `kind`: of the item, which tells what the answer means.

    `rows`: rows whose standing changed; `asked`: new items about claims the association had already decided;
    `replaced`: the proposals this answer took the place of.
    """

    item_id: int
    answer: str
    state: str
    member_no: str | None
    rows: int
    asked: tuple[int, ...]
    replaced: tuple[ReplacedProposal, ...]
    kind: str = "match"
