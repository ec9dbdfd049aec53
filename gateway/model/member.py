"""Member (会员): a worker enrolled with an association, and the periods (保障期) a scheme covers."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from gateway.model.decision import Candidate

Category = Literal["active", "retired"]
"""在职 or 参互退休."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True, order=True, gc=False):
    """One coverage period of one scheme, both days included.

    `shares` is how many shares (份) it was bought in, 0 where nobody said; `classes` what the member is in it besides
    active or retired (人员身份: 劳模, 困难职工, …), in order.
    """

    first_day: date
    last_day: date
    scheme: str = ""
    category: Category | None = None
    shares: int = 0
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError("保障期止日早于起日 (a coverage period ends before it begins)")


class Member(Candidate, frozen=True, kw_only=True, gc=False):
    """One enrolment, which matching knows by what it is as a candidate. `person_id` is internal and never changes;
    several member numbers may point to it.

    `kept_out`: the member takes no part because of an opt-out under another member number, which the own row does not
    say.
    """

    association: str
    league: str | None = None
    category: Category = "active"
    coverage: tuple[Coverage, ...] = ()
    opt_out: bool = False
    kept_out: bool = False
