"""Editions, coverage, proration, and the allowance's years."""

from __future__ import annotations

import pytest
from schemes_builders import IN_2020, IN_2021, IN_2022, amounts, assessed, day, family, insured, paid, special, stay
from schemes_builders import at as on

from gateway.core.schemes import Insured
from gateway.core.schemes.units.joining import coverage_from, open_coverage
from gateway.errors import BadCase
from gateway.model.member import Coverage


@pytest.mark.parametrize(
    ("starts", "edition"),
    [
        ("2019-01-15", None),
        ("2019-01-16", "2019"),
        ("2020-04-27", "2019"),
        ("2020-04-28", "2020"),
        ("2021-04-30", "2020"),
        ("2021-05-01", "2021"),
        ("2022-03-21", "2021"),
        ("2022-03-22", "2022"),
        ("2026-01-01", "2022"),
    ],
)
def test_a_period_has_the_edition_of_its_first_day(starts: str, edition: str | None) -> None:
    first = day(starts)
    member = insured((starts, f"{first.year + 1}-01-10"))
    (estimate,) = assessed(member, stay("S1", starts, starts))
    assert estimate.edition == edition
    assert estimate.flags == (() if edition else ("not_covered",))


def test_editions_carried_on_are_named_as_assumed() -> None:
    late = assessed(insured(("2024-01-01", "2024-12-31")), stay("S1", "2024-03-01", "2024-03-05"))
    early = assessed(insured(IN_2022), stay("S1", "2022-07-01", "2022-07-05"))
    assert "edition.carried_on" in late[0].assumed
    assert "edition.carried_on" not in early[0].assumed


def test_the_admission_chooses_the_period() -> None:
    """Article 14: admission in one period, discharge in the next."""
    member = insured(("2020-06-01", "2021-05-31"), ("2021-06-01", "2022-05-31"))
    (estimate,) = assessed(member, stay("S1", "2021-05-25", "2021-06-10", "10000.00"))
    assert (estimate.edition, paid((estimate,))) == ("2020", ["3000.00"])


def test_in_hospital_when_coverage_began() -> None:
    (estimate,) = assessed(insured(IN_2021), stay("S1", "2021-05-22", "2021-06-11", "12500.00"))
    assert estimate.edition == "2021"
    assert estimate.period_from == day("2021-06-01")
    # 5,750 × 10 of 20 days, and the allowance for the ten covered days.
    assert amounts(estimate) == [
        ("band", "4000.00"),
        ("band", "1750.00"),
        ("proration", "-2875.00"),
        ("daily_allowance", "100.00"),
    ]
    assert "edition.first_covered_day" in estimate.assumed


def test_eight_of_twenty_days_of_five_thousand() -> None:
    """The published case of article 14.1: 20 days, 8 covered, 5,000 → 2,000."""
    (estimate,) = assessed(insured(IN_2020), stay("S1", "2021-05-24", "2021-06-13", "12857.14"))
    assert amounts(estimate)[-1][0] == "proration"
    assert paid((estimate,)) == ["2000.00"]


def test_a_period_before_the_first_edition_covers_nothing() -> None:
    member = insured(("2018-06-01", "2019-01-31"), ("2019-02-01", "2020-01-31"))
    (estimate,) = assessed(member, stay("S1", "2019-01-22", "2019-02-11", "10000.00"))
    assert (estimate.edition, paid((estimate,))) == ("2019", ["1500.00"])


def test_touching_periods_leave_no_gap_and_a_gap_is_not_covered() -> None:
    record = stay("S1", "2021-05-22", "2021-06-11", "10000.00")
    touching = insured(("2020-06-01", "2021-05-31"), ("2021-06-01", "2022-05-31"))
    gap = insured(("2020-06-01", "2021-05-31"), ("2021-06-02", "2022-05-31"))
    assert paid(assessed(touching, record)) == ["3000.00"]
    assert paid(assessed(gap, record)) == ["2850.00"]


def test_the_day_of_discharge_is_no_covered_night() -> None:
    outside = insured(("2021-06-11", "2022-05-31"))
    (estimate,) = assessed(outside, stay("S1", "2021-06-01", "2021-06-11"))
    assert estimate.flags == ("not_covered",)
    (same_day,) = assessed(outside, stay("S1", "2021-06-11", "2021-06-11"))
    assert same_day.flags == ()


