"""A feed's days against each other: each source of findings on both sides of its threshold."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from gateway.core.watching import days as watching
from gateway.core.watching.expectation import Expectation
from gateway.model.feed_day import FeedDay

MONDAY = date(2021, 10, 18)
"""A Monday without holidays around it: the National Day holidays end with 2021-10-07."""

TODAY = MONDAY + timedelta(days=60)
EVERY = Expectation()


def day(
    ahead: int, rows: int = 300, *, dated: bool = True, sources: dict[str, int] | None = None, **more: Any
) -> FeedDay:
    names = {f"setl_{ahead}.csv": rows} if sources is None else sources
    return FeedDay(feed="east", day=MONDAY + timedelta(days=ahead), dated=dated, rows=rows, sources=names, **more)


def week(*rows: int) -> list[FeedDay]:
    return [day(ahead, many) for ahead, many in enumerate(rows)]


# ── a day missing between days ──


def test_a_day_between_two_days_is_missing() -> None:
    (trouble,) = watching.missing_days("east", [day(0), day(2)], EVERY)
    assert (trouble.code, trouble.name, trouble.count) == ("day_missing", "east", 1)
    assert trouble.days == (MONDAY + timedelta(days=1),)
    assert "2021-10-19" in trouble.detail


@pytest.mark.parametrize(
    ("told", "expect"),
    [
        ([day(0), day(1), day(2)], EVERY),
        ([day(0)], EVERY),
        ([], EVERY),
        # Where the league leaves days out by agreement, or names no days, nothing is missing.
        ([day(0), day(2)], Expectation(days="any")),
        ([day(0, dated=False), day(2, dated=False)], EVERY),
    ],
)
def test_no_day_is_missing(told: list[FeedDay], expect: Expectation) -> None:
    assert watching.missing_days("east", told, expect) == []


def test_days_off_are_no_hole_where_working_days_are_expected() -> None:
    # Friday and the Monday after it.
    told = [day(4), day(7)]
    assert watching.missing_days("east", told, Expectation(days="working")) == []
    (trouble,) = watching.missing_days("east", told, EVERY)
    assert trouble.count == 2
    (trouble,) = watching.missing_days("east", [day(3), day(7)], Expectation(days="working"))
    assert trouble.days == (MONDAY + timedelta(days=4),)


def test_a_feed_that_rests_on_every_weekend_is_judged_by_working_days() -> None:
    fortnight = [day(ahead) for ahead in range(15) if ahead not in (5, 6, 12, 13)]
    (trouble,) = watching.missing_days("east", fortnight[:6], EVERY)
    assert trouble.count == 2
    assert watching.missing_days("east", fortnight, EVERY) == []
    without_a_tuesday = [told for told in fortnight if told.day != MONDAY + timedelta(days=8)]
    (trouble,) = watching.missing_days("east", without_a_tuesday, EVERY)
    assert trouble.days == (MONDAY + timedelta(days=8),)


def test_a_make_up_saturday_is_a_working_day() -> None:
    # 2021-09-18 was a Saturday on which people worked for the Mid-Autumn Festival.
    saturday = date(2021, 9, 18)
    told = [FeedDay(feed="east", day=saturday + timedelta(days=ahead), dated=True, rows=1) for ahead in (-1, 4)]
    (trouble,) = watching.missing_days("east", told, Expectation(days="working"))
    assert trouble.days == (saturday,)


def test_a_weekly_feed_tells_no_day_too_little() -> None:
    assert watching.missing_days("east", [day(7 * week_no) for week_no in range(5)], EVERY) == []


def test_a_hole_is_forgotten_after_a_while() -> None:
    behind = [day(ahead) for ahead in range(2, 48)]
    assert watching.missing_days("east", [day(0), *behind[:-1]], EVERY)
    assert watching.missing_days("east", [day(0), *behind], EVERY) == []


# ── a day without rows ──


def test_an_empty_day_of_a_feed_that_tells_some() -> None:
    (trouble,) = watching.empty_days("east", week(300, 310, 0), TODAY)
    assert (trouble.code, trouble.days) == ("feed_empty", (MONDAY + timedelta(days=2),))


def test_an_empty_day_that_is_no_trouble() -> None:
    assert watching.empty_days("east", [*week(300, 310), day(2, 0, said_rows=0)], TODAY) == []
    assert watching.empty_days("east", week(0, 0, 0), TODAY) == []
    assert watching.empty_days("east", [*week(300, 310), day(2, 0, open_pages=1)], TODAY) == []


# ── rows outside of what is expected, or far from the same weekday ──


def test_days_outside_of_what_the_file_expects() -> None:
    expect = Expectation(rows_per_day=(200, 500))
    assert watching.days_outside("east", week(200, 500, 300), expect, TODAY) == []
    (trouble,) = watching.days_outside("east", week(199, 501, 300), expect, TODAY)
    assert (trouble.code, trouble.count) == ("rows_outside", 2)
    assert "199" in trouble.detail
    assert watching.days_outside("east", week(1), EVERY, TODAY) == []


def test_a_day_of_receipt_is_not_over_before_the_next() -> None:
    expect = Expectation(rows_per_day=(200, 500))
    received = [day(0, 50, dated=False)]
    assert watching.days_outside("east", received, expect, MONDAY) == []
    assert watching.days_outside("east", received, expect, MONDAY + timedelta(days=1))


def test_an_odd_day_is_said_for_a_week() -> None:
    expect = Expectation(rows_per_day=(200, 500))
    assert watching.days_outside("east", week(50, *[300] * 6), expect, TODAY)
    assert watching.days_outside("east", week(50, *[300] * 7), expect, TODAY) == []


@pytest.mark.parametrize(("rows", "odd"), [(100, False), (99, True), (900, False), (901, True)])
def test_a_day_far_from_the_same_weekday(rows: int, odd: bool) -> None:
    mondays = [day(7 * before) for before in range(4)]
    assert bool(watching.unusual_days("east", [*mondays, day(28, rows)], TODAY)) is odd


def test_too_little_is_known_for_what_is_usual() -> None:
    assert watching.unusual_days("east", [*[day(7 * n) for n in range(3)], day(21, 10)], TODAY) == []
    assert watching.unusual_days("east", [*[day(7 * n, 49) for n in range(4)], day(28, 1)], TODAY) == []


def test_a_holiday_is_not_held_against_working_days() -> None:
    # 2022-01-03 was a Monday off, for New Year.
    mondays = [
        FeedDay(feed="east", day=date(2021, 12, 6) + timedelta(days=7 * n), dated=True, rows=300) for n in range(4)
    ]
    off = FeedDay(feed="east", day=date(2022, 1, 3), dated=True, rows=20)
    assert watching.unusual_days("east", [*mondays, off], date(2022, 1, 5)) == []


# ── too round ──


@pytest.mark.parametrize(
    ("rows", "odd"),
    [
        (4_999, False),
        (5_000, True),
        (10_000, True),
        (10_001, False),
        (65_534, False),
        (65_535, True),
        (65_536, True),
        (65_537, False),
        (1_048_575, True),
        (1_048_576, True),
    ],
)
def test_a_file_with_as_many_rows_as_an_export_holds(rows: int, odd: bool) -> None:
    assert bool(watching.cut_off_files("east", [day(0, rows)])) is odd
    assert watching.cut_off_files("east", [day(0, rows, sources={"": rows})]) == []


def test_the_same_number_of_rows_day_after_day() -> None:
    (trouble,) = watching.equal_days("east", week(250, 300, 300, 300), TODAY)
    assert (trouble.code, trouble.count) == ("rows_equal", 3)
    assert watching.equal_days("east", week(300, 300), TODAY) == []
    assert watching.equal_days("east", week(300, 300, 301), TODAY) == []
    assert watching.equal_days("east", week(99, 99, 99), TODAY) == []


# ── a second file of a day ──


@pytest.mark.parametrize(
    "copy",
    [
        "setl_20211018 (1).csv",
        "setl_20211018（2）.csv",
        "setl_20211018 - 副本.csv",
        "setl_20211018 - 副本 (2).csv",
        "setl_20211018_更正.csv",
        "setl_20211018-v2.csv",
        "setl_20211018 copy.CSV",
        "SETL_20211018.csv",
    ],
)
def test_a_file_named_like_a_copy_of_another(copy: str) -> None:
    (trouble,) = watching.files_twice("east", [day(0, sources={"setl_20211018.csv": 2, copy: 1})])
    assert (trouble.code, trouble.days) == ("file_twice", (MONDAY,))
    assert copy in trouble.detail


def test_several_files_of_a_day_are_usual_for_some_feeds() -> None:
    two = {"a_20211018.csv": 1, "b_20211018.csv": 1}
    assert watching.files_twice("east", [day(n, sources=two) for n in range(8)]) == []
    one_each = [day(n, sources={f"a_{n}.csv": 1}) for n in range(7)]
    (trouble,) = watching.files_twice("east", [*one_each, day(7, sources=two)])
    assert trouble.count == 1
    assert watching.files_twice("east", [*one_each[1:], day(7, sources=two)]) == []


def test_a_number_of_a_person_in_a_file_name_is_masked() -> None:
    number = "150999198001010017"
    names = {f"{number}.csv": 1, f"{number} (1).csv": 1}
    (trouble,) = watching.files_twice("east", [day(0, sources=names)])
    assert number not in trouble.detail


# ── totals ──


def test_rows_or_money_that_are_not_what_the_feed_says() -> None:
    agree = day(0, 10, amount=1000, said_rows=10, said_amount=1000)
    assert watching.totals_that_differ("east", [agree, day(1, 10)]) == []
    (trouble,) = watching.totals_that_differ("east", [day(0, 10, amount=1000, said_rows=11, said_amount=1000)])
    assert (trouble.code, trouble.amount) == ("totals_differ", None)
    (trouble,) = watching.totals_that_differ("east", [day(0, 10, amount=1000, said_rows=10, said_amount=1500)])
    assert trouble.amount == 500


def test_a_settlement_that_stands_twice_counts_once_or_twice() -> None:
    twice = {"amount": 1000, "superseded_rows": 1, "superseded_amount": 100}
    for said_rows, said_amount in ((10, 1000), (9, 900)):
        told = day(0, 10, said_rows=said_rows, said_amount=said_amount, **twice)
        assert watching.totals_that_differ("east", [told]) == []
    assert watching.totals_that_differ("east", [day(0, 10, said_rows=8, **twice)])


def test_a_day_that_is_not_worked_to_its_end_is_not_summed_up() -> None:
    assert watching.totals_that_differ("east", [day(0, 5, said_rows=10, open_pages=1)]) == []


# ── doubts ──


def matched(ahead: int, members: int, doubts: int) -> FeedDay:
    return day(ahead, member_rows=members, review_rows=doubts)


def test_the_share_of_doubts_jumps() -> None:
    before = [matched(ahead, 95, 5) for ahead in range(4)]
    (trouble,) = watching.doubts_jumped("east", [*before, matched(4, 85, 15)], TODAY)
    assert (trouble.code, trouble.count) == ("doubts_jumped", 15)
    assert watching.doubts_jumped("east", [*before, matched(4, 86, 14)], TODAY) == []


def test_too_few_doubts_say_nothing() -> None:
    before = [matched(ahead, 50, 0) for ahead in range(4)]
    assert watching.doubts_jumped("east", [*before, matched(4, 10, 9)], TODAY) == []
    assert watching.doubts_jumped("east", [*before, matched(4, 10, 10)], TODAY)
    assert watching.doubts_jumped("east", [*[matched(n, 10, 0) for n in range(4)], matched(4, 10, 10)], TODAY) == []
