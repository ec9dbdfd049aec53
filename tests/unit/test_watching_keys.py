"""Unknown codes, new keys, fields that are empty now; files that wait; what waits for a person; how a feed stands."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.core.normalise import compile_mapping
from gateway.core.normalise.language import FieldRule
from gateway.core.normalise.noticing import shown_code
from gateway.core.watching import files, keys, queues, standing
from gateway.core.watching.expectation import Expectation, Limits
from gateway.core.watching.queues import OpenQueue
from gateway.model.clock import SHANGHAI
from gateway.model.feed_day import FeedDay, KeySample
from gateway.model.page import WaitingFile
from gateway.settings.mappings import load_mapping

FIRST = date(2021, 10, 18)
NOW = datetime(2021, 10, 20, 9, 0, tzinfo=SHANGHAI)


def day(
    ahead: int, *, filled: dict[str, int] | None = None, rows: int = 20, unused: tuple[str, ...] = (), **more: Any
) -> FeedDay:
    sample = KeySample(rows=rows, filled=filled or {}, unused=unused)
    return FeedDay(feed="east", day=FIRST + timedelta(days=ahead), dated=True, sample=sample, **more)


def never(*_: str) -> bool:
    return False


# ── codes ──


def test_an_unknown_code_is_named_with_rows_money_and_first_day() -> None:
    told = [
        day(0, unknown={"care_type": {"2A": (2, 500), "31": (1, 70)}}),
        day(3, unknown={"care_type": {"2A": (1, 250)}}),
    ]
    first, second = keys.unknown_codes("east", told, never)
    assert (first.code, first.name, first.count, first.amount) == ("unknown_codes", "east/care_type/2A", 3, 750)
    assert (min(first.days), max(first.days)) == (FIRST, FIRST + timedelta(days=3))
    assert (second.name, second.count, second.amount) == ("east/care_type/31", 1, 70)


def test_a_code_that_the_mapping_knows_by_now_is_mended() -> None:
    told = [day(0, unknown={"care_type": {"2A": (2, 500)}})]
    assert keys.unknown_codes("east", told, lambda field, code: (field, code) == ("care_type", "2A")) == []


@pytest.mark.parametrize(
    ("field", "code", "known"),
    [
        ("insurance_type", "职工基本医疗保险", True),
        # What the table keeps as it stands may be national already, local endings too.
        ("insurance_type", "310", True),
        ("insurance_type", "39902", True),
        ("insurance_type", "3I0", False),
        ("insurance_type", "职工基本医疗保险二档", False),
        ("care_type", "21", True),
        ("care_type", "2A", False),
    ],
)
def test_a_code_that_is_kept_is_known_where_it_is_one_of_ours(field: str, code: str, known: bool) -> None:
    """兴安盟's table tells two names and keeps what else comes."""
    mapping = load_mapping(Path(__file__).parents[2] / "mappings/hinggan.toml")
    assert compile_mapping(mapping.language()).knows_code(field, code) is known


def test_a_kept_code_is_known_where_another_one_means_it() -> None:
    levels = FieldRule(sources=("level",), codes=(("三级", "03"), ("未定", "")), unknown="keep")
    mapping = load_mapping(Path(__file__).parents[2] / "mappings/hinggan.toml").language()
    mapping = msgspec.structs.replace(mapping, fields={**mapping.fields, "facility_level": levels})
    compiled = compile_mapping(mapping)
    known = [code for code in ("三级", "03", "未定", "04", "二级") if compiled.knows_code("facility_level", code)]
    assert known == ["三级", "03", "未定"]


@pytest.mark.parametrize("code", ["2A", "310", "39902", "H-1_0.x", "普通住院", "门诊慢特病", "职工"])
def test_codes_and_words_of_the_trade_are_named(code: str) -> None:
    assert shown_code(code) == code


@pytest.mark.parametrize(
    "text", ["试赵一", "150999198001010017", "13900000000", "1980-01-01x1234", "试赵一住" * 4, "20210701"]
)
def test_what_may_be_somebody_is_not_shown(text: str) -> None:
    assert shown_code(text) == f"（{len(text)}字 characters）"


# ── fields ──


