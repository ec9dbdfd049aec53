"""When a feed is due: from its schedule and its last good run, nothing else."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.feeds import folder
from gateway.flow.intake.night import due_times
from gateway.model.clock import SHANGHAI
from gateway.settings.connectors import Connection
from gateway.settings.feeds import FeedSpec, Legal, Schedule

MOST = 31


def feed(at: time | None, *, enabled: bool = True) -> FeedSpec:
    return FeedSpec(
        feed="files",
        name="试验",
        region="150999",
        intake="pull",
        mapping="national",
        associations=("nm",),
        owner="test",
        enabled=enabled,
        connector=Connection("folder", folder.WAY, folder.FolderSpec(folder="in", pattern="*.csv")),
        schedule=Schedule(at=at or time(2)),
        legal=Legal(agreement="invented", purpose="test", expires=date(2099, 12, 31)),
    )


def on(*when: int) -> datetime:
    return datetime(*when, tzinfo=SHANGHAI)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("after", "now", "due"),
    [
        (None, on(2021, 10, 8, 9), [on(2021, 10, 7, 2), on(2021, 10, 8, 2)]),
        (None, on(2021, 10, 8, 1, 59, 59), [on(2021, 10, 7, 2)]),
        (on(2021, 10, 8, 2), on(2021, 10, 8, 9), []),
        (on(2021, 10, 7, 2), on(2021, 10, 8, 2), [on(2021, 10, 8, 2)]),
        (on(2021, 10, 7, 2), on(2021, 10, 8, 1, 59), []),
        (on(2021, 10, 5, 2), on(2021, 10, 8, 9), [on(2021, 10, day, 2) for day in (6, 7, 8)]),
        # Somebody ran it by hand in the afternoon: the night before is done with, the next one is not.
        (on(2021, 10, 7, 15), on(2021, 10, 8, 9), [on(2021, 10, 8, 2)]),
        (on(2022, 2, 28, 2), on(2022, 3, 1, 3), [on(2022, 3, 1, 2)]),
        # The clock was set back: what lies ahead is not due.
        (on(2021, 10, 20, 2), on(2021, 10, 8, 9), []),
    ],
)
def test_due_times(after: datetime | None, now: datetime, due: list[datetime]) -> None:
    assert due_times(feed(None), after=after, now=now) == due


def test_a_feed_that_is_off_is_never_due() -> None:
    assert due_times(feed(None, enabled=False), after=None, now=on(2021, 10, 8, 9)) == []


MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
MOMENTS = st.datetimes(datetime(2019, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 - the zone is set here
    lambda moment: moment.replace(tzinfo=SHANGHAI)
)


@settings(max_examples=150, deadline=None)
@given(at=MINUTES, now=MOMENTS, back=st.integers(0, 60 * 24 * 60))
def test_every_day_between_is_due_once(at: time, now: datetime, back: int) -> None:
    after = now - timedelta(minutes=back)
    due = due_times(feed(at), after=after, now=now)
    # The naive count: look at every day there is, and keep what lies between.
    days = [now.date() - timedelta(days=ago) for ago in range(MOST, -1, -1)]
    moments = [datetime.combine(day, at, tzinfo=SHANGHAI) for day in days]
    assert due == [moment for moment in moments if after < moment <= now]
