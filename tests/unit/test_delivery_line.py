"""The line to an association: breaker, rate and hours, as values."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.claims.delivering import RetryRules, must_ask, wait
from gateway.core.claims.line import Line, LineRules, OpeningHours, counted, heard, is_open, passage, reopened, taken
from gateway.model.claim import Answer, AnswerKind
from gateway.model.clock import SHANGHAI

NOW = datetime(2021, 10, 8, 9, tzinfo=SHANGHAI)
RULES = LineRules(breaker_failures=3)
YES, DOWN = Answer(kind=AnswerKind.ACCEPTED), Answer(kind=AnswerKind.UNAVAILABLE, code="no_connection")
NO = Answer(kind=AnswerKind.REFUSED, code="not_a_member")
ODD = Answer(kind=AnswerKind.UNKNOWN, code="unproven/html")


def after_failures() -> Line:
    """A line whose breaker has just opened."""
    return heard(Line(), RULES, [DOWN] * 3, probe=False, now=NOW)


def test_three_failures_in_a_row_open_the_breaker_and_a_success_between_does_not() -> None:
    line = heard(Line(), RULES, [DOWN, DOWN], probe=False, now=NOW)
    assert passage(line, RULES, NOW).many > 1
    mixed = heard(line, RULES, [DOWN, YES], probe=False, now=NOW)
    assert (mixed.failures, mixed.failing_since) == (0, None)
    line = heard(line, RULES, [DOWN], probe=False, now=NOW)
    assert passage(line, RULES, NOW).many == 0
    assert passage(line, RULES, NOW + timedelta(minutes=1)) == passage(line, RULES, NOW + timedelta(hours=9))
    assert passage(line, RULES, NOW + timedelta(minutes=1)).probe


@pytest.mark.parametrize("answer", [YES, NO, ODD])
def test_whoever_answers_is_there(answer: Answer) -> None:
    line = heard(after_failures(), RULES, [answer], probe=True, now=NOW + timedelta(minutes=1))
    assert passage(line, RULES, NOW).many > 1


def test_a_probe_that_fails_doubles_the_pause_up_to_a_quarter_of_an_hour() -> None:
    pauses = []
    line, now = after_failures(), NOW
    for _ in range(6):
        assert line.open_until is not None
        pauses.append((line.open_until - now) // timedelta(minutes=1))
        now = line.open_until
        line = heard(line, RULES, [DOWN], probe=True, now=now)
    assert pauses == [1, 2, 4, 8, 15, 15]


def test_answers_of_before_the_breaker_opened_do_not_open_it_again() -> None:
    line = after_failures()
    late = heard(line, RULES, [DOWN], probe=False, now=NOW)
    assert (late.open_until, late.openings, late.failures) == (line.open_until, 1, 4)


def test_who_was_not_reached_for_five_days_is_switched_off_until_a_person_says_otherwise() -> None:
    line = heard(after_failures(), RULES, [DOWN], probe=True, now=NOW + timedelta(hours=119))
    assert line.disabled_at is None
    line = heard(line, RULES, [DOWN], probe=True, now=NOW + timedelta(hours=120))
    assert line.disabled_at == NOW + timedelta(hours=120)
    assert passage(line, RULES, NOW + timedelta(days=400)).many == 0
    assert passage(reopened(line), RULES, NOW).many > 1


def test_a_pause_set_by_a_clock_that_was_ahead_holds_nothing_up() -> None:
    line = Line(failures=3, openings=1, open_until=NOW + timedelta(days=180))
    assert passage(line, RULES, NOW).probe


@given(st.lists(st.tuples(st.integers(-5_000, 5_000), st.integers(0, 60)), max_size=30), st.integers(1, 50))
def test_no_more_go_than_the_rate_allows(steps: list[tuple[int, int]], per_second: int) -> None:
    rules = LineRules(per_second=per_second)
    line, now, sent, forward = Line(), NOW, 0, 0
    for milliseconds, wanted in steps:
        now += timedelta(milliseconds=milliseconds)
        forward += max(milliseconds, 0)
        line = counted(line, rules, now)
        many = min(wanted, passage(line, rules, now).many)
        line, sent = taken(line, rules, many), sent + many
        assert line.tokens >= 0
    # One second's worth at once, and the rate for all the time that went by.
    assert sent * 1000 <= per_second * (1000 + forward)


def test_it_waits_no_longer_than_the_next_token_takes() -> None:
    rules = LineRules(per_second=4)
    line = taken(counted(Line(), rules, NOW), rules, 4)
    assert passage(line, rules, NOW).wait == timedelta(milliseconds=250)


HOURS = OpeningHours(begin=time(8, 30), end=time(17, 30))


@pytest.mark.parametrize(
    ("at", "opened"),
    [
        ("2021-10-08T08:29", False),
        ("2021-10-08T08:30", True),
        ("2021-10-08T17:30", False),
        ("2021-10-09T10:00", True),  # A Saturday that was worked for the National Day week.
        ("2021-10-10T10:00", False),
        ("2021-10-05T10:00", False),  # A Tuesday of the National Day week.
    ],
)
def test_hours_are_those_of_working_days(at: str, opened: bool) -> None:
    assert is_open(HOURS, datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)) is opened


def test_the_schedule_of_the_file_is_the_one_that_counts() -> None:
    rules = RetryRules(schedule=(timedelta(hours=1), timedelta(hours=20)), jitter=0.1)
    assert [wait(tries, DOWN, 1.0, rules) for tries in (1, 2, 9)] == [
        timedelta(hours=1.1),
        timedelta(hours=22),
        timedelta(hours=22),
    ]


def test_after_the_window_of_a_key_it_is_asked_first() -> None:
    rules = RetryRules(idempotency_window=timedelta(hours=24))
    assert not must_ask(NOW, rules, NOW + timedelta(hours=23, minutes=59))
    assert must_ask(NOW, rules, NOW + timedelta(hours=24))
    assert not must_ask(None, rules, NOW)
    assert not must_ask(NOW, RetryRules(), NOW + timedelta(days=900))
