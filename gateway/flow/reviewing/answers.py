"""What a person answers, and what came of it."""

from __future__ import annotations

import msgspec

from gateway.core.reviewing import ANSWERS, Answer
from gateway.core.signing import clerk
from gateway.errors import BadInput
from gateway.model.questions import ReviewItem

_LONGEST_NOTE = 2000


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


def check_fits(item: ReviewItem, answer: ReviewAnswer) -> None:
    """Raises BadInput for an answer that nobody may give about an item of this kind."""
    check_answer(answer)
    if answer.answer not in ANSWERS[item.kind]:
        if item.kind == "hold":
            raise BadInput("not_valid", "此行待确认，请用 hubao holds accept 或 refuse (it waits in a hold)")
        allowed = "、".join(ANSWERS[item.kind])
        raise BadInput("not_valid", f"{item.kind} 类事项只可答 {allowed} (answers allowed for this kind)")
    if item.kind != "match" and (answer.member_no or answer.join or answer.although_different or answer.confirm):
        raise BadInput("not_valid", "会员号、join、确认等只随 match 类事项 (they go with a match only)")


def check_answer(answer: ReviewAnswer) -> None:
    """Raises BadInput for an answer that nobody may give, whatever it is about."""
    clerk(answer.by)
    if answer.note is not None and len(answer.note) > _LONGEST_NOTE:
        raise BadInput("not_valid", f"备注最多{_LONGEST_NOTE}字 (the note is too long)")
    more = answer.member_no is not None or answer.join or answer.although_different or answer.confirm
    if answer.answer != "same" and more:
        raise BadInput("not_valid", "会员号、join、确认等只随 same (member_no, join and the like go with same only)")
