"""One reading of the clock destroys nothing: what cannot be made again waits until somebody vouches for the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, FILES, LINE, enrolled, only, page, row, rows_of, take, who
from review_side import asked, wrong_name
from test_scheduler import Files, Inbox, doors
from typer.testing import CliRunner
from web_side import ENVIRONMENT, at_work

from gateway import scheduler
from gateway.cli.main import app
from gateway.flow.delivery.health import health
from gateway.flow.findings import book
from gateway.flow.intake.night import NightReport, catch_up, let_go, run_feed, run_night
from gateway.flow.intake.retain import retain
from gateway.flow.intake.sweep import _window
from gateway.flow.office import Office
from gateway.flow.site import clock as site_clock
from gateway.model.claim import Answer, AnswerKind
from gateway.store import runs, schema
from gateway.store.values import from_ms, to_ms

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

AHEAD = 181
FEEDS = {**EAST_AND_WEST, **FILES}

Begin = Callable[[], Office]
"""A new process on the same site, its clock as the test's stands now."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def begin(make_office: MakeOffice, database_url: str) -> Begin:
    return lambda: make_office(database_url, feeds=FEEDS)


@pytest.fixture
def office(begin: Begin) -> Office:
    """A site that worked for a while: a claim delivered, a doubt before a person, a stranger's row."""
    office = begin()
    enrolled(office, 1, 2)
    take(office, "east", page(row("S1", 1), row("S9", 9)))
    asked(office, wrong_name("A1", 2))
    night(office)
    return office


def night(office: Office, *, files: Files | None = None, times: Mapping[str, datetime] | None = None) -> NightReport:
    """A night by hand; nothing fails."""
    opened = doors(sender=Inbox(), files=files or Files())
    opened = msgspec.structs.replace(opened, remote_times=lambda _: times or {})
    report = run_night(office, opened, feeds=["files"])
    assert not report.failed
    return report


def kept(office: Office) -> tuple[int, int, int]:
    """(pages with their bytes, open reviews, keys)."""
    pages = [row for row in rows_of(office, schema.page) if row["sealed"] is not None]
    reviews = [row for row in rows_of(office, schema.review) if row["state"] == "open"]
    return len(pages), len(reviews), len(office.vault.status())


def finding(office: Office) -> list[str]:
    return [report.code for report in book.show(office) if report.code == "clock_jump"]


# ── a wrong night ──


def test_a_clock_half_a_year_ahead_destroys_nothing(office: Office, begin: Begin, clock: Hands) -> None:
    before = kept(office)
    days, noted = rows_of(office, schema.feed_day), rows_of(office, schema.finding)
    clock.move(days=AHEAD)
    wrong = begin()
    assert any("clock confirm" in each for each in health(wrong).findings)
    assert night(wrong).retained.pages == 0
    assert kept(wrong) == before
    assert finding(wrong) == ["clock_jump"]
    assert any("clock confirm" in each for each in health(wrong).findings)
    # What is compared by days is neither forgotten nor judged: no feed is late because of the clock, nothing is mended.
    assert (len(days), [row["code"] for row in noted]) == (1, ["review_open"])
    assert rows_of(wrong, schema.feed_day) == days
    assert [row for row in rows_of(wrong, schema.finding) if row["code"] != "clock_jump"] == noted


def test_a_second_wrong_night_is_refused_like_the_first(office: Office, begin: Begin, clock: Hands) -> None:
    before = kept(office)
    clock.move(days=AHEAD)
    for _ in range(3):
        wrong = begin()
        # What came in meanwhile stands in the tables, but does not count as known.
        take(wrong, "west", page(row(f"W{clock():%d}", 9)))
        night(wrong)
        let_go(wrong, doors())
        clock.move(days=1)
    assert kept(begin())[1] == before[1]
    assert all(row["sealed"] is not None for row in rows_of(office, schema.page))
    assert finding(office) == ["clock_jump"]


def test_a_wrong_night_on_a_site_of_an_older_program_is_found_by_what_it_wrote(
    office: Office, begin: Begin, clock: Hands
) -> None:
    with office.store.write() as tx:
        tx.execute(schema.clock_mark.delete())
    before = kept(office)
    clock.move(days=AHEAD)
    for _ in range(2):
        wrong = begin()
        take(wrong, "west", page(row(f"W{clock():%d}", 9)))
        night(wrong)
        clock.move(days=1)
    assert kept(office)[1:] == (before[1], before[2] + 2)
    assert finding(office) == ["clock_jump"]


def test_the_next_right_night_works_and_the_finding_waits_for_a_person(
    office: Office, begin: Begin, clock: Hands
) -> None:
    right = clock()
    clock.move(days=AHEAD)
    night(begin())
    clock.now = right + timedelta(days=1)
    office = begin()
    assert site_clock.believed(office)
    night(office)
    assert finding(office) == ["clock_jump"]
    assert not site_clock.may_let_go(office)
    report = site_clock.confirm(office, by="管理员")
    assert (report.believed, report.doubted_since) == (True, None)
    assert finding(office) == []
    assert site_clock.may_let_go(begin())


