"""What takes claims away or lowers them, as it is remembered for whoever asks in the morning."""

from __future__ import annotations

from datetime import date
from typing import Literal, TypeAlias

import msgspec

LossCause: TypeAlias = Literal["page", "again", "taken_back", "people"]
"""page: rows that came; again: rows read anew; taken_back: a newer file leaves rows out; people: the roster, a fact or
a person's decision."""

LOWERED = "lowered"
"""Why, of a claim that stands with less money; of one withdrawn it is the reason of the withdrawal."""


class ClaimLoss(msgspec.Struct, frozen=True):
    """A claim that one conclusion withdrew or lowered (one of the two is 1); `amount`: by how much, of what it `was`,
    both in fen; `page_seq`: the page whose rows made it."""

    association: str
    cause: LossCause
    page_seq: int | None
    why: str
    withdrawn: int
    lowered: int
    amount: int
    claim_id: str
    was: int


class LossSum(msgspec.Struct, frozen=True, kw_only=True):
    """Losses of one association and cause, with the feed, file and day of the page that made them, where one did: each
    claim once, under what made it fall last, with all that it lost. `amount` in fen; `first_day`,
    `last_day`: when it was written."""

    association: str
    cause: LossCause
    why: str
    feed: str | None
    source: str | None
    day: date | None
    withdrawn: int
    lowered: int
    amount: int
    first_day: date
    last_day: date
