"""Working days by hand: the State Council's notices of 2021–2026 as printed, not as a library has them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.claims.deadlines import (
    Due,
    Processing,
    WorkStep,
    due_after,
    in_time,
    is_working_day,
    payment_due,
    step_dues,
)
from gateway.settings.schemes import load_families
from gateway.settings.shipped import shipped_folder

# What the notices say of the two long holidays: (first day off, last day off, make-up days).
NOTICES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "2021 春节": ("2021-02-11", "2021-02-17", ("2021-02-07", "2021-02-20")),
    "2021 国庆": ("2021-10-01", "2021-10-07", ("2021-09-26", "2021-10-09")),
    "2022 春节": ("2022-01-31", "2022-02-06", ("2022-01-29", "2022-01-30")),
    "2022 国庆": ("2022-10-01", "2022-10-07", ("2022-10-08", "2022-10-09")),
    "2023 春节": ("2023-01-21", "2023-01-27", ("2023-01-28", "2023-01-29")),
    "2023 中秋、国庆": ("2023-09-29", "2023-10-06", ("2023-10-07", "2023-10-08")),
    "2024 春节": ("2024-02-10", "2024-02-17", ("2024-02-04", "2024-02-18")),
    "2024 国庆": ("2024-10-01", "2024-10-07", ("2024-09-29", "2024-10-12")),
    "2025 春节": ("2025-01-28", "2025-02-04", ("2025-01-26", "2025-02-08")),
    "2025 国庆、中秋": ("2025-10-01", "2025-10-08", ("2025-09-28", "2025-10-11")),
    "2026 春节": ("2026-02-15", "2026-02-23", ("2026-02-14", "2026-02-28")),
    "2026 国庆": ("2026-10-01", "2026-10-07", ("2026-09-20", "2026-10-10")),
}

# (approved on, five working days later, fifteen working days later), counted by hand on the notices above.
BY_HAND = [
    # 2021: Thu 30 Sep; 8, 9 (Sat, make-up), 11, 12, 13 Oct; then 14 15 18 19 20 21 22 25 26 27.
    ("2021-09-30", "2021-10-13", "2021-10-27"),
    # Fri 24 Sep; 26 (Sun, make-up), 27, 28, 29, 30 Sep; then 8 9 11 12 13 14 15 18 19 20 Oct.
    ("2021-09-24", "2021-09-30", "2021-10-20"),
    # Fri 5 Feb; 7 (Sun, make-up), 8, 9, 10, 18; then 19 20 (Sat, make-up) 22 23 24 25 26 1 2 3 Mar.
    ("2021-02-05", "2021-02-18", "2021-03-03"),
    # 2022: Fri 28 Jan; 29, 30 (weekend, make-up), 7, 8, 9 Feb; then 10 11 14 15 16 17 18 21 22 23.
    ("2022-01-28", "2022-02-09", "2022-02-23"),
    # Fri 30 Sep; 8, 9 (weekend, make-up), 10, 11, 12; then 13 14 17 18 19 20 21 24 25 26.
    ("2022-09-30", "2022-10-12", "2022-10-26"),
    # 2023: Fri 20 Jan; 28, 29 (weekend, make-up), 30, 31, 1 Feb; then 2 3 6 7 8 9 10 13 14 15.
    ("2023-01-20", "2023-02-01", "2023-02-15"),
    # Thu 28 Sep; 7, 8 (weekend, make-up), 9, 10, 11; then 12 13 16 17 18 19 20 23 24 25.
    ("2023-09-28", "2023-10-11", "2023-10-25"),
    # 2024: Fri 9 Feb; 18 (Sun, make-up), 19, 20, 21, 22; then 23 26 27 28 29 1 4 5 6 7 Mar.
    ("2024-02-09", "2024-02-22", "2024-03-07"),
    # Fri 27 Sep; 29 (Sun, make-up), 30, 8, 9, 10; then 11 12 (Sat, make-up) 14 15 16 17 18 21 22 23.
    ("2024-09-27", "2024-10-10", "2024-10-23"),
    # 2025: Fri 24 Jan; 26 (Sun, make-up), 27, 5, 6, 7; then 8 (Sat, make-up) 10 11 12 13 14 17 18 19 20.
    ("2025-01-24", "2025-02-07", "2025-02-20"),
    # Tue 30 Sep; 9, 10, 11 (Sat, make-up), 13, 14; then 15 16 17 20 21 22 23 24 27 28.
    ("2025-09-30", "2025-10-14", "2025-10-28"),
    # 2026: Fri 13 Feb; 14 (Sat, make-up), 24, 25, 26, 27; then 28 (Sat, make-up) 2 3 4 5 6 9 10 11 12 Mar.
    ("2026-02-13", "2026-02-27", "2026-03-12"),
    # Wed 30 Sep; 8, 9, 10 (Sat, make-up), 12, 13; then 14 15 16 19 20 21 22 23 26 27.
    ("2026-09-30", "2026-10-13", "2026-10-27"),
    # No holiday near: Mon to Mon, and three weeks on.
    ("2021-07-05", "2021-07-12", "2021-07-26"),
    # Approved on a Saturday off: the Monday is the first.
    ("2021-07-10", "2021-07-16", "2021-07-30"),
]

AS_THE_RULES_SAY = Processing(days=5, complex_days=15, of="working", article="第十三条第三款")


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize("name", NOTICES)
def test_the_long_holidays_are_as_the_notices_say(name: str) -> None:
    first, last, made_up = NOTICES[name]
    off = [day(first) + timedelta(days=n) for n in range((day(last) - day(first)).days + 1)]
    assert [each for each in off if is_working_day(each)[0]] == []
    assert all(is_working_day(day(each)) == (True, True) for each in made_up)
    assert all(day(each).weekday() >= 5 for each in made_up)


@pytest.mark.parametrize(("approved", "simple", "difficult"), BY_HAND)
def test_paid_within_five_working_days_and_fifteen_if_complex(approved: str, simple: str, difficult: str) -> None:
    """第十三条第三款 (A13.3)."""
    assert payment_due(AS_THE_RULES_SAY, day(approved), complex_claim=False) == Due(day(simple))
    assert payment_due(AS_THE_RULES_SAY, day(approved), complex_claim=True) == Due(day(difficult))


def test_where_no_limit_is_set_nothing_is_due() -> None:
    assert payment_due(Processing(), day("2021-07-05"), complex_claim=True) is None


def test_a_scheme_without_a_limit_for_complex_claims_has_one_for_all() -> None:
    assert payment_due(Processing(days=3, of="calendar"), day("2021-07-05"), complex_claim=True) == Due(
        day("2021-07-08")
    )


@pytest.mark.parametrize(("first", "assumed"), [("2026-12-31", True), ("1999-03-01", True), ("2026-12-01", False)])
def test_a_year_without_notice_is_monday_to_friday_and_says_so(first: str, assumed: bool) -> None:
    due = due_after(day(first), 5, "working")
    assert due.assumed is assumed
    assert sum((day(first) + timedelta(days=n)).weekday() < 5 for n in range(1, (due.day - day(first)).days + 1)) == 5


def test_two_days_and_two_days() -> None:
    """阿拉善: reviewed within two days of receipt, handed on within two more."""
    steps = (WorkStep(name="审核", days=2), WorkStep(name="提交自治区协会", days=2))
    assert [(each.name, each.due) for each in step_dues(steps, day("2021-10-08"))] == [
        ("审核", Due(day("2021-10-10"))),
        ("提交自治区协会", Due(day("2021-10-12"))),
    ]
    working = tuple(WorkStep(name=each.name, days=each.days, of="working") for each in steps)
    assert [each.due.day for each in step_dues(working, day("2021-09-30"))] == [day("2021-10-09"), day("2021-10-12")]
    assert step_dues((), day("2021-10-08")) == ()


def test_what_a_step_assumed_holds_for_the_steps_after_it() -> None:
    steps = (WorkStep(name="一", days=1, of="working"), WorkStep(name="二", days=2))
    assert [each.due.assumed for each in step_dues(steps, day("2026-12-31"))] == [True, True]


@given(st.dates(date(2005, 1, 1), date(2026, 6, 1)), st.integers(0, 30))
def test_counting_agrees_with_looking_at_every_day(start: date, days: int) -> None:
    due = due_after(start, days, "working").day
    between = [start + timedelta(days=n) for n in range(1, (due - start).days + 1)]
    assert sum(is_working_day(each)[0] for each in between) == days
    assert days == 0 or is_working_day(due)[0]


# ── the claim window (A13.1) ──


def claim_by(settled_at: str) -> date:
    from gateway.core.schemes.cases import answer_case

    case: dict[str, Any] = {
        "case": "window",
        "scheme": "nm-inpatient",
        "member": {"category": "active", "coverage": [{"from": "2021-06-01", "to": "2022-05-31"}]},
        "settlements": [
            {
                "settlement_no": "S1",
                "care_type": "inpatient",
                "facility_no": "H15099900001",
                "admitted_on": "2021-07-01",
                "discharged_on": "2021-07-10",
                "settled_at": settled_at,
                "in_scope_amount": "15000.00",
                "fund_paid_amount": "9000.00",
            }
        ],
    }
    families = load_families(shipped_folder() / "config" / "schemes")
    return day(answer_case(case, families)["estimates"][0]["claim_by"])


@pytest.mark.parametrize(("settled", "ninety"), [("2021-07-10", "2021-10-08"), ("2021-12-31", "2022-03-31")])
def test_day_ninety_is_accepted_and_day_ninety_one_refused(settled: str, ninety: str) -> None:
    """第十三条第一款 (A13.1): within 90 days of the settlement, all days counted."""
    last = claim_by(f"{settled}T10:00:00+08:00")
    assert last == day(ninety) == day(settled) + timedelta(days=90)
    assert in_time(last, last)
    assert not in_time(last, last + timedelta(days=1))


def test_the_day_of_settlement_is_that_of_shanghai() -> None:
    late_in_london = datetime(2021, 7, 9, 17, 0, tzinfo=UTC).isoformat()
    assert claim_by(late_in_london) == day("2021-10-08")


def test_without_a_last_day_everything_is_in_time() -> None:
    assert in_time(None, date.max)