def test_proration_rounds_once() -> None:
    # 0.4 × 1,000.01 = 400.004; × 1/3 = 133.3346…, not a third of 400.00.
    member = insured(("2020-06-01", "2021-05-01"))
    (estimate,) = assessed(member, stay("S1", "2021-05-01", "2021-05-04", "1000.05"))
    assert amounts(estimate) == [("band", "300.02"), ("proration", "-200.01")]


def test_the_sheets_days_beyond_what_is_covered() -> None:
    record = stay("S1", "2021-05-30", "2021-06-04", inpatient_days=40)
    (estimate,) = assessed(insured(IN_2021), record)
    assert [line.days for line in estimate.lines if line.rule == "daily_allowance"] == [3]


@pytest.mark.parametrize(("sheet", "expected"), [(31, 30), (30, 30), (29, 29), (1, 1), (0, 10), (None, 10), (-3, 10)])
def test_days_of_the_allowance(sheet: int | None, expected: int) -> None:
    record = stay("S1", "2021-07-01", "2021-07-11", inpatient_days=sheet)
    (estimate,) = assessed(insured(IN_2021), record)
    assert [line.days for line in estimate.lines if line.rule == "daily_allowance"] == [expected]


def per_day(member: Insured, admitted: str, *earlier: str) -> str:
    last = assessed(member, *(stay(f"E{one}", one, one) for one in earlier), stay("S", admitted, admitted))[-1]
    return dict(amounts(last)).get("daily_allowance", "none")


FIVE = [
    ("2019-04-28", "2020-04-27"),
    ("2020-04-28", "2021-04-30"),
    ("2021-05-01", "2022-04-30"),
    ("2022-05-01", "2023-04-30"),
    ("2023-05-01", "2024-04-30"),
]


def test_years_count_from_the_second_edition() -> None:
    assert per_day(insured(*FIVE[:3]), "2021-06-01") == "20.00"
    assert per_day(insured(*FIVE[:4]), "2022-06-01") == "30.00"
    assert per_day(insured(*FIVE), "2023-06-01") == "30.00"
    assert per_day(insured(FIVE[0], FIVE[2]), "2021-06-01") == "10.00"


def test_years_end_at_a_gap() -> None:
    gap = ("2021-05-02", "2022-04-30")
    assert per_day(insured(FIVE[1], gap), "2021-06-01") == "10.00"


def test_an_allowance_starts_the_count_again() -> None:
    """Article 10.6: drawn in 2021, so 2022 counts as the first year and 2023 as the second."""
    member = insured(*FIVE)
    assert per_day(member, "2022-06-01", "2021-06-01") == "10.00"
    assert per_day(member, "2023-06-01", "2021-06-01") == "20.00"
    assert per_day(member, "2023-06-01", "2021-06-01", "2022-06-01") == "10.00"
    assert per_day(member, "2023-06-01", "2022-06-01") == "10.00"


def test_a_stay_in_2020_draws_no_allowance_and_restarts_nothing() -> None:
    assert per_day(insured(*FIVE[:3]), "2021-06-01", "2020-06-01") == "20.00"


def test_an_allowance_cut_off_by_the_cap_was_due_all_the_same() -> None:
    member = insured(FIVE[2], FIVE[3])
    used_up = [special(f"M{month}", on(f"2021-0{month}-15"), "250000.00") for month in (5, 6)]
    estimates = assessed(
        member, *used_up, stay("S1", "2021-07-01", "2021-07-02"), stay("S2", "2022-07-01", "2022-07-02")
    )
    assert paid(estimates)[:3] == ["217000.00", "33000.00", "0.00"]
    assert dict(amounts(estimates[3]))["daily_allowance"] == "10.00"
    assert "allowance.restart" in estimates[3].assumed


def test_only_the_first_stay_of_a_period_has_an_allowance() -> None:
    later, first = stay("S1", "2021-07-02", "2021-07-03"), stay("S2", "2021-07-01", "2021-07-02")
    month = special("S3", on("2021-06-05"))
    estimates = assessed(insured(IN_2021), later, month, first)
    assert ["daily_allowance" in dict(amounts(one)) for one in estimates] == [False, True, False]
    assert "allowance.first_stay" in estimates[1].assumed
    assert "allowance.first_stay" in estimates[2].assumed


