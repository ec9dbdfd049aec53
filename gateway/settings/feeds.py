"""config/feeds/<feed>.toml: where a league's settlement records come from, and on what legal ground."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cache
from typing import Annotated, Final, Literal

from pydantic import Field, create_model, model_validator

from gateway.core.watching.closed_hours import ClosedHours, closed_until
from gateway.core.watching.expectation import Expectation, ExpectedDays
from gateway.model.clock import SHANGHAI
from gateway.ports import ConnectorSpec, FeedWay, Intake, Registry
from gateway.settings.connectors import Connection, connection_table
from gateway.settings.files import Spec

RETENTION_DAYS: Final = 180
"""For how many days a feed's pages are kept where nothing says otherwise."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class Schedule(Spec):
    """When a feed is taken in, in Asia/Shanghai. A sweep may run between `at` and `until` and go on the next night."""

    at: time
    until: time | None = None


class Window(Spec):
    """How far back a first question reaches, and how much a later one overlaps, in days."""

    first_days: Annotated[int, Field(ge=1, le=3660)] = 365
    overlap_days: Annotated[int, Field(ge=0, le=365)] = 7


class Rate(Spec):
    """What the line can bear: at most this many calls in a second (fractions allowed), in a day (Asia/Shanghai), and at
    once; all that call it from this machine together."""

    per_second: Annotated[float, Field(gt=0, le=1000)] = 10.0
    per_day: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    at_once: Annotated[int, Field(ge=1, le=64)] | None = None


class Maintenance(Spec):
    """A time at which the far side is down on purpose, in Asia/Shanghai: nothing is asked of it then. It may pass
    midnight; `weekdays`: of the days it begins on (1 Monday … 7 Sunday), none named: every day."""

    begin: time
    end: time
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = ()

    @model_validator(mode="after")
    def _lasts(self) -> Maintenance:
        if self.begin == self.end:
            raise ValueError("begin 与 end 不能相同 (begin and end differ)")
        return self

    def closed_hours(self) -> ClosedHours:
        """The same for the core."""
        return ClosedHours(begin=self.begin, end=self.end, weekdays=frozenset(self.weekdays))


class Expect(Spec):
    """What a normal day looks like; outside of it is a finding. `rows_per_day`: fewest and most; `days`: whether every
    day, every working day or "any" day tells something; `waiting_hours`: how long a dropped file may wait."""

    rows_per_day: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None = None
    fresh_within_hours: Annotated[int, Field(ge=1)] = 36
    days: ExpectedDays = "every"
    waiting_hours: Annotated[int, Field(ge=0, le=720)] = 6

    @model_validator(mode="after")
    def _fewest_before_most(self) -> Expect:
        if self.rows_per_day is not None and self.rows_per_day[0] > self.rows_per_day[1]:
            raise ValueError("rows_per_day 为 [最少, 最多] ([fewest, most])")
        return self

    def plain(self) -> Expectation:
        """The same for the core."""
        return Expectation(
            fresh_within_hours=self.fresh_within_hours,
            rows_per_day=self.rows_per_day,
            days=self.days,
            waiting_hours=self.waiting_hours,
        )


class Legal(Spec):
    """The ground on which the data may be processed (个人信息保护法 第十三条)."""

    agreement: Annotated[str, Field(min_length=1)]
    purpose: Annotated[str, Field(min_length=1)]
    expires: date


class FeedSpec(Spec):
    """One feed file. `leagues`: a sweep asks only about members of these (roster column `league`); empty for all."""

    feed: Name
    version: Annotated[int, Field(ge=1)] = 1
    name: str
    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    intake: Intake
    mapping: Name
    associations: Annotated[tuple[Name, ...], Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    enabled: bool = True
    retention_days: Annotated[int, Field(ge=1, le=3660)] = RETENTION_DAYS
    replaces: Literal["nothing", "file"] = "nothing"
    leagues: tuple[str, ...] = ()
    takeback_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    connector: Connection[FeedWay, ConnectorSpec]
    schedule: Schedule | None = None
    window: Window = Window()
    rate: Rate = Rate()
    maintenance: tuple[Maintenance, ...] = ()
    expect: Expect = Expect()
    legal: Legal

    @model_validator(mode="after")
    def _intake_fits_connector(self) -> FeedSpec:
        fits = self.connector.way.intake
        if self.intake != fits:
            raise ValueError(f"connector.kind {self.connector.kind} 要求 intake = {fits!r} (goes with it)")
        if self.intake != "receive" and self.schedule is None:
            raise ValueError("intake 为 pull、sweep 时须写 schedule.at (schedule.at is required)")
        if self.schedule is not None and self._is_always_closed(self.schedule.at):
            raise ValueError(
                "schedule.at 落在 [[maintenance]] 时段内，那时不取数 (nothing is asked while the far side is down)"
            )
        return self

    def _is_always_closed(self, at: time) -> bool:
        """Whether the far side is down at this hour on every day of a week, by whichever of its times."""
        hours, week = self.closed_hours, range(1, 8)
        return all(closed_until(hours, datetime(2024, 1, day, at.hour, at.minute, tzinfo=SHANGHAI)) for day in week)

    @property
    def closed_hours(self) -> tuple[ClosedHours, ...]:
        """When the far side is down on purpose."""
        return tuple(closed.closed_hours() for closed in self.maintenance)


@cache
def feed_file(registry: Registry) -> type[FeedSpec]:
    """The specification of a feed file whose `[connector]` is of one of the registry's kinds."""
    table = connection_table(registry.feeds)
    return create_model("FeedSpec", __base__=FeedSpec, __doc__=FeedSpec.__doc__, connector=table)
