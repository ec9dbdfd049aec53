"""Invented people, their stays, and what became of their claims: what the golden payloads are made of.

Every id number begins with 150999, a division no county has. Amounts here are whole yuan or text; nothing is drawn.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import msgspec

from gateway.core.claims.told import Recovery
from gateway.model.benefit import ClaimDecision, Fact
from gateway.model.clock import SHANGHAI_OFFSET
from gateway.model.member import Category, Coverage
from gateway.model.money import Money, parse_yuan
from gateway.model.record import SettlementRecord


class GoldenPerson(msgspec.Struct, frozen=True, kw_only=True):
    """An invented member, as the roster has one."""

    member_no: str
    name: str
    id_number: str
    sex: str
    birth_date: date
    unit_no: str
    unit_name: str
    league: str
    category: Category = "active"


class GoldenCase(msgspec.Struct, frozen=True, kw_only=True):
    """One payload: what it shows, whose claim it is and what it is about.

    `sheets`: the settlements as they stand; `before`: as they stood when the version before was made, empty where this
    is the first one. `about`: the number of the settlement whose claim it is, empty for the first claim there is.
    `recovery`: the version is the notice that money which was paid comes back; it tells what `before` was.
    `withdrawn`: the reason where this version takes the claim back. `added`: flags that what stands beside a member's
    settlements gives. `received_on`: when the latest settlement came.
    """

    name: str
    words: str
    scheme: str
    person: GoldenPerson
    coverage: tuple[Coverage, ...]
    sheets: tuple[SettlementRecord, ...] = ()
    before: tuple[SettlementRecord, ...] = ()
    about: str = ""
    withdrawn: str = ""
    recovery: Recovery | None = None
    added: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    decided: tuple[ClaimDecision, ...] = ()
    received_on: date | None = None


def _money(amount: int | str) -> Money:
    return Money(amount * 100) if isinstance(amount, int) else parse_yuan(amount)


def sheet(number: str, first: str, last: str, total: int | str, paid: int | str, **rest: Any) -> SettlementRecord:
    """A settlement from `first` to `last` (inpatient where nothing else is said). `…_amount` is in yuan."""
    begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    fields: dict[str, Any] = {
        "visit_no": f"V{number}",
        "facility_no": "H15099900001",
        "facility_name": "示例市第一医院",
        "facility_level": "03",
        "care_type": "inpatient",
        "care_type_code": "21",
        "insurance_type": "310",
        "insured_region": "150999",
        "care_region": "150999",
        "inpatient_days": (ends - begins).days,
        "settled_at": datetime.combine(ends, time(10, 30), SHANGHAI_OFFSET),
        "diagnosis_codes": ("I10.x00",),
        **rest,
        "total_amount": total,
        "fund_paid_amount": paid,
    }
    fields = {
        name: _money(value) if name.endswith("_amount") and value is not None else value
        for name, value in fields.items()
    }
    return SettlementRecord(settlement_no=number, admitted_on=begins, discharged_on=ends, **fields)


def year(first: str, last: str, scheme: str = "") -> Coverage:
    """A coverage period, both days included."""
    return Coverage(first_day=date.fromisoformat(first), last_day=date.fromisoformat(last), scheme=scheme)