@pytest.mark.parametrize("missing", ["fund_paid_amount", "settled_at", "discharged_on"])
def test_an_incomplete_stay_is_the_first_and_its_allowance_is_due(missing: str) -> None:
    """The next period's stay is paid the same before and after what is missing came: its years begin again (A10.6)."""
    member = insured(IN_2021, ("2022-06-01", "2023-05-31"))
    whole = stay("S1", "2021-07-01", "2021-07-05")
    unknown = stay("S1", "2021-07-01", "2021-07-05", **{missing: None})
    second, next_year = stay("S2", "2021-08-01", "2021-08-05"), stay("S3", "2022-08-01", "2022-08-02")
    estimates = assessed(member, unknown, second, next_year)
    assert [each.flags for each in estimates] == [("incomplete",), (), ()]
    assert amounts(estimates[1]) == [("band", "2400.00")]
    assert dict(amounts(estimates[2]))["daily_allowance"] == "10.00"
    assert estimates[1:] == assessed(member, whole, second, next_year)[1:]


def test_what_is_completed_later_lowers_no_rate_of_the_next_period() -> None:
    """10,000 yuan under the bands of 2022 are 5,200.00; ten days in a first year are 100.00."""
    member = insured(IN_2021, ("2022-06-01", "2023-05-31"))
    following = stay("B", "2022-07-01", "2022-07-11", "10000.00")
    for first in (
        stay("A", "2021-07-01", "2021-07-11", "10000.00"),
        stay("A", "2021-07-01", "2021-07-11", in_scope_amount=None),
    ):
        assert paid(assessed(member, first, following))[1] == "5300.00"


@pytest.mark.parametrize(
    ("category", "born", "outside"),
    [
        ("active", "2005-06-01", False),
        ("active", "2005-06-02", True),
        ("active", "1960-06-02", False),
        ("active", "1960-06-01", True),
        ("retired", "1950-06-02", False),
        ("retired", "1950-06-01", True),
        ("retired", "1980-01-01", False),
        ("active", "2022-01-01", True),
    ],
)
def test_age_on_the_first_day_of_the_period(category: str, born: str, outside: bool) -> None:
    (estimate,) = assessed(insured(IN_2021, category=category, born=born), stay("S1", "2021-07-01", "2021-07-05"))
    assert ("age_outside" in estimate.flags) is outside
    assert paid((estimate,)) == ["2440.00"]


def test_a_periods_own_category_beats_the_members() -> None:
    period = Coverage(first_day=day("2021-06-01"), last_day=day("2022-05-31"), category="retired")
    member = Insured(category="active", birth_date=day("1955-01-01"), coverage=(period,))
    (estimate,) = assessed(member, stay("S1", "2021-07-01", "2021-07-05"))
    assert estimate.flags == ()


def test_an_unknown_birth_date_is_no_doubt_about_age() -> None:
    period = Coverage(first_day=day("2021-06-01"), last_day=day("2022-05-31"))
    (estimate,) = assessed(Insured(coverage=(period,)), stay("S1", "2021-07-01", "2021-07-05"))
    assert estimate.flags == ()


@pytest.mark.parametrize(
    "periods",
    [
        [("2021-06-01", "2022-05-31"), ("2021-06-01", "2022-05-31")],
        [("2021-06-01", "2022-05-31"), ("2022-05-31", "2023-05-30")],
        [("2022-01-01", "2022-12-31"), ("2021-06-01", "2022-05-31")],
        [("2021-06-01", "2022-05-31"), ("2021-08-01", "2021-08-01")],
        [("2017-06-01", "2018-05-31"), ("2018-05-01", "2019-01-01")],
    ],
)
def test_overlapping_coverage_is_refused(periods: list[tuple[str, str]]) -> None:
    with pytest.raises(BadCase) as refused:
        assessed(insured(*periods), stay("S1", "2021-07-01", "2021-07-05"))
    assert refused.value.code == "overlapping_coverage"