def test_a_clock_confirmed_while_it_is_wrong_can_be_set_right_again(office: Office, begin: Begin, clock: Hands) -> None:
    right = clock()
    clock.move(days=100)
    site_clock.confirm(begin(), by="甲")
    clock.now = right
    back = begin()
    assert not site_clock.believed(back)
    night(back)
    assert finding(back) == ["clock_jump"]
    site_clock.confirm(back, by="乙")
    assert site_clock.may_let_go(begin())
    clock.move(days=100)
    assert not site_clock.may_let_go(begin())


def test_the_clock_set_wrong_while_a_process_runs_is_noticed(office: Office, begin: Begin, clock: Hands) -> None:
    seconds = [0.0]
    start = msgspec.structs.replace(begin().start, steady=lambda: seconds[0])
    running = replace(office, start=start)
    before = kept(running)
    clock.move(days=60)
    seconds[0] = timedelta(days=60).total_seconds()
    let_go(running, doors())
    assert finding(running) == []
    clock.move(days=AHEAD)
    let_go(running, doors())
    assert (kept(running), finding(running)) == (before, ["clock_jump"])


# ── an honest outage ──


def test_after_thirty_honest_days_intake_goes_on_and_what_ends_waits(
    office: Office, begin: Begin, clock: Hands
) -> None:
    # At the start of the outage everything was 160 days old.
    clock.move(days=160)
    night(office)
    before = kept(office)
    clock.move(days=30)
    office = begin()
    inbox = Inbox()
    report = run_night(office, doors(sender=inbox, files=Files(page(row("S5", 1, **LATER)))), feeds=["files"])
    assert report.feeds[0].pages == 1
    assert inbox.sent == len(rows_of(office, schema.delivery)) - 1 > 0
    assert (finding(office), report.retained.pages) == (["clock_jump"], 0)
    assert kept(office)[1] == before[1]
    site_clock.confirm(office, by="管理员")
    done = night(office).retained
    assert (done.pages, done.open_items, done.keys) == (2, 1, 0)
    destroyed = []
    for _ in range(7):
        clock.move(days=1)
        destroyed.append(night(begin()).retained.keys)
    assert destroyed == [0, 0, 0, 0, 0, 0, 1]
    assert finding(office) == []


LATER = {"begndate": "2022-03-01", "enddate": "2022-03-05", "setl_time": "2022-03-05 10:00:00", "mdtrt_id": "V9"}


def test_two_other_machines_end_the_doubt(office: Office, begin: Begin, clock: Hands) -> None:
    clock.move(days=30)
    office = begin()
    now = office.now()
    night(office, times={"line.example": now, "inbox.example": now + timedelta(days=30)})
    assert finding(office) == ["clock_jump"]
    night(office, times={"line.example": now, "inbox.example": now + timedelta(minutes=4)})
    assert finding(office) == []
    assert site_clock.may_let_go(begin())
    assert only([row for row in rows_of(office, schema.clock_mark) if row["basis"] == "dates"])["by"] is None


# ── keys rest ──


def test_keys_rest_a_week_between_expired_and_destroyed(office: Office, clock: Hands) -> None:
    keys = kept(office)[2]
    clock.move(days=200)
    done = retain(office)
    assert (done.pages, done.keys, kept(office)[2]) == (2, 0, keys)
    clock.move(days=6, hours=23)
    assert retain(office).keys == 0
    clock.move(hours=1)
    assert retain(office).keys == 1
    assert kept(office)[2] == keys - 1
    assert rows_of(office, schema.resting_key) == []
    assert retain(office).keys == 0


def test_a_page_put_back_keeps_its_key(office: Office, clock: Hands) -> None:
    sealed = {row["seq"]: row["sealed"] for row in rows_of(office, schema.page)}
    clock.move(days=200)
    retain(office)
    with office.store.write() as tx:
        for seq, content in sealed.items():
            back = {"sealed": content, "state": "done", "received_at": to_ms(clock())}
            tx.execute(schema.page.update().where(schema.page.c.seq == seq).values(**back))
    clock.move(days=30)
    assert retain(office).keys == 0
    assert rows_of(office, schema.resting_key) == []


# ── what a clock ahead had planned ──


class Down(Inbox):
    """An association that does not answer."""

    def send(self, body: bytes, **_: Any) -> Answer:
        return Answer(kind=AnswerKind.UNAVAILABLE, code="down")


def test_deliveries_and_leases_of_a_clock_ahead_come_back(office: Office, begin: Begin, clock: Hands) -> None:
    right = clock()
    clock.move(days=AHEAD)
    wrong = begin()
    run_night(wrong, doors(sender=Down(), files=Files(page(row("S5", 1, **LATER)))), feeds=["files"])
    with wrong.store.write() as tx:
        held = {"state": "leased", "lease": "dead", "lease_until": to_ms(clock()) + 120_000}
        tx.execute(schema.delivery.update().where(schema.delivery.c.state != "accepted").values(**held))
    clock.now = right + timedelta(hours=1)
    inbox = Inbox()
    run_night(begin(), doors(sender=inbox), feeds=["files"])
    assert inbox.sent > 0
    assert {row["state"] for row in rows_of(office, schema.delivery)} == {"accepted"}


