"""The sums of a simulation: one person at a time, any number of processes, the fund's year, the forecast."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.studies.forecast import HOSPITAL_RATE, PUBLISHED_TAKE_UP, forecast, take_up, year_of
from gateway.core.studies.simulation import (
    STEPS,
    Figures,
    RulesFigures,
    RuleSum,
    SimulatedBill,
    earned,
    merged,
    rule_pairs,
    size_of,
)
from gateway.model.benefit import BenefitEstimate, BenefitLine
from gateway.model.money import Money


def line(rule: str, amount: int, *, rate: str | None = None, base: int | None = None) -> BenefitLine:
    return BenefitLine(
        rule=rule,
        article="第一条",
        amount=Money(amount),
        text="",
        base=None if base is None else Money(base),
        rate=None if rate is None else Decimal(rate),
    )


def estimate(*lines: BenefitLine, flags: tuple[str, ...] = ()) -> BenefitEstimate:
    return BenefitEstimate(
        settlements=("S",),
        edition="2021",
        payable=Money(sum(each.amount for each in lines)),
        lines=lines,
        flags=flags,
        assumed=(),
        claim_by=None,
        stay="V",
    )


def paid(amount: int, rate: str = "0.40") -> BenefitEstimate:
    return estimate(line("band", amount, rate=rate, base=amount * 2)) if amount else estimate()


def person(order: int, before: list[int], after: list[int], **changes: Any) -> SimulatedBill:
    fields: dict[str, Any] = {
        "order": order,
        "league": "甲盟",
        "category": "active",
        "days": 365,
        "first": 738_000,
        "last": 738_364,
        "fees": (100_00, 100_00),
        "before": [paid(each) for each in before],
        "after": [paid(each, "0.50") for each in after],
        "settlements": len(before),
    }
    return SimulatedBill(**{**fields, **changes})


def summed(people: list[SimulatedBill], kept: int = 10) -> Figures:
    figures = Figures(kept=kept)
    for each in people:
        figures.take(each)
    return figures


def plain(figures: Figures) -> dict[str, Any]:
    """Everything but the order in which changes happened to be remembered."""
    return {**msgspec.structs.asdict(figures), "changes": figures.largest()}


def test_better_worse_and_unchanged_are_told_apart() -> None:
    bills = [([100], [150]), ([100, 50], [100, 20]), ([70], [70]), ([], [])]
    figures = summed([person(at, before, after) for at, (before, after) in enumerate(bills, start=1)])
    assert (figures.total.members, figures.total.better, figures.total.worse) == (4, 1, 1)
    assert (figures.before.paid, figures.after.paid) == (320, 340)
    assert (figures.before.claims, figures.before.people) == (4, 3)
    assert [(each.order, each.change) for each in figures.largest()] == [(1, 50), (2, -30)]
    assert (figures.before.largest_claim, figures.before.largest_person) == (100, 150)


def test_an_estimate_of_nothing_is_no_claim_but_may_need_a_person() -> None:
    one = person(1, [], [])
    figures = summed([msgspec.structs.replace(one, before=[estimate(flags=("incomplete",))], after=[estimate()])])
    assert (figures.before.claims, figures.before.to_person, figures.after.to_person) == (0, 1, 0)


amounts = st.lists(st.integers(0, 10_000_000), max_size=3)
crowds = st.lists(st.tuples(amounts, amounts, st.sampled_from("甲乙丙"), st.integers(1, 366)), max_size=30)


@given(crowd=crowds, parts=st.integers(1, 4), kept=st.integers(0, 4))
def test_any_number_of_processes_sums_to_the_same(crowd: Any, parts: int, kept: int) -> None:
    people = [
        person(order, before, after, league=league, days=days, last=738_000 + days)
        for order, (before, after, league, days) in enumerate(crowd)
    ]
    shares = [summed(people[at::parts], kept) for at in range(parts)]
    assert plain(merged(shares, kept)) == plain(summed(people, kept))


@given(changes=st.lists(st.integers(-9_000_000, 9_000_000), min_size=1, max_size=400), kept=st.integers(1, 5))
def test_the_largest_changes_are_kept_in_both_directions(changes: list[int], kept: int) -> None:
    people = [person(at, [9_000_000], [9_000_000 + change]) for at, change in enumerate(changes)]
    told = [each.change for each in summed(people, kept).largest()]
    gains = sorted((each for each in changes if each > 0), reverse=True)[:kept]
    losses = sorted(each for each in changes if each < 0)[:kept]
    assert told == gains + losses


@pytest.mark.parametrize(
    ("change", "size"),
    [(0, 0), (1, 1), (99_99, 1), (100_00, 2), (-1, -1), (-100_00, -2), (49_999_99, 6), (50_000_00, 7)],
)
def test_sizes_of_change(change: int, size: int) -> None:
    assert size_of(change) == size


@given(st.integers(-(10**10), 10**10))
def test_sizes_are_symmetrical_and_hold_what_they_say(change: int) -> None:
    size = size_of(change)
    assert size_of(-change) == -size
    if size:
        assert STEPS[abs(size) - 1] <= abs(change)
        assert abs(size) == len(STEPS) or abs(change) < STEPS[abs(size)]


def test_a_fee_is_earned_by_the_day() -> None:
    assert earned(Money(100_00), 365, 365) == 100_00
    assert earned(Money(100_00), 73, 365) == 20_00
    assert earned(Money(1), 1, 2) == 1, "half up"
    assert earned(Money(100_00), 1, 3) == 33_33


def test_the_funds_year_is_a_year_whatever_time_was_looked_at() -> None:
    """Ten members for two years: 20 claims of 500 yuan, a fee of 100 yuan a year."""
    people = [person(at, [500_00] * 2, [600_00] * 2, days=730, last=738_729, fees=(200_00, 200_00)) for at in range(10)]
    figures = summed(people)
    year = year_of(figures, figures.before, 730)
    assert (year.members, year.claims, year.income, year.outlay, year.balance) == (10, 10, 1000_00, 5000_00, -4000_00)


def test_a_leap_year_is_a_year() -> None:
    figures = summed([person(1, [500_00], [500_00], days=366, last=738_365)])
    assert year_of(figures, figures.before, 366).outlay == 500_00


def test_no_fee_known_is_no_balance() -> None:
    figures = summed([person(1, [500_00], [500_00], fees=(None, 100_00))])
    assert year_of(figures, figures.before, 365).balance is None
    assert year_of(figures, figures.after, 365).balance == -400_00


def test_the_forecast_by_hand() -> None:
    """200 members, 20 of them with one claim of 1,000 yuan, under the draft 1,100: 10 claims per 100 members.

    At 5 per 100 there are 10 claims: 10,000 and 11,000 yuan. At 11.93 there are 23.86: 23,860 and 26,246 yuan.
    Fees bring 20,000 yuan.
    """
    people = [person(at, [1000_00], [1100_00]) for at in range(20)] + [person(20 + at, [], []) for at in range(180)]
    rows = {each.per_100: each for each in forecast(summed(people), 365, today=500)}
    assert set(rows) == {*PUBLISHED_TAKE_UP, HOSPITAL_RATE, 1000}
    assert rows[500].why == ("published", "today")
    assert rows[1000].why == ("all_stored",)
    assert (rows[500].before, rows[500].after) == (10_000_00, 11_000_00)
    assert (rows[1193].before, rows[1193].after) == (23_860_00, 26_246_00)
    assert (rows[1000].before, rows[1000].after) == (20_000_00, 22_000_00)
    assert (rows[1193].balance_before, rows[1193].balance_after) == (-3_860_00, -6_246_00)


@given(st.lists(amounts, min_size=1, max_size=20), st.integers(1, 5000))
def test_more_claims_never_cost_less(crowd: list[list[int]], today: int) -> None:
    rows = forecast(summed([person(at, each, each) for at, each in enumerate(crowd)]), 365, today=today)
    assert [each.per_100 for each in rows] == sorted({each.per_100 for each in rows})
    assert [each.before for each in rows] == sorted(each.before for each in rows)


def test_nobody_at_all() -> None:
    figures = Figures()
    assert take_up(0, 0) is None
    assert all(each.before == each.after == 0 for each in forecast(figures, 0, today=None))


# ── the rules' table ──


def side(*estimates: BenefitEstimate) -> RulesFigures:
    one = RulesFigures()
    one.take(estimates)
    return one


def test_a_band_whose_rate_changed_is_one_row() -> None:
    before = side(estimate(line("band", 40, rate="0.40"), line("band", 70, rate="0.70"), line("floor", 5)))
    after = side(estimate(line("band", 50, rate="0.50"), line("band", 70, rate="0.70")))
    pairs = [(each.rule, each.rates, each.before.amount, each.after.amount) for each in rule_pairs(before, after)]
    assert pairs == [
        ("band", (Decimal("0.40"), Decimal("0.50")), 40, 50),
        ("band", (Decimal("0.70"), Decimal("0.70")), 70, 70),
        ("floor", (None, None), 5, 0),
    ]


def test_rates_that_share_a_place_stand_beside_the_same_rate() -> None:
    """Whole-amount bands: each estimate has one band line, whichever the band."""
    before = side(estimate(line("band", 15, rate="0.15")), estimate(line("band", 20, rate="0.20")))
    after = side(estimate(line("band", 20, rate="0.20")), estimate(line("band", 25, rate="0.25")))
    pairs = [(each.rates, each.before.amount, each.after.amount) for each in rule_pairs(before, after)]
    assert pairs == [
        ((Decimal("0.15"), None), 15, 0),
        ((Decimal("0.20"), Decimal("0.20")), 20, 20),
        ((None, Decimal("0.25")), 0, 25),
    ]


told = st.tuples(st.sampled_from(["band", "floor", "cap"]), st.integers(1, 99))


@given(st.lists(st.lists(told, max_size=4), max_size=9))
def test_the_rules_add_up_to_what_is_paid(bills: list[list[tuple[str, int]]]) -> None:
    one = side(*[estimate(*[line(rule, amount) for rule, amount in bill]) for bill in bills])
    assert sum(each.before.amount for each in rule_pairs(one, RulesFigures())) == one.paid
    assert sum((rule.amount for rule in one.rules.values()), RuleSum().amount) == one.paid
