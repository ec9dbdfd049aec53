"""Claims that lapse because their association has not received them."""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec

from gateway.model.trouble import Trouble

LAPSING: Final = "claims_lapsing"

LAPSING_WITHIN_DAYS: Final = 7
"""How many days ahead a last day is looked at."""


class UndeliveredClaims(msgspec.Struct, frozen=True, kw_only=True):
    """Claims of an association that it has not received and whose last day is near or past: how many, of them how many
    past it, their money in fen, and the first and the last of those days."""

    association: str
    count: int
    late: int
    amount: int
    first_day: date
    last_day: date


def lapsing(claims: UndeliveredClaims) -> Trouble:
    """One finding an association."""
    return Trouble(
        code=LAPSING,
        kind="association",
        name=claims.association,
        count=claims.count,
        amount=claims.amount,
        days=(claims.first_day, claims.last_day),
        detail=f"{LAPSING_WITHIN_DAYS}天内到期{claims.count - claims.late}件，已过期{claims.late}件"
        " (about to lapse, lapsed)",
    )
