"""The parsers `date` and `datetime`: days and instants of Asia/Shanghai."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.normalise.dates import date_parser, datetime_parser, format_ok
from gateway.core.normalise.language import EMPTY
from gateway.core.normalise.problems import Wrong
from gateway.model.clock import SHANGHAI_OFFSET as SHANGHAI

EMPTIES = frozenset(EMPTY)
day = date_parser((), EMPTIES, epoch_ms=True)
strict_day = date_parser((), EMPTIES, epoch_ms=False)
slashed = date_parser(("yyyy-MM-dd", "yyyy/M/d", "yyyyMMdd", "yyyy年M月d日"), EMPTIES, epoch_ms=False)
instant = datetime_parser((), EMPTIES, epoch_ms=True)

BAD_DATES = [
    "2026-02-30", "2026-13-01", "2026-00-10", "2025-02-29", "2026-W01-1", "2026-3-1", "2026/03/01", "26-03-01",
    "２０２６-０３-０１", "0001-01-01", "1900-00-00", "9999-12-31", "2026-03-01x", "x2026-03-01", "03-01-2026", "today",
    "2026-03-01 25:00:00", "2026-03-01T10:00:00+99:00", "2026 03 01", "20261301", "202603", "2026-03-01 10", "-1",
    "1" * 40, "2026-03-01\x00", "12:00:00", "20263001",
]  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01", "20260301", 20260301, " 2026-03-01\t", "2026-03-01 00:00:00", "2026-03-01 23:59:59",
        "2026-03-01T08:00:00+08:00", "2026-02-28T16:30:00Z", "2026-02-28 16:30:00+0000", "2026-03-01 10:00",
        1772294400000, "1772294400000", "2026-03-01T10:00:00.123456",
    ],
)  # fmt: skip
def test_every_way_of_writing_a_day_gives_that_day(value: Any) -> None:
    assert day(value) == date(2026, 3, 1)


@pytest.mark.parametrize("value", BAD_DATES)
def test_hostile_text_is_no_date(value: str) -> None:
    with pytest.raises(Wrong) as caught:
        day(value)
    assert caught.value.code == "not_a_date"


@pytest.mark.parametrize("value", [True, [], {}, ["2026-03-01"]])
def test_another_type_is_no_date(value: Any) -> None:
    with pytest.raises(Wrong) as caught:
        day(value)
    assert caught.value.code == "wrong_type"


@pytest.mark.parametrize("value", [10**14, -(10**20), 10**300, 5, -3])
def test_a_number_that_is_no_instant_is_no_date(value: int) -> None:
    with pytest.raises(Wrong):
        day(value)


@pytest.mark.parametrize("value", [None, "", "null", "nan", "  "])
def test_empty_is_no_date(value: Any) -> None:
    assert day(value) is None
    assert instant(value) is None


def test_epoch_milliseconds_only_where_allowed_and_in_shanghai() -> None:
    assert day(315504000000) == date(1980, 1, 1)
    assert day(-315648000000) == date(1960, 1, 1)
    with pytest.raises(Wrong):
        strict_day(315504000000)


def test_a_birthday_in_the_summers_with_daylight_saving_time_is_that_day() -> None:
    midnight = datetime(1988, 7, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert midnight.utcoffset() == timedelta(hours=9)
    assert day(int(midnight.timestamp() * 1000)) == date(1988, 7, 1)


@settings(max_examples=200)
@given(st.dates(date(1950, 1, 1), date(2030, 1, 1)))
def test_local_midnight_in_epoch_milliseconds_is_its_day(some: date) -> None:
    midnight = datetime(some.year, some.month, some.day, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert day(int(midnight.timestamp() * 1000)) == some


@settings(max_examples=200)
@given(st.dates(date(1941, 1, 1), date(2030, 1, 1)))
def test_local_midnight_in_epoch_seconds_is_its_day(some: date) -> None:
    seconds = int(datetime(some.year, some.month, some.day, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())
    # One midnight in a thousand days is one in milliseconds as well, and that is what the national interface sends.
    if (seconds + 8 * 3600) % 86_400_000:
        assert day(seconds) == some


@pytest.mark.parametrize("value", [-28800000, "-28800000", 0, "0", 28800000 - 28800000])
def test_a_birth_on_the_first_day_of_1970_in_milliseconds_is_that_day(value: Any) -> None:
    assert day(value) == date(1970, 1, 1)


@pytest.mark.parametrize(
    ("value", "birth"),
    [
        (57600000, date(1970, 1, 2)), (86400000, date(1970, 1, 2)), (-115200000, date(1969, 12, 31)),
        (315504000, date(1980, 1, 1)), (315532800, date(1980, 1, 1)), (-315648000, date(1960, 1, 1)),
        (1772294400, date(2026, 3, 1)), (583686000, date(1988, 7, 1)),
    ],
)  # fmt: skip
def test_a_birth_counted_from_1970_is_told_apart_by_midnight(value: int, birth: date) -> None:
    assert day(value) == birth


@pytest.mark.parametrize("value", [1000, 43201000, 300000000, 20260228])
def test_a_birth_that_is_the_beginning_of_no_day_is_refused(value: int) -> None:
    with pytest.raises(Wrong):
        date_parser(("yyyy-MM-dd",), EMPTIES, epoch_ms=True)(value)


settled = datetime_parser((), EMPTIES, epoch_ms=True, first_year=2000)
admitted = date_parser((), EMPTIES, epoch_ms=True, first_year=2000)


@pytest.mark.parametrize("value", [1772330400, "1772330400", 1772330400000, "1772330400000", "20260301100000"])
def test_a_settlement_in_seconds_or_milliseconds_is_the_same_instant(value: Any) -> None:
    assert settled(value) == datetime(2026, 3, 1, 10, tzinfo=SHANGHAI)
    assert admitted(value) == date(2026, 3, 1)


@settings(max_examples=200)
@given(st.datetimes(datetime(2000, 1, 2), datetime(2199, 12, 30)))  # noqa: DTZ001 - made aware below
def test_no_count_of_a_settlement_can_be_both(naive: datetime) -> None:
    aware = naive.replace(microsecond=0, tzinfo=SHANGHAI)
    seconds = int(aware.timestamp())
    assert settled(seconds) == settled(seconds * 1000) == aware


@pytest.mark.parametrize(
    "value", ["1999-12-31", "1999-12-31 23:59:59", "19700121", "1900-01-01", 315504000000, "1970-01-21T12:18:50+08:00"]
)
def test_a_settlement_of_before_2000_is_never_sound(value: Any) -> None:
    with pytest.raises(Wrong) as caught:
        admitted(value)
    assert caught.value.code == "too_early"


@pytest.mark.parametrize("value", [0, -28800000, 20261128, "20261128", 5])
def test_a_number_that_makes_no_sense_is_no_time_of_a_settlement(value: Any) -> None:
    with pytest.raises(Wrong) as caught:
        settled(value)
    assert caught.value.code == "not_a_datetime"


@pytest.mark.parametrize("value", ["2026-03-01", "2026/3/1", "2026/03/01", "20260301", "2026年3月1日", "2026/3/01"])
def test_named_formats(value: str) -> None:
    assert slashed(value) == date(2026, 3, 1)


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01 10:00:00", "2026-03-01T10:00:00", "2026-03-01T02:00:00Z", "2026-03-01T10:00:00+08:00",
        "2026-03-01T03:00:00+01:00", "20260301100000", "20260301100000000", 20260301100000, 1772330400000,
    ],
)  # fmt: skip
def test_every_way_of_writing_an_instant_gives_that_instant(value: Any) -> None:
    found = instant(value)
    assert found == datetime(2026, 3, 1, 10, tzinfo=SHANGHAI)
    assert found is not None
    assert found.isoformat() == "2026-03-01T10:00:00+08:00"


@pytest.mark.parametrize(
    "value",
    ["10:00:00", "2026-03-01 24:00:00", "2026-03-01x10:00:00", "2026-W09-7 10:00:00", "2026-03-01 10:00:60", "2026-03"],
)
def test_hostile_text_is_no_instant(value: str) -> None:
    with pytest.raises(Wrong) as caught:
        instant(value)
    assert caught.value.code == "not_a_datetime"


def test_a_day_without_a_time_is_its_first_moment() -> None:
    assert instant("2026-03-01") == datetime(2026, 3, 1, tzinfo=SHANGHAI)


@settings(max_examples=200)
@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_a_written_date_is_read_back(some: date) -> None:
    assert day(some.isoformat()) == day(f"{some:%Y%m%d}") == some
    assert slashed(f"{some.year}/{some.month}/{some.day}") == some


@settings(max_examples=200)
@given(
    st.datetimes(datetime(1900, 1, 2), datetime(2100, 12, 30)),  # noqa: DTZ001 - made aware below
    st.integers(-12, 14),
)
def test_a_written_instant_is_read_back_whatever_its_offset(naive: datetime, hours: int) -> None:
    aware = naive.replace(microsecond=0, tzinfo=timezone(timedelta(hours=hours)))
    assert instant(aware.isoformat()) == aware
    assert day(aware.isoformat()) == aware.astimezone(SHANGHAI).date()
    if abs(aware.timestamp()) > 100_000 and aware.year > 1991:
        assert instant(int(aware.timestamp() * 1000)) == aware


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd", "yyyy/M/d H:mm:ss", "yyyyMMddHHmmssSSS", "yyyy年M月d日"])
def test_formats_of_the_vocabulary(pattern: str) -> None:
    assert format_ok(pattern)


@pytest.mark.parametrize(
    "pattern", ["", "dd", "yyyy-MM", "%Y-%m-%d", "yyyy-MM-dd-dd", "yyyy-MM-ddTHH", "YYYY-MM-DD", "d/M/yy"]
)
def test_formats_outside_the_vocabulary(pattern: str) -> None:
    assert not format_ok(pattern)
