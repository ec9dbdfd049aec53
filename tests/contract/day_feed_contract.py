"""What every feed promises that is asked day by day, whatever it speaks: inherited by each of them.

A suite says how its league is played (`league`) and how its connector is made (`feed`). The league is the sandbox's
own, behind a real server that can also misbehave on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from misbehaving_server import LocalServer, Reply, Seen

from gateway.errors import Refused, Unavailable
from gateway.model.page import Fetched
from gateway.ports import PullFeed, Surroundings
from gateway.sandbox.day_book import DayBook
from gateway.sandbox.servers import App, Request

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 5, 2, 0, tzinfo=SHANGHAI)
DAYS = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]


def settlement(number: str, **changes: Any) -> dict[str, Any]:
    """A row as the platform tells it; nobody's."""
    return {
        "setl_id": number,
        "mdtrt_id": f"V{number}",
        "psn_no": "15099900000000000001",
        "psn_name": "测试甲",
        "certno": "150999198001010017",
        "insutype": "310",
        "clr_type": "21",
        "medfee_sumamt": "100.10",
        "fund_pay_sumamt": "60.00",
        "acct_pay": "0.00",
        "refd_setl_flag": "0",
        "setl_time": "2026-03-01 10:00:00",
        **changes,
    }


class DayRig:
    """A league behind a server, a clock that sleeping moves, and what goes wrong: `fault` answers instead."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.slept: list[float] = []
        self.book = DayBook({day: [settlement(f"S{day.day}1"), settlement(f"S{day.day}2")] for day in DAYS})
        self.fault: Callable[[Seen], Reply | None] = lambda seen: None
        self.app: App | None = None
        self.server = LocalServer(self._answer)

    def time(self) -> float:
        return self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def around(self, **options: Any) -> Surroundings:
        """A site's surroundings in which a secret's name is its text."""
        given: dict[str, Any] = {
            "name": "league",
            "site": self.folder,
            "clock": lambda: self.now,
            "read_secret": str,
            "per_second": 1000.0,
            "first_days": 3,
            "overlap_days": 2,
        }
        return Surroundings(**{"kept_name": str, **given, **options})

    def _answer(self, seen: Seen) -> Reply:
        wrong = self.fault(seen)
        if wrong is not None:
            return wrong
        assert self.app is not None
        reply = self.app.answer(Request(method=seen.method, path=seen.path, headers=seen.headers, body=seen.body))
        return Reply(status=reply.status, body=reply.body, headers={"content-type": reply.content_type})


def once(answer: Reply, *, nth: int = 1) -> Callable[[Seen], Reply | None]:
    """The nth call goes wrong like this, and no other."""
    calls: list[Seen] = []

    def fault(seen: Seen) -> Reply | None:
        calls.append(seen)
        return answer if len(calls) == nth else None

    return fault


def take(feed: PullFeed, cursor: str | None = None, **days: date | None) -> tuple[list[Fetched], str | None]:
    """Fetch, "store" and release as the flow does; what came before the line went down is kept."""
    pages: list[Fetched] = []
    try:
        for page in feed.fetch(cursor, first=days.get("first"), last=days.get("last")):
            cursor = page.cursor
            feed.release(page)
            pages.append(page)
    except Unavailable:
        pass
    return pages, cursor


def days_of(pages: list[Fetched]) -> list[date | None]:
    return list(dict.fromkeys(page.day for page in pages))


class DayFeedContract:
    """Three days of two settlements each, read in the night behind them."""

    wrong_secrets: ClassVar[dict[str, Any]] = {}
    """An option with a secret → the text that is wrong there."""

    def league(self, rig: DayRig) -> App:
        raise NotImplementedError

    def feed(self, rig: DayRig, **options: Any) -> PullFeed:
        raise NotImplementedError

    def tells(self, page: Fetched, number: str) -> bool:
        """Whether a settlement stands in a page."""
        return number.encode() in page.content

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[DayRig]:
        made = DayRig(tmp_path)
        made.app = self.league(made)
        with made.server:
            yield made

    def test_every_day_is_told_once_with_all_it_holds(self, rig: DayRig) -> None:
        pages = list(self.feed(rig).fetch(None, first=None, last=None))
        assert days_of(pages) == DAYS
        assert len({page.request for page in pages}) == len(pages)
        for day in DAYS:
            told = [page for page in pages if page.day == day]
            assert all(any(self.tells(page, f"S{day.day}{place}") for page in told) for place in (1, 2))
            assert [(page.part, page.parts) for page in told] == [(n, len(told)) for n in range(1, len(told) + 1)]

    def test_what_is_known_is_not_told_again(self, rig: DayRig) -> None:
        _, cursor = take(self.feed(rig))
        assert take(self.feed(rig), cursor)[0] == []

    def test_what_was_not_stored_comes_again(self, rig: DayRig) -> None:
        pages = self.feed(rig).fetch(None, first=None, last=None)
        stored = next(pages)
        while stored.part < stored.parts:
            stored = next(pages)
        pages.close()  # type: ignore[attr-defined]
        assert days_of(take(self.feed(rig), stored.cursor)[0]) == DAYS[1:]
        assert days_of(take(self.feed(rig))[0]) == DAYS

    def test_a_correction_is_booked_on_its_own_day(self, rig: DayRig) -> None:
        _, cursor = take(self.feed(rig))
        rig.book.put(DAYS[1], [settlement("S31", medfee_sumamt="99.00"), settlement("S32"), settlement("S33")])
        pages, cursor = take(self.feed(rig), cursor)
        assert days_of(pages) == [DAYS[1]]
        assert any(self.tells(page, "S33") for page in pages)
        rig.book.put(DAYS[1], [settlement("S31"), settlement("S32")])
        again, _ = take(self.feed(rig), cursor)
        assert days_of(again) == [DAYS[1]]
        assert {page.request for page in again}.isdisjoint(page.request for page in pages)

    def test_the_next_night_reads_the_next_day(self, rig: DayRig) -> None:
        _, cursor = take(self.feed(rig))
        rig.now += timedelta(days=1)
        rig.book.put(date(2026, 3, 5), [settlement("S51"), settlement("S52")])
        assert days_of(take(self.feed(rig), cursor)[0]) == [date(2026, 3, 5)]

    def test_a_day_without_settlements_and_a_window_without_days(self, rig: DayRig) -> None:
        rig.book.put(DAYS[2], [])
        pages, cursor = take(self.feed(rig))
        assert set(days_of(pages)) >= set(DAYS[:2])
        assert not any(self.tells(page, "S41") for page in pages)
        assert take(self.feed(rig), cursor)[0] == []
        assert take(self.feed(rig), first=DAYS[1], last=DAYS[0])[0] == []

    def test_only_the_days_asked_for(self, rig: DayRig) -> None:
        assert days_of(take(self.feed(rig), first=DAYS[1], last=DAYS[1])[0]) == [DAYS[1]]

    def test_a_clock_of_another_zone_asks_for_the_same_days(self, rig: DayRig) -> None:
        rig.now = NOW.astimezone(UTC)
        assert days_of(take(self.feed(rig))[0]) == DAYS

    @pytest.mark.parametrize("answer", [Reply(status=503), Reply(wire="drop")], ids=["503", "dropped"])
    def test_one_answer_that_fails_is_asked_for_again(self, rig: DayRig, answer: Reply) -> None:
        rig.fault = once(answer, nth=2)
        assert days_of(list(self.feed(rig).fetch(None, first=None, last=None))) == DAYS

    @pytest.mark.parametrize(
        "answer",
        [
            Reply(status=500),
            Reply(wire="hang"),
            Reply(body=b'{"infcode": 0, "out', wire="half"),
            Reply(body=b"\xff\xfe\x00 not an answer"),
            Reply(body=b"<html>gateway</html>"),
            Reply(body=b"{", wire="drip"),
        ],
        ids=["500", "hang", "cut", "broken", "html", "drip"],
    )
    def test_a_line_that_is_down_loses_nothing(self, rig: DayRig, answer: Reply) -> None:
        rig.fault = lambda seen: answer
        with pytest.raises(Unavailable, match="league"):
            list(self.feed(rig, timeout_seconds=0.1, tries=1).fetch(None, first=None, last=None))
        rig.fault = lambda seen: None
        assert days_of(take(self.feed(rig))[0]) == DAYS

    def test_a_day_that_cannot_be_read_is_owed_and_holds_up_no_other(self, rig: DayRig) -> None:
        def about_the_second(seen: Seen) -> Reply | None:
            digits = seen.body.replace(b"-", b"")
            return Reply(status=500) if b"20260303" in digits else None

        rig.fault = about_the_second
        feed = self.feed(rig, tries=1)
        pages: list[Fetched] = []
        with pytest.raises(Unavailable):
            pages.extend(feed.fetch(None, first=None, last=None))
        pages, cursor = take(self.feed(rig, tries=1))
        assert days_of(pages) == [DAYS[0], DAYS[2]]
        rig.fault = lambda seen: None
        rig.now += timedelta(days=5)
        assert DAYS[1] in days_of(take(self.feed(rig), cursor)[0])

    def test_wrong_credentials_stop_the_run_and_are_not_told(self, rig: DayRig) -> None:
        for option, wrong in self.wrong_secrets.items():
            with pytest.raises((Refused, Unavailable)) as refused:
                list(self.feed(rig, **{option: wrong}).fetch(None, first=None, last=None))
            assert str(wrong) not in str(refused.value)

    def test_a_run_that_is_stopped_asks_for_nothing_more(self, rig: DayRig) -> None:
        pages = self.feed(rig).fetch(None, first=None, last=None)
        next(pages)
        asked = len(rig.server.seen)
        pages.close()  # type: ignore[attr-defined]
        assert len(rig.server.seen) == asked

    @pytest.mark.parametrize("cursor", ["", "{", "[]", '{"run": "x"}', "[" * 5000])
    def test_a_cursor_that_cannot_be_read_begins_anew(self, rig: DayRig, cursor: str) -> None:
        assert days_of(take(self.feed(rig), cursor)[0]) == DAYS

    def test_releasing_what_is_unknown_does_no_harm(self, rig: DayRig) -> None:
        self.feed(rig).release(Fetched(content=b"", request="unheard"))
