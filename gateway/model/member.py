"""Member (会员): a worker enrolled with an association, and the periods (保障期) a scheme covers."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

Category = Literal["active", "retired"]
"""在职 or 参互退休."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True, order=True, gc=False):
    """One coverage period of one scheme, both days included."""

    first_day: date
    last_day: date
    scheme: str = ""
    category: Category | None = None

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError("保障期止日早于起日 (a coverage period ends before it begins)")


class Member(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One enrolment. `person_id` is internal and never changes; several member numbers may point to it.

    `kept_out`: he takes no part because he opted out under another member number, which his own row does not say.
    """

    member_id: int
    person_id: int
    association: str
    member_no: str
    name: str
    id_type: str = "01"
    id_number: str
    sex: str | None = None
    birth_date: date | None = None
    phone: str | None = None
    unit_no: str | None = None
    unit_name: str | None = None
    league: str | None = None
    category: Category = "active"
    coverage: tuple[Coverage, ...] = ()
    opt_out: bool = False
    kept_out: bool = False