def test_a_field_that_was_always_there_and_is_empty_now() -> None:
    before = [day(0, filled={"account_amount": 20}), day(1, filled={"account_amount": 18})]
    (trouble,) = keys.vanished_fields("east", [*before, day(2)])
    assert (trouble.code, trouble.name, trouble.days) == (
        "field_vanished",
        "east/account_amount",
        (FIRST + timedelta(days=2),),
    )


@pytest.mark.parametrize(
    "told",
    [
        # Filled in 37 of 40 rows: less than nineteen in twenty.
        [day(0, filled={"a": 20}), day(1, filled={"a": 17}), day(2)],
        [day(0, filled={"a": 20}), day(1, filled={"a": 1})],
        [day(0, filled={"a": 19}, rows=19), day(1)],
        [day(0, filled={"a": 20}), day(1, rows=19)],
        [day(0, filled={"a": 20})],
        [],
    ],
)
def test_a_field_that_has_not_vanished(told: list[FeedDay]) -> None:
    assert keys.vanished_fields("east", told) == []


def test_small_days_are_looked_at_together() -> None:
    before = [day(ahead, filled={"a": 5}, rows=5) for ahead in range(4)]
    small = [day(ahead, rows=5) for ahead in range(4, 8)]
    assert keys.vanished_fields("east", [*before, *small])
    assert keys.vanished_fields("east", [*before, *small[:3]]) == []


# ── keys ──


def test_a_key_that_was_not_there_at_the_beginning() -> None:
    told = [day(0, unused=("naty",)), day(1, unused=("naty", "hifp_pay_2"))]
    (trouble,) = keys.new_keys("east", told, never)
    assert (trouble.code, trouble.detail, trouble.days) == ("keys_unused", "hifp_pay_2", (FIRST + timedelta(days=1),))
    assert keys.new_keys("east", told, lambda key: key == "hifp_pay_2") == []
    assert keys.new_keys("east", told[:1], never) == []


def test_a_new_key_is_new_for_thirty_days() -> None:
    begin = [day(0), day(1, unused=("x",))]
    assert keys.new_keys("east", [*begin, day(30)], never)
    assert keys.new_keys("east", [*begin, day(31)], never) == []


# ── files ──


def waits(why: Any, hours: float = 1, name: str = "setl.csv") -> WaitingFile:
    return WaitingFile(name=name, why=why, since=NOW - timedelta(hours=hours))


def test_files_that_wait_are_named_with_why_and_how_long() -> None:
    (trouble,) = files.waiting_files("east", [waits("no_marker", 5)], Expectation(), now=NOW)
    assert (trouble.code, trouble.level, trouble.count) == ("files_waiting", "know", 1)
    assert "setl.csv" in trouble.detail
    assert "no marker" in trouble.detail
    assert "5小时" in trouble.detail
    assert files.waiting_files("east", [], Expectation(), now=NOW) == []


@pytest.mark.parametrize(
    ("file", "level"),
    [
        (waits("no_marker", 6), "know"),
        (waits("no_marker", 6.1), "act"),
        (waits("still", 0.01), "know"),
        (waits("marker_old", 7), "act"),
        (waits("case", 0), "act"),
        (waits("marker_case", 0), "act"),
        (waits("link", 0), "act"),
        (waits("special", 0), "act"),
        (waits("pattern", 500), "know"),
        (waits("folder", 500), "know"),
    ],
)
def test_when_a_file_is_to_act_on(file: WaitingFile, level: str) -> None:
    (trouble,) = files.waiting_files("east", [file], Expectation(), now=NOW)
    assert trouble.level == level


def test_a_persons_number_in_the_name_of_a_waiting_file_is_masked() -> None:
    (trouble,) = files.waiting_files("east", [waits("case", name="150999198001010017.CSV")], Expectation(), now=NOW)
    assert "150999198001010017" not in trouble.detail


# ── what waits for a person ──


def queue(oldest: date, count: int = 1, pages: int = 0) -> OpenQueue:
    return OpenQueue(name="east", count=count, amount=100, oldest=oldest, newest=oldest, pages=pages)