def last_page_at(office: Office, feed: str) -> datetime | None:
    return next(stands.last_page_at for stands in health(office).feeds if stands.feed == feed)


def test_pages_of_a_clock_ahead_are_not_kept_longer_once_somebody_vouches(
    office: Office, begin: Begin, clock: Hands
) -> None:
    right = clock()
    clock.move(days=AHEAD)
    take(begin(), "west", page(row("W1", 9)))
    night(begin())
    clock.now = right + timedelta(hours=1)
    back = begin()
    assert last_page_at(back, "west") is None
    assert any("clock confirm" in each for each in health(back).findings)
    site_clock.confirm(back, by="管理员")
    newest = max(rows_of(office, schema.page), key=lambda stored: stored["seq"])
    assert from_ms(newest["received_at"]) == clock()
    assert last_page_at(back, "west") == clock()


def test_schedules_wait_while_the_clock_is_in_doubt_and_come_back(office: Office, begin: Begin, clock: Hands) -> None:
    right = clock()
    clock.move(days=AHEAD)
    wrong = begin()
    assert catch_up(wrong, doors(), ["files"]) == []
    # A run by hand is taken for the schedule of that day in half a year.
    run_feed(wrong, doors(), "files")
    clock.now = right + timedelta(days=1)
    assert [report.outcome for report in catch_up(begin(), doors(), ["files"])] == ["done"]


def test_a_run_that_a_clock_ahead_began_is_taken_up_when_its_hour_really_comes(office: Office, clock: Hands) -> None:
    hour = clock().replace(hour=2) + timedelta(days=2)
    with office.store.write() as tx:
        number = runs.begin(tx, "files", scheduled_for=hour, now=hour + timedelta(days=90))
        assert number is not None
        runs.end(tx, number, outcome="done", pages=0, message="", now=hour + timedelta(days=90))
        assert runs.begin(tx, "files", scheduled_for=hour, now=hour) == number
        runs.end(tx, number, outcome="done", pages=0, message="", now=hour)
        assert runs.begin(tx, "files", scheduled_for=hour, now=hour) is None


def test_who_was_asked_under_a_clock_ahead_is_asked_about_from_the_beginning(
    make_office: MakeOffice, sqlite_url: str
) -> None:
    spec, today = make_office(sqlite_url, feeds=LINE).feeds["line"], date(2021, 10, 8)
    assert _window(spec, today + timedelta(days=1), today) == _window(spec, None, today) == today - timedelta(days=365)
    assert _window(spec, today, today) == today - timedelta(days=7)


# ── for people ──


def test_serving_goes_on_and_its_hourly_job_leaves_the_mark(office: Office, begin: Begin, clock: Hands) -> None:
    clock.move(days=AHEAD)
    wrong = begin()
    with at_work(wrong) as side:
        assert side.push(row("S6", 9)).status_code == 202
    jobs = {name: job for name, _, job in scheduler.timetable(wrong, doors())}
    jobs["let go"]()
    assert finding(wrong) == ["clock_jump"]
    assert [row["state"] for row in rows_of(wrong, schema.clock_mark)] == ["trusted", "doubted"]


def hubao(site: Path, *words: str) -> tuple[int, Any]:
    done = CliRunner().invoke(app, ["--site", str(site), *words, "--json"], catch_exceptions=False)
    return done.exit_code, msgspec.json.decode(done.stdout.splitlines()[-1])


def test_a_person_looks_at_the_clock_and_confirms_it(office: Office) -> None:
    # The command runs by the real clock, years after the test's.
    code, shown = hubao(office.site, "clock", "show")
    assert (code, shown["believed"]) == (1, False)
    code, shown = hubao(office.site, "clock", "confirm", "--by", "管理员")
    assert (code, shown["believed"]) == (0, True)
    assert hubao(office.site, "clock", "show")[0] == 0
    assert {row["by"] for row in rows_of(office, schema.clock_mark)} == {None, "管理员"}
    assert "可信" in CliRunner().invoke(app, ["--site", str(office.site), "clock", "show"]).output


def test_one_run_writes_one_mark_and_old_ones_go(office: Office, begin: Begin, clock: Hands) -> None:
    for _ in range(120):
        clock.move(hours=12)
        running = replace(office, start=msgspec.structs.replace(office.start, process=f"{clock().timestamp():.0f}"))
        site_clock.leave_mark(running)
    marks = rows_of(office, schema.clock_mark)
    assert len(marks) == 100
    assert max(from_ms(mark["seen_at"]) for mark in marks) == clock()
    assert who(1).name not in repr(marks)
