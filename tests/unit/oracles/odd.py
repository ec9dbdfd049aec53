"""Bills that contradict themselves or each other, read a second time from the cases of practice: "a flag, amount
unchanged" for stays at the same time, one stay billed twice, more in scope than in total, one visit far apart.

Plain loops over all pairs; rows are those that stand. What pays nothing tells why already, so it says nothing of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

SHANGHAI = timezone(timedelta(hours=8))
ODD = ("billed_twice", "overlapping_stays", "scope_exceeds_total", "visit_far_apart")


def odd_flags(payable: bool, numbers: Iterable[str], rows: list[Row]) -> list[str]:
    """The flags of an estimate over the settlements with these numbers."""
    if not payable:
        return []
    own = [row for row in rows if row["settlement_no"] in set(numbers)]
    found = {
        "billed_twice": any(is_twice(row, other) for row in own for other in rows if other is not row),
        "overlapping_stays": any(at_once(row, other) for row in own for other in rows if other is not row),
        "scope_exceeds_total": any(tells_too_much(row) for row in own),
        "visit_far_apart": any(is_far(row, rows) for row in own),
    }
    return [flag for flag in ODD if found[flag]]


def dates(row: Row) -> tuple[date, date] | None:
    if row.get("care_type") not in ("inpatient", "maternity_inpatient"):
        return None
    if not row.get("admitted_on") or not row.get("discharged_on"):
        return None
    return date.fromisoformat(row["admitted_on"]), date.fromisoformat(row["discharged_on"])


def day(row: Row) -> str | None:
    if row.get("admitted_on"):
        return str(row["admitted_on"])
    if not row.get("settled_at"):
        return None
    return datetime.fromisoformat(row["settled_at"]).astimezone(SHANGHAI).date().isoformat()


def is_twice(row: Row, other: Row) -> bool:
    """The same facility, kind of care, days and amounts under two numbers."""
    told = row.get("facility_no") and row.get("total_amount") is not None and day(row) is not None
    names = ("facility_no", "care_type", "discharged_on")
    amounts = ("total_amount", "in_scope_amount", "fund_paid_amount", "personal_amount")
    same = all(row.get(name) == other.get(name) for name in names) and day(row) == day(other)
    return bool(told) and same and all(value(row, name) == value(other, name) for name in amounts)


def value(row: Row, name: str) -> Decimal | None:
    return None if row.get(name) is None else Decimal(row[name])


def at_once(row: Row, other: Row) -> bool:
    """Two stays of which neither is over when the other begins, unless they are one visit or one bill."""
    spans = dates(row), dates(other)
    if spans[0] is None or spans[1] is None or one_visit(row, other) or is_twice(row, other):
        return False
    return not (spans[0][1] <= spans[1][0] or spans[1][1] <= spans[0][0])


def one_visit(row: Row, other: Row) -> bool:
    visit = row.get("visit_no")
    return visit is not None and visit == other.get("visit_no") and row.get("facility_no") == other.get("facility_no")


def tells_too_much(row: Row) -> bool:
    in_scope, whole = value(row, "in_scope_amount"), value(row, "total_amount")
    return in_scope is not None and whole is not None and in_scope > whole


def is_far(row: Row, rows: list[Row]) -> bool:
    """More than a week after every earlier bill of its visit had ended."""
    span = dates(row)
    if span is None or row.get("visit_no") is None:
        return False
    same = [(dates(other), other["settlement_no"]) for other in rows if other is not row and one_visit(row, other)]
    ended = [other[1] for other, number in same if other is not None and (other, number) < (span, row["settlement_no"])]
    return bool(ended) and (span[0] - max(ended)).days > 7