def test_coverage_of_another_scheme_is_not_this_ones() -> None:
    other = Coverage(first_day=day("2021-06-01"), last_day=day("2022-05-31"), scheme="nm-women")
    mine = Coverage(first_day=day("2021-07-01"), last_day=day("2022-06-30"), scheme="nm-inpatient")
    (estimate,) = assessed(Insured(coverage=(other, mine)), stay("S1", "2021-07-01", "2021-07-05"))
    assert estimate.period_from == day("2021-07-01")


def test_coverage_to_the_end_of_time() -> None:
    (estimate,) = assessed(insured(("2022-06-01", "9999-12-31")), stay("S1", "2022-07-01", "2022-07-05"))
    assert str(estimate.claim_by) == "9999-12-31"
    (over,) = assessed(insured(IN_2020), stay("S1", "2020-07-01", "2020-07-05"))
    assert over.edition == "2020"


JOINED = [
    # Up to 2023 twelve months from the next day; of 29 February the year ends on the 28th.
    ("2019-03-01", "2019-03-02", "2020-03-01"),
    ("2020-02-28", "2020-02-29", "2021-02-28"),
    ("2022-06-10", "2022-06-11", "2023-06-10"),
    ("2022-12-30", "2022-12-31", "2023-12-30"),
    # Periods of 2023 are extended to the end of 2024.
    ("2022-12-31", "2023-01-01", "2024-12-31"),
    ("2023-08-01", "2023-08-02", "2024-12-31"),
    ("2023-12-31", "2024-01-01", "2024-12-31"),
    # 2024 by month.
    ("2024-03-10", "2024-03-01", "2024-12-31"),
    ("2024-03-15", "2024-03-01", "2024-12-31"),
    ("2024-03-16", "2024-04-01", "2024-12-31"),
    ("2024-02-28", "2024-03-01", "2024-12-31"),
    ("2024-08-31", "2024-09-01", "2024-12-31"),
    ("2024-12-10", "2024-12-01", "2024-12-31"),
    # Enrolled in autumn for the next calendar year.
    ("2024-09-01", "2025-01-01", "2025-12-31"),
    ("2024-10-10", "2025-01-01", "2025-12-31"),
    ("2024-11-30", "2025-01-01", "2025-12-31"),
    # From 2025 on the calendar year.
    ("2025-01-01", "2025-01-01", "2025-12-31"),
    ("2026-01-01", "2026-01-01", "2026-12-31"),
]


@pytest.mark.parametrize(("joined", "first", "last"), JOINED, ids=[joined for joined, *_ in JOINED])
def test_a_day_of_joining_makes_the_period_that_was_published(joined: str, first: str, last: str) -> None:
    period = coverage_from(day(joined), family())
    assert period is not None
    assert (period.first_day, period.last_day) == (day(first), day(last))


def test_who_joined_in_2023_is_covered_to_the_end_of_2024() -> None:
    member = Insured(category="active", joined_on=day("2023-08-01"))
    (estimate,) = assessed(member, stay("S1", "2024-10-05", "2024-10-09"))
    # 1,200 and 1,000 and 600 by the bands of 2022, ten yuan a day for four days.
    assert (paid((estimate,)), estimate.period_from) == (["2840.00"], day("2023-08-02"))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2023-08-02", "2024-12-31"),
        ("2024-03-01", "2024-12-31"),
        ("2024-10-01", "2024-12-31"),
        ("2025-01-01", "2025-12-31"),
        ("2026-02-01", "2026-12-31"),
    ],
)
def test_a_period_whose_end_is_open_ends_as_those_that_begin_then(first: str, last: str) -> None:
    period = open_coverage(day(first), family())
    assert period is not None
    assert (period.first_day, period.last_day) == (day(first), day(last))


def test_a_year_from_29_february_leaves_no_gap_before_its_renewal() -> None:
    """Renewed on 28 February 2021 from 1 March: both nights of 28 February to 2 March are covered."""
    first = coverage_from(day("2020-02-28"), family())
    assert first is not None
    member = insured(("2020-02-29", first.last_day.isoformat()), ("2021-03-01", "2022-02-28"))
    (estimate,) = assessed(member, stay("S1", "2021-02-28", "2021-03-02", "8000.00"))
    assert amounts(estimate) == [("band", "2400.00")]
