"""What one stay is worth, against the published tables and the articles of the 2021 rules."""

from __future__ import annotations

import pytest
from schemes_builders import (
    IN_2019,
    IN_2020,
    IN_2021,
    IN_2022,
    amounts,
    assessed,
    insured,
    paid,
    special,
    stay,
)
from schemes_builders import at as on

EDITIONS = {"2019": IN_2019, "2020": IN_2020, "2021": IN_2021, "2022": IN_2022}
ADMITTED = {"2019": "2019-07-01", "2020": "2020-07-01", "2021": "2021-07-01", "2022": "2022-07-01"}


def subsidy(edition: str, x: str) -> str:
    """The payable of special outpatient care: bands and nothing else."""
    (estimate,) = assessed(insured(EDITIONS[edition]), special("S1", on(ADMITTED[edition]), x))
    assert estimate.edition == edition
    return paid((estimate,))[0]


TIER_EDGES = [
    ("3000.00", "900.00", "1200.00", "1200.00"),
    ("5000.00", "1500.00", "2000.00", "2200.00"),
    ("10000.00", "3000.00", "4000.00", "5200.00"),
    ("50000.00", "31000.00", "32000.00", "33200.00"),
    ("100000.00", "66000.00", "67000.00", "73200.00"),
    ("250000.00", "216000.00", "217000.00", "223200.00"),
]


@pytest.mark.parametrize(("x", "first", "third", "fourth"), TIER_EDGES)
def test_cumulative_payment_at_tier_edges(x: str, first: str, third: str, fourth: str) -> None:
    found = [subsidy(edition, x) for edition in ("2019", "2020", "2021", "2022")]
    assert found == [first, first, third, fourth]


@pytest.mark.parametrize(
    ("edition", "x", "expected"),
    [
        ("2019", "234800.00", "200800.00"),
        ("2019", "234700.00", "200700.00"),
        ("2019", "250000.00", "216000.00"),
        ("2019", "400000.00", "216000.00"),
        ("2020", "400000.00", "216000.00"),
        ("2021", "9153.48", "3661.39"),
        ("2021", "218606.10", "185606.10"),
        ("2021", "10000.01", "4000.01"),
        ("2021", "100000.01", "67000.01"),
        ("2021", "300000.00", "217000.00"),
        ("2021", "3865.53", "1546.21"),
        ("2021", "0.01", "0.00"),
        ("2021", "0.02", "0.01"),
        ("2022", "7435.65", "3661.39"),
        ("2022", "3692.42", "1546.21"),
        ("2022", "212406.10", "185606.10"),
        ("2022", "526800.00", "500000.00"),
        ("2022", "526799.99", "499999.99"),
        ("2022", "999999.99", "500000.00"),
    ],
)
def test_published_figures(edition: str, x: str, expected: str) -> None:
    assert subsidy(edition, x) == expected


def test_two_stays_of_a_quarter_million_meet_the_cap_of_the_period() -> None:
    # The first stay's allowance counts towards the cap, so it is kept out of this published pair.
    member = insured(IN_2021)
    first, second = special("S1", on("2021-07-05"), "250000.00"), special("S2", on("2021-08-05"), "250000.00")
    assert paid(assessed(member, first, second)) == ["217000.00", "33000.00"]


def test_the_cap_over_stays_counts_the_allowance() -> None:
    one = stay("S1", "2021-07-01", "2021-07-11", "250000.00")
    two = stay("S2", "2021-08-01", "2021-08-11", "250000.00")
    first, second = assessed(insured(IN_2021), one, two)
    assert amounts(first)[-1] == ("daily_allowance", "100.00")
    assert paid((first, second)) == ["217100.00", "32900.00"]
    assert amounts(second)[-1] == ("cap", "-184100.00")


def test_each_stay_is_tiered_alone() -> None:
    """Article 11: 3,200 twice and not 8,200."""
    one, two = (
        stay("S1", "2020-07-01", "2020-07-02", "8000.00"),
        stay("S2", "2020-08-01", "2020-08-02", "8000.00"),
    )
    assert paid(assessed(insured(IN_2020), one, two)) == ["2400.00", "2400.00"]


def test_a_small_stay_is_topped_up() -> None:
    (estimate,) = assessed(insured(IN_2021), stay("S1", "2021-07-01", "2021-07-06", "100.00"))
    assert amounts(estimate) == [("band", "40.00"), ("daily_allowance", "50.00"), ("floor", "110.00")]
    assert paid((estimate,)) == ["200.00"]


@pytest.mark.parametrize(
    ("x", "days", "expected"),
    [
        ("300.00", 3, "200.00"),
        ("500.00", 1, "210.00"),
        ("450.00", 2, "200.00"),
        ("449.99", 2, "200.00"),
        ("450.02", 2, "200.01"),
        ("0.00", 5, "200.00"),
    ],
)
def test_the_floor_tops_up_subsidy_and_allowance(x: str, days: int, expected: str) -> None:
    record = stay("S1", "2021-07-01", "2021-07-11", x, inpatient_days=days)
    assert paid(assessed(insured(IN_2021), record)) == [expected]