@pytest.mark.parametrize(
    ("days_ago", "quarantined", "rows", "pages", "level"),
    [
        (6, 0, 100, 0, "know"),
        (7, 0, 100, 0, "act"),
        (0, 10, 100, 0, "know"),
        (0, 11, 100, 0, "act"),
        (0, 4, 4, 0, "know"),
        (0, 5, 5, 0, "act"),
        (0, 0, 100, 1, "act"),
    ],
)
def test_when_quarantine_is_to_act_on(days_ago: int, quarantined: int, rows: int, pages: int, level: str) -> None:
    newest = FeedDay(feed="east", day=FIRST, dated=True, rows=rows, quarantined_rows=quarantined)
    trouble = queues.quarantine(
        queue(NOW.date() - timedelta(days=days_ago), pages=pages), newest, Limits(), today=NOW.date()
    )
    assert (trouble.code, trouble.level, trouble.amount) == ("quarantine_open", level, 100)


@pytest.mark.parametrize(
    ("days_ago", "share", "level"), [(13, None, "know"), (14, None, "act"), (0, 0.5, "know"), (0, 0.51, "act")]
)
def test_when_review_is_to_act_on(days_ago: int, share: float | None, level: str) -> None:
    trouble = queues.review(queue(NOW.date() - timedelta(days=days_ago)), share, Limits(), today=NOW.date())
    assert (trouble.code, trouble.level) == ("review_open", level)


def test_the_share_of_doubts_of_several_feeds() -> None:
    one = FeedDay(feed="east", day=FIRST, dated=True, member_rows=5, review_rows=4)
    assert queues.doubt_share([one]) is None
    assert queues.doubt_share([one, one]) == pytest.approx(8 / 18)
    assert queues.doubt_share([]) is None


@pytest.mark.parametrize(("days_ago", "level"), [(6, "know"), (7, "act")])
def test_when_a_refund_without_its_original_is_to_act_on(days_ago: int, level: str) -> None:
    waiting = queue(NOW.date() - timedelta(days=days_ago))
    trouble = queues.refunds(waiting, Limits(), kind="feed", today=NOW.date())
    assert (trouble.code, trouble.kind, trouble.level, trouble.amount) == ("refunds_waiting", "feed", level, None)
    trouble = queues.refunds(waiting, Limits(), kind="association", today=NOW.date())
    assert (trouble.kind, trouble.amount) == ("association", 100)


# ── how a feed stands ──


def test_a_feed_is_late_after_its_hours() -> None:
    since = NOW - timedelta(hours=36)
    assert standing.late("east", Expectation(), since=since, now=NOW) == []
    (trouble,) = standing.late("east", Expectation(), since=since - timedelta(minutes=1), now=NOW)
    assert (trouble.code, trouble.name) == ("feed_late", "east")


def test_days_off_do_not_count_for_a_feed_that_rests() -> None:
    monday, friday = datetime(2021, 10, 18, 9, 0, tzinfo=SHANGHAI), datetime(2021, 10, 15, 9, 0, tzinfo=SHANGHAI)
    assert standing.late("east", Expectation(), since=friday, now=monday)
    assert standing.late("east", Expectation(days="working"), since=friday, now=monday) == []
    assert standing.late("east", Expectation(days="working"), since=friday, now=monday + timedelta(hours=13))


def test_a_run_that_failed() -> None:
    (trouble,) = standing.failed_run("east", "failed", "目录不可读")
    assert (trouble.code, trouble.detail) == ("feed_failed", "目录不可读")
    for outcome in ("done", "stopped", None):
        assert standing.failed_run("east", outcome, "") == []


@pytest.mark.parametrize(
    ("ahead", "code"), [(-1, "agreement_expired"), (0, "agreement_expiring"), (30, "agreement_expiring"), (31, None)]
)
def test_an_agreement_runs_out(ahead: int, code: str | None) -> None:
    troubles = standing.agreement("east", FIRST + timedelta(days=ahead), today=FIRST, warn_days=30)
    assert [trouble.code for trouble in troubles] == ([code] if code else [])


def test_claims_that_were_late_when_the_feed_began() -> None:
    (trouble,) = standing.late_on_arrival("east", (12, 3400), NOW)
    assert (trouble.code, trouble.count, trouble.amount, trouble.days) == ("late_on_arrival", 12, 3400, (NOW.date(),))
    assert standing.late_on_arrival("east", (0, 0), NOW) == []
