"""Days are read again: told first, written down, and what they say now takes the place of what they said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import EAST_AND_WEST, LINE, adds_up, content, enrolled, payable, row, rows_of
from test_flow_sweep import Line, fails_for, windows
from typer.testing import CliRunner

from connectors.feeds.database import Database, DatabaseSpec
from connectors.registry import REGISTRY
from connectors.transport.days import AskedByDay, DayContent, DayMemory, Days
from gateway.cli.clerk import seat
from gateway.cli.main import app
from gateway.errors import Conflict, WrongUse
from gateway.flow.intake.night import pull
from gateway.flow.intake.rewinding import look_back, set_back
from gateway.flow.intake.sweep import sweep
from gateway.flow.office import Office
from gateway.model.page import Fetched
from gateway.ports import Clock, SetsBack, SiteFolder, Surroundings
from gateway.store import cursors, schema
from gateway.wiring import shanghai_now

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

MONDAY = date(2021, 10, 4)


def around(site: Path, clock: Clock) -> Surroundings:
    return Surroundings(name="east", site=site, clock=clock, read_secret=lambda _: "", kept_name=str)


class Daily(AskedByDay):
    """A league with one stay a day; what a day says follows from `scope`."""

    def __init__(self, office: Office) -> None:
        self._days = Days(around(office.site, office.clock), infno="x")
        self.scope, self.read = "15000.00", list[date]()

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        return self._days.fetch(self.day, cursor, first=first, last=last)

    def release(self, fetched: Fetched) -> None:
        pass

    def day(self, day: date) -> DayContent:
        self.read.append(day)
        page = content([row(f"A{day:%d}", day.day)])
        return DayContent(pages=[page] if day >= MONDAY else [], digest=f"{day}")


@pytest.fixture
def office(make_office: MakeOffice, database_url: str, clock: Hands) -> Office:
    clock.set(2021, 10, 9, 8)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, *range(1, 9))
    return office


def test_days_are_told_then_read_again_once(office: Office) -> None:
    league = Daily(office)
    assert look_back(office, "east", league, None).reached is None
    assert pull(office, "east", league, first=None, last=None) == 5
    before, sums = payable(office), adds_up(office)
    told = look_back(office, "east", league, date(2021, 10, 6))
    assert (told.reached, told.days, told.pages, told.rows, told.done) == (date(2021, 10, 8), 3, 3, 3, False)
    assert pull(office, "east", league, first=None, last=None) == 0
    done = set_back(office, "east", league, date(2021, 10, 6), by="clerk")
    assert (done.days, done.done) == (3, True)
    assert pull(office, "east", league, first=None, last=None) == 3
    # What comes again says what it said: a page more, and nobody's claim is another one.
    assert payable(office) == before
    assert adds_up(office)["member"] == sums["member"]
    assert look_back(office, "east", league, date(2021, 10, 6)).rows == 3
    assert pull(office, "east", league, first=None, last=None) == 0
    assert [(look["by"], look["what"]) for look in rows_of(office, schema.review_access)] == [("clerk", "feed_rewind")]


def test_what_cannot_be_set_back_says_so(office: Office) -> None:
    league = Daily(office)
    with pytest.raises(WrongUse, match="只读到"):
        look_back(office, "east", league, MONDAY)
    pull(office, "east", league, first=None, last=None)
    with pytest.raises(WrongUse, match="只读到 2021-10-08"):
        set_back(office, "east", league, date(2021, 10, 9), by="clerk")
    with pytest.raises(WrongUse, match="400"):
        set_back(office, "east", league, date(2020, 1, 1), by="clerk")
    with pytest.raises(WrongUse, match="feed replay"):
        look_back(office, "east", object(), None)
    assert rows_of(office, schema.review_access) == []


def test_at_the_terminal_it_is_told_and_asked_first(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    league = Daily(office)
    pull(office, "east", league, first=None, last=None)
    monkeypatch.setattr("gateway.cli.site.open_office", lambda context: seat(context, office))
    monkeypatch.setattr("gateway.wiring.feed_connector", lambda *_: league)
    shown = CliRunner().invoke(app, ["feed", "rewind", "east"])
    assert (shown.exit_code, "2021-10-08" in shown.output) == (0, True)
    refused = CliRunner().invoke(app, ["feed", "rewind", "east", "--to", "2021-10-07"], input="n\n")
    assert refused.exit_code != 0
    assert "2天；已存2页，约2行" in refused.output
    assert rows_of(office, schema.review_access) == []
    done = CliRunner().invoke(app, ["feed", "rewind", "east", "--to", "2021-10-07", "--yes", "--by", "甲"])
    assert (done.exit_code, "已回退" in done.output) == (0, True)
    assert pull(office, "east", league, first=None, last=None) == 2


def test_members_a_sweep_asked_about_are_asked_about_earlier_days_again(
    make_office: MakeOffice, database_url: str, clock: Hands
) -> None:
    clock.set(2021, 10, 9, 8)
    office = make_office(database_url, feeds=LINE)
    enrolled(office, 1, 2)
    assert look_back(office, "line", Line(), None).reached is None
    sweep(office, "line", Line())
    clock.move(days=3)
    sweep(office, "line", Line(fails_for(2)))
    told = look_back(office, "line", Line(), date(2021, 10, 10))
    assert (told.reached, told.days, told.people, told.done) == (date(2021, 10, 12), 3, 1, False)
    done = set_back(office, "line", Line(), date(2021, 10, 5), by="clerk")
    assert (done.people, done.done) == (2, True)
    line = Line()
    clock.move(days=1)
    sweep(office, "line", line)
    # Seven days before the day that was set back to, as after any other answer.
    assert windows(line) == {number: (date(2021, 9, 28), date(2021, 10, 13)) for number in (1, 2)}
    with pytest.raises(WrongUse, match="只读到 2021-10-13"):
        set_back(office, "line", Line(), date(2021, 10, 14), by="clerk")


def test_a_run_that_moves_on_meanwhile_is_not_undone(office: Office) -> None:
    pull(office, "east", Daily(office), first=None, last=None)
    with office.store.write() as tx, pytest.raises(Conflict):
        cursors.set_back(tx, "east", "{}", cursor_version=1)


def test_every_way_that_walks_days_or_a_watermark_can_be_set_back() -> None:
    able = {
        kind for kind, way in REGISTRY.feeds.items() if isinstance(way.make, type) and issubclass(way.make, SetsBack)
    }
    assert able == {
        "daily-job",
        "database",
        "national-list",
        "open-platform",
        "soap-list",
        "statement-diff",
        "xml-list",
    }


def test_owed_days_stay_owed_and_earlier_days_are_left_alone() -> None:
    memory = DayMemory(
        run=3, until=date(2021, 10, 8), owed=[date(2021, 9, 1)], seen={"2021-10-05": "a", "2021-10-07": "b"}
    )
    memory.set_back(date(2021, 10, 7))
    assert memory.owed == [date(2021, 9, 1), date(2021, 10, 7), date(2021, 10, 8)]
    assert memory.seen == {"2021-10-05": "a"}


@pytest.mark.parametrize(
    ("mark", "after"),
    [
        ("2021-10-08 09:30:00", "2021-10-06 00:00:00"),
        ("20211008093000", "2021-10-06 00:00:00"),
        ("2021-10-05 09:30:00", "2021-10-05 09:30:00"),
    ],
)
def test_a_watermark_is_set_back_to_midnight_and_never_forward(tmp_path: Path, mark: str, after: str) -> None:
    spec = DatabaseSpec(url=f"sqlite:///{SiteFolder('league.db')}", table="v", watermark="m", key=("k",))
    database = Database(spec, around(tmp_path, shanghai_now))
    cursor = database.set_back(f'{{"mark":"{mark}","seen":[["{mark}","00"]]}}', date(2021, 10, 6))
    assert f'"mark":"{after}"' in cursor
    with pytest.raises(WrongUse, match="水位不是时间"):
        database.set_back('{"mark":"4711"}', date(2021, 10, 6))