def test_no_floor_where_nothing_is_due() -> None:
    first = stay("S1", "2021-07-01", "2021-07-11", "1000.00")
    nothing = stay("S2", "2021-08-01", "2021-08-11", "0.00")
    small = stay("S3", "2021-09-01", "2021-09-11", "500.00")
    tiny = stay("S4", "2021-10-01", "2021-10-11", "0.02")
    estimates = assessed(insured(IN_2021), first, nothing, small, tiny)
    assert paid(estimates) == ["500.00", "0.00", "200.00", "200.00"]
    assert amounts(estimates[1]) == []
    assert amounts(estimates[2]) == [("band", "200.00")]
    assert amounts(estimates[3]) == [("band", "0.01"), ("floor", "199.99")]


@pytest.mark.parametrize("edition", ["2019", "2020"])
def test_no_floor_and_no_allowance_before_2021(edition: str) -> None:
    first = ADMITTED[edition]
    (estimate,) = assessed(insured(EDITIONS[edition]), stay("S1", first, first, "100.00"))
    assert amounts(estimate) == [("band", "30.00")]


def test_the_floor_stops_at_the_cap() -> None:
    one, two = special("S1", on("2021-06-05"), "250000.00"), special("S2", on("2021-07-05"), "65850.00")
    three = stay("S3", "2021-08-01", "2021-08-02", "1.00")
    first, second, third = assessed(insured(IN_2021), one, two, three)
    assert paid((first, second, third)) == ["217000.00", "33000.00", "0.00"]
    assert amounts(third)[-1] == ("cap", "-200.00")


def test_fund_payments_above_the_scope_count_as_nothing() -> None:
    low = special("S1", on("2021-07-05"), in_scope_amount=500_000, fund_paid_amount=600_000)
    high = special("S2", on("2021-07-06"), in_scope_amount=600_000, fund_paid_amount=500_000)
    (estimate,) = assessed(insured(IN_2021), low, high)
    assert paid((estimate,)) == ["400.00"]
    assert "base.not_below_zero" in estimate.assumed


@pytest.mark.parametrize(
    "missing",
    [
        {"in_scope_amount": None},
        {"fund_paid_amount": None},
        {"in_scope_amount": -1},
        {"fund_paid_amount": -1},
        {"settled_at": None},
        {"admitted_on": None},
        {"discharged_on": None},
        {"discharged_on": on("2021-06-30").date()},
        {"settled_at": on("2021-06-30")},
    ],
)
def test_what_is_missing_or_impossible_is_incomplete(missing: dict[str, object]) -> None:
    (estimate,) = assessed(insured(IN_2021), stay("S1", "2021-07-01", "2021-07-11", **missing))
    assert (estimate.payable, estimate.lines, estimate.flags) == (0, (), ("incomplete",))


def test_an_amount_that_is_not_needed_may_be_missing() -> None:
    record = stay("S1", "2021-07-01", "2021-07-11", total_amount=None, visit_no=None)
    assert paid(assessed(insured(IN_2021), record)) == ["2500.00"]


@pytest.mark.parametrize(
    ("edition", "expected"),
    [("2019", "2019-10-08"), ("2020", "2020-10-08"), ("2021", "2021-10-08"), ("2022", "2023-08-29")],
)
def test_claim_by(edition: str, expected: str) -> None:
    first = ADMITTED[edition]
    record = stay("S1", first, first, settled_at=on(first[:8] + "10"))
    (estimate,) = assessed(insured(EDITIONS[edition]), record)
    assert str(estimate.claim_by) == expected


def test_every_line_has_its_article_and_a_sentence() -> None:
    record = stay("S1", "2021-05-30", "2021-06-11", "250000.00")
    second = stay("S2", "2021-08-01", "2021-08-02", "250000.00")
    third = stay("S3", "2021-09-01", "2021-09-02", "1.00")
    estimates = assessed(insured(IN_2021), record, second, third)
    lines = [line for estimate in estimates for line in estimate.lines]
    assert {line.rule for line in lines} == {"band", "proration", "daily_allowance", "floor", "cap"}
    articles = {(line.rule, line.article) for line in lines}
    assert ("band", "第十条第一项") in articles
    assert ("proration", "第十四条") in articles
    assert ("daily_allowance", "第十条第五项") in articles
    assert ("floor", "第十条第八项") in articles
    assert ("cap", "第十条") in articles
    assert all(line.text.count("元") >= 1 for line in lines)


def test_the_sentence_of_a_band() -> None:
    (estimate,) = assessed(insured(IN_2020), stay("S1", "2020-07-01", "2020-07-11", "12345.67"))
    assert [line.text for line in estimate.lines] == [
        "自付12345.67元中0–10000元部分，按30%补助3000.00元",
        "自付12345.67元中10000–100000元部分，按70%补助1641.97元",
    ]
