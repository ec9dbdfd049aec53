"""What every PullFeed promises, whatever it reads: a connector's test inherits this and sets up its league."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.errors import Refused, Unavailable
from gateway.model.page import Fetched
from gateway.ports import ConnectorSpec, PullFeed

SECRET = "a-secret-for-tests"
LONGEST = 8.0
"""Seconds after which a test calls a time-out of one second not kept."""


class PullLeague:
    """A league's side as a connector's test sets it up. What a way of speaking cannot do stays as it is here."""

    def put(self, *numbers: str) -> None:
        """The league tells these settlements, in one piece."""
        raise NotImplementedError

    def feed(self, **options: Any) -> PullFeed:
        """A connector with small pages; `options` of its spec."""
        raise NotImplementedError

    def numbers(self, page: Fetched) -> list[str]:
        """The settlement numbers a page holds, in order."""
        raise NotImplementedError

    def spec(self) -> ConnectorSpec:
        """The spec of the connector, with an address where the league is reached."""
        raise NotImplementedError

    def spec_of_nobody(self) -> ConnectorSpec:
        """The same with an address where nobody is."""
        raise NotImplementedError

    def hang(self) -> None:
        """From now on the league takes connections and says nothing."""
        pytest.skip("nobody at the other end: files on a disk of this machine do not hang by themselves")

    def drip(self) -> None:
        """From now on it answers a byte at a time."""
        pytest.skip("nobody at the other end: files on a disk of this machine do not drip")

    def feed_with_wrong_credentials(self) -> PullFeed:
        """A connector whose secret is not the league's."""
        pytest.skip("this way of speaking has no secret")

    def put_broken(self) -> None:
        """The league tells something that is damaged."""
        raise NotImplementedError


def taken(feed: PullFeed, cursor: str | None = None, *, most: int | None = None) -> tuple[list[Fetched], str | None]:
    """Pages fetched, "stored" and released as the flow does; at most so many, then the caller stops."""
    pages: list[Fetched] = []
    fetching = feed.fetch(cursor, first=None, last=None)
    for page in fetching:
        cursor = page.cursor
        pages.append(page)
        feed.release(page)
        if len(pages) == most:
            break
    close = getattr(fetching, "close", None)
    if close is not None:
        close()
    return pages, cursor


class PullSuite:
    """Inherited by a test class that has a fixture `league`."""

    ALL = tuple(f"S{number:05d}" for number in range(1, 36))
    """More than one page of a connector that `feed()` makes."""

    COMES_AGAIN = False
    """Whether a page of which the cursor was not stored may come again although it was released."""

    @pytest.fixture
    def filled(self, league: PullLeague) -> PullLeague:
        league.put(*self.ALL)
        return league

    def told(self, league: PullLeague, pages: list[Fetched]) -> list[str]:
        return [number for page in pages for number in league.numbers(page)]

    def test_check_says_whether_the_league_is_there(self, filled: PullLeague, tmp_path: Any) -> None:
        assert list(filled.spec().unreachable(tmp_path)) == []
        assert len(filled.spec_of_nobody().unreachable(tmp_path)) == 1

    def test_everything_comes_once_in_pages(self, filled: PullLeague) -> None:
        pages, _ = taken(filled.feed())
        assert len(pages) > 1
        assert sorted(self.told(filled, pages)) == sorted(self.ALL)
        assert len({page.request for page in pages}) == len(pages)

    def test_nothing_new_is_no_page(self, filled: PullLeague) -> None:
        _, cursor = taken(filled.feed())
        assert taken(filled.feed(), cursor)[0] == []

    def test_from_a_cursor_only_what_is_new(self, filled: PullLeague) -> None:
        _, cursor = taken(filled.feed())
        filled.put("T00001", "T00002")
        pages, _ = taken(filled.feed(), cursor)
        assert self.told(filled, pages) == ["T00001", "T00002"]

    def test_resumed_in_the_middle_nothing_is_missing(self, filled: PullLeague) -> None:
        before, cursor = taken(filled.feed(), most=1)
        after, _ = taken(filled.feed(), cursor)
        assert {*self.told(filled, before), *self.told(filled, after)} == {*self.ALL}

    def test_the_same_page_is_the_same_page(self, filled: PullLeague) -> None:
        first = list(filled.feed().fetch(None, first=None, last=None))
        again = list(filled.feed().fetch(None, first=None, last=None))
        assert [(page.request, page.content) for page in again] == [(page.request, page.content) for page in first]

    def test_a_clock_in_another_zone_changes_nothing(self, filled: PullLeague, far_zone: None) -> None:
        pages, _ = taken(filled.feed())
        assert sorted(self.told(filled, pages)) == sorted(self.ALL)

    @pytest.fixture
    def far_zone(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with monkeypatch.context() as patched:
            patched.setenv("TZ", "America/Los_Angeles")
            time.tzset()
            yield
        time.tzset()

    def test_a_caller_that_stops_leaves_the_rest(self, filled: PullLeague) -> None:
        pages, cursor = taken(filled.feed(), most=1)
        rest, _ = taken(filled.feed(), cursor)
        assert rest
        assert len(self.told(filled, pages)) < len(self.ALL)

    def test_releasing_what_is_unknown_does_no_harm(self, filled: PullLeague) -> None:
        filled.feed().release(Fetched(content=b"", request="never:heard"))

    def test_what_is_damaged_stops_nothing_else(self, filled: PullLeague) -> None:
        filled.put_broken()
        told = []
        feed = filled.feed()
        try:
            for page in feed.fetch(None, first=None, last=None):
                told += filled.numbers(page)
                feed.release(page)
        except (Unavailable, Refused):
            pass
        assert {*self.ALL} <= {*told}

    def test_a_league_that_hangs_is_left_in_time(self, filled: PullLeague) -> None:
        self._left_in_time(filled, filled.hang)

    def test_a_league_that_drips_is_left_in_time(self, filled: PullLeague) -> None:
        self._left_in_time(filled, filled.drip)

    def _left_in_time(self, league: PullLeague, go_wrong: Any) -> None:
        go_wrong()
        feed, began = league.feed(timeout_seconds=1.0), time.monotonic()
        with pytest.raises(Unavailable):
            list(feed.fetch(None, first=None, last=None))
        assert time.monotonic() - began < LONGEST

    def test_wrong_credentials_are_said_without_the_secret(self, filled: PullLeague) -> None:
        feed = filled.feed_with_wrong_credentials()
        with pytest.raises((Unavailable, Refused)) as refused:
            list(feed.fetch(None, first=None, last=None))
        assert SECRET not in str(refused.value)
