"""A try over a feed's line: what comes is shown, the cursor stands still, nothing is stored but that it was tried."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest
from builders import EAST_AND_WEST, content, enrolled, row, rows_of

from gateway.errors import Unavailable
from gateway.flow.intake.night import pull
from gateway.flow.intake.trying import TrialScope, try_line
from gateway.flow.office import Office
from gateway.model.page import Fetched
from gateway.store import cursors, schema

if TYPE_CHECKING:
    from conftest import MakeOffice

SCOPE = TrialScope(ticks=lambda: 0.0, pages=2)


class ThreeDays:
    """A line with a page a day, of which the third breaks off where it is asked to."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.released: list[str] = []
        self._breaks = breaks

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        for day in range(int(cursor or 0) + 1, 4):
            if self._breaks and day > 1:
                raise Unavailable("http_503")
            yield Fetched(content=content([row(f"A{day}", 1)]), request=f"day:{day}", cursor=str(day))

    def release(self, fetched: Fetched) -> None:
        self.released.append(fetched.request)


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1)
    return office


def test_nothing_is_stored_but_that_somebody_tried(office: Office) -> None:
    line = ThreeDays()
    trial = try_line(office, "east", line, scope=SCOPE, by="clerk")
    assert [(page.request, page.records) for page in trial.pages] == [("day:1", 1), ("day:2", 1)]
    assert (trial.more, trial.sound, line.released) == (True, True, [])
    assert [rows_of(office, table) for table in (schema.page, schema.record, schema.quarantine)] == [[], [], []]
    assert [(look["by"], look["what"]) for look in rows_of(office, schema.review_access)] == [("clerk", "feed_try")]


def test_the_cursor_stands_where_it_stood(office: Office) -> None:
    assert pull(office, "east", ThreeDays(), first=None, last=None) == 3
    with office.store.read() as tx:
        before = cursors.of_feed(tx, "east")
    assert try_line(office, "east", ThreeDays(), scope=SCOPE, by="clerk").pages == []
    with office.store.read() as tx:
        assert cursors.of_feed(tx, "east") == before


def test_a_line_that_breaks_off_shows_what_came_before(office: Office) -> None:
    trial = try_line(office, "east", ThreeDays(breaks=True), scope=SCOPE, by="clerk")
    assert ([page.request for page in trial.pages], trial.error, trial.sound) == (["day:1"], "http_503", False)
