"""A line is asked nothing while it is down on purpose, and no more in a day than its owner allows; what is left is
asked afterwards, and said."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from builders import LINE, enrolled, only, rows_of
from test_flow_sweep import Line, answers

from gateway import wiring
from gateway.errors import BadSettings, CallsSpent, Unavailable
from gateway.flow.findings.book import show
from gateway.flow.intake.night import Doors, catch_up, run_feed
from gateway.flow.intake.sweep import ask_about
from gateway.flow.office import Office
from gateway.model.clock import SHANGHAI
from gateway.ports import SweepReply, SweepSubject
from gateway.store import members, schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

CLOSED = "\n[[maintenance]]\nbegin = 02:00:00\nend = 03:00:00\n"


def with_more(more: str) -> dict[str, str]:
    """The feed that is asked person by person, with more in its file."""
    return {name: text + more for name, text in LINE.items()}


def doors(line: Any) -> Doors:
    def no_sender(*_: object) -> Any:
        raise AssertionError("nothing is delivered here")

    return Doors(feed=lambda *_: line, sender=no_sender, jitter=lambda: 0.0, new_lease=wiring.new_lease)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2021, 10, 8, hour, minute, tzinfo=SHANGHAI)


def codes(office: Office) -> list[str]:
    return [finding.code for finding in show(office) if finding.kind == "feed"]


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=with_more(CLOSED))
    enrolled(office, *range(1, 8))
    return office


def test_nothing_is_asked_while_the_line_is_down_on_purpose(office: Office, clock: Hands) -> None:
    line = Line()
    clock.set(2021, 10, 8, 2)
    assert catch_up(office, doors(line), ["line"]) == [run_feed(office, doors(line), "line")]
    report = run_feed(office, doors(line), "line")
    assert (report.outcome, "03:00" in report.message) == ("closed", True)
    assert (line.questions, rows_of(office, schema.run)) == ([], [])
    clock.set(2021, 10, 8, 3)
    assert only(catch_up(office, doors(line), ["line"])).outcome == "done"
    assert sum(map(len, line.asked)) == 7


def test_a_round_pauses_when_the_line_closes_and_goes_on_when_it_opens(office: Office, clock: Hands) -> None:
    def and_time_passes(subjects: list[SweepSubject]) -> SweepReply:
        clock.move(minutes=40)
        return answers(subjects)

    line = Line(and_time_passes, and_time_passes)
    clock.set(2021, 10, 8, 1)
    report = only(catch_up(office, doors(line), ["line"]))
    assert (report.outcome, report.pages, line.asked) == ("paused", 2, [[1, 2, 3], [4, 5, 6]])
    assert catch_up(office, doors(line), ["line"])[0].outcome == "closed"
    clock.set(2021, 10, 8, 3)
    assert only(catch_up(office, doors(line), ["line"])).outcome == "done"
    assert line.asked == [[1, 2, 3], [4, 5, 6], [7]]
    run = only(rows_of(office, schema.run))
    assert run["outcome"] == "done"
    assert catch_up(office, doors(line), ["line"]) == []


def test_a_round_whose_hours_end_while_the_line_is_closed_has_done_what_the_night_allows(
    make_office: MakeOffice, database_url: str, clock: Hands
) -> None:
    until = with_more(CLOSED)["line"].replace("at = 01:00:00\n", "at = 01:00:00\nuntil = 02:30:00\n")
    office = make_office(database_url, feeds={"line": until})
    enrolled(office, *range(1, 8))

    def and_time_passes(subjects: list[SweepSubject]) -> SweepReply:
        clock.move(minutes=70)
        return answers(subjects)

    clock.set(2021, 10, 8, 1)
    assert only(catch_up(office, doors(Line(and_time_passes)), ["line"])).outcome == "done"
    clock.set(2021, 10, 8, 3)
    assert catch_up(office, doors(Line()), ["line"]) == []


def test_one_person_now_is_not_asked_about_either(office: Office, clock: Hands) -> None:
    with office.store.read() as tx:
        [row] = members.by_id(tx, [1])
    line = Line()
    clock.set(2021, 10, 8, 2, 59)
    with pytest.raises(Unavailable, match="维护"):
        ask_about(office, "line", line, row)
    assert line.questions == []
    clock.set(2021, 10, 8, 3)
    ask_about(office, "line", line, row)
    assert line.asked == [[1]]


def test_calls_that_are_spent_end_the_run_and_are_said_until_a_round_needs_no_more(
    make_office: MakeOffice, database_url: str, clock: Hands
) -> None:
    office = make_office(database_url, feeds=with_more("\n[rate]\nper_day = 9\n"))
    enrolled(office, *range(1, 8))

    def spent(subjects: list[SweepSubject]) -> SweepReply:
        raise CallsSpent("今日9次调用已用完")

    line = Line(answers, spent)
    report = run_feed(office, doors(line), "line")
    assert (report.outcome, report.pages, report.message) == ("done", 1, "今日9次调用已用完")
    finding = only([finding for finding in show(office) if finding.code == "calls_spent"])
    assert (finding.level, finding.name, finding.detail) == ("know", "line", "[rate] per_day = 9")
    clock.move(days=1)
    assert run_feed(office, doors(line), "line").outcome == "done"
    assert line.asked == [[1, 2, 3], [4, 5, 6], [4, 5, 6], [7]]
    assert "calls_spent" not in codes(office)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("\n[[maintenance]]\nbegin = 00:30:00\nend = 02:00:00\n", "维护|maintenance"),
        ("\n[[maintenance]]\nbegin = 22:00:00\nend = 01:30:00\n", "maintenance"),
        # Two times that are closed on every day of the week between them.
        (
            "\n[[maintenance]]\nbegin = 00:30:00\nend = 02:00:00\nweekdays = [1, 2, 3, 4]\n"
            "[[maintenance]]\nbegin = 23:00:00\nend = 01:30:00\nweekdays = [4, 5, 6]\n",
            "maintenance",
        ),
        ("\n[[maintenance]]\nbegin = 05:00:00\nend = 05:00:00\n", "begin 与 end"),
        ("\n[[maintenance]]\nbegin = 05:00:00\nend = 06:00:00\nweekdays = [0]\n", "weekdays"),
        ("\n[rate]\nper_day = 0\n", "per_day"),
        ("\n[rate]\nat_once = 0\n", "at_once"),
    ],
)
def test_settings_that_cannot_be_are_refused(make_office: MakeOffice, sqlite_url: str, more: str, says: str) -> None:
    with pytest.raises(BadSettings) as refused:
        make_office(sqlite_url, feeds=with_more(more))
    assert re.search(says, str(refused.value))


def test_a_schedule_that_lies_in_it_on_one_weekday_only_is_no_mistake(make_office: MakeOffice, sqlite_url: str) -> None:
    more = "\n[[maintenance]]\nbegin = 00:30:00\nend = 02:00:00\nweekdays = [6]\n"
    assert make_office(sqlite_url, feeds=with_more(more)).feeds["line"].closed_hours
