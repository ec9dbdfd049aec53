"""The clock: what is due comes from the database, once however many clocks there are, and again after a failure."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import FILES, LINE, enrolled, member, only, page, row, rows_of, take
from web_side import ENVIRONMENT, wait_until

from connectors.associations.http_json import HttpJsonSpec
from gateway import scheduler, wiring
from gateway.errors import Unavailable, WrongUse
from gateway.flow.intake import night
from gateway.flow.intake.night import Doors, catch_up, deliver_to, run_feed
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.claim import Answer, AnswerKind
from gateway.model.clock import SHANGHAI
from gateway.model.page import Fetched
from gateway.ports import SecretName, SweepReply, SweepSubject
from gateway.store import runs, schema
from gateway.store.values import from_ms

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

SECOND = {"big": FILES["files"].replace("files", "big")}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    return make_office(sqlite_url, feeds={**FILES, **SECOND, **LINE})


class Files:
    """A feed that lists what it is given; counts how often it is asked."""

    def __init__(self, *pages: Fetched) -> None:
        self.pages, self.fetches = pages, 0
        self.fail: Exception | None = None

    def fetch(self, cursor: str | None, **_: Any) -> Iterator[Fetched]:
        self.fetches += 1
        if self.fail is not None:
            raise self.fail
        yield from self.pages

    def release(self, fetched: Fetched) -> None:
        pass


class Inbox:
    """An association that takes everything; `before` is called at every delivery."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.before, self.sent = before, 0

    def send(self, body: bytes, **_: Any) -> Answer:
        self.before()
        self.sent += 1
        return Answer(kind=AnswerKind.ACCEPTED)

    def ask(self, claim_id: str, **_: Any) -> Answer:
        return Answer(kind=AnswerKind.ABSENT)


def doors(*, sender: Any = None, stopping: Callable[[], bool] = lambda: False, **feeds: Any) -> Doors:
    """Doors to these feeds; the others have nothing."""
    return Doors(
        feed=lambda _, name: feeds.get(name, Files()),
        sender=lambda *_: sender or Inbox(),
        jitter=lambda: 0.0,
        new_lease=wiring.new_lease,
        stopping=stopping,
    )


def ran(office: Office, feed: str = "files") -> list[tuple[datetime, str | None]]:
    """(scheduled for, outcome) of every run of a feed."""
    return [
        (from_ms(run["scheduled_for"]), run["outcome"]) for run in rows_of(office, schema.run) if run["feed"] == feed
    ]


def at(day: int, hour: int = 2) -> datetime:
    return datetime(2021, 10, day, hour, tzinfo=SHANGHAI)


# ── what is due ──


def test_what_was_missed_is_caught_up_by_one_run_for_the_latest(office: Office, clock: Hands) -> None:
    files = Files()
    assert only(catch_up(office, doors(files=files), ["files"])).outcome == "done"
    assert ran(office) == [(at(8), "done")]
    clock.set(2021, 10, 11, 9)
    assert only(catch_up(office, doors(files=files), ["files"])).outcome == "done"
    assert ran(office) == [(at(8), "done"), (at(11), "done")]
    assert files.fetches == 2


def test_nothing_is_due_twice_and_nothing_too_early(office: Office, clock: Hands) -> None:
    files = Files()
    catch_up(office, doors(files=files), ["files"])
    for hours in (0, 1, 15.9):
        clock.move(hours=hours)
        assert catch_up(office, doors(files=files), ["files"]) == []
    clock.set(2021, 10, 9, 2)
    assert only(catch_up(office, doors(files=files), ["files"])).outcome == "done"
    assert files.fetches == 2


def test_a_process_that_starts_anew_knows_from_the_database(
    office: Office, make_office: MakeOffice, sqlite_url: str
) -> None:
    catch_up(office, doors(), ["files"])
    assert catch_up(make_office(sqlite_url), doors(), ["files"]) == []


def test_a_run_by_hand_counts(office: Office, clock: Hands) -> None:
    run_feed(office, doors(), "files")
    assert catch_up(office, doors(), ["files"]) == []
    clock.set(2021, 10, 9, 2)
    assert len(catch_up(office, doors(), ["files"])) == 1


def test_a_failed_run_is_tried_again_after_ten_minutes(office: Office, clock: Hands) -> None:
    files = Files()
    files.fail = Unavailable("the folder is away")
    assert only(catch_up(office, doors(files=files), ["files"])).outcome == "failed"
    clock.move(minutes=10)
    assert only(catch_up(office, doors(files=files), ["files"])).outcome == "done_before"
    clock.move(seconds=1)
    assert only(catch_up(office, doors(files=files), ["files"])).outcome == "failed"
    files.fail = None
    clock.move(minutes=11)
    assert only(catch_up(office, doors(files=files), ["files"])).outcome == "done"
    assert catch_up(office, doors(files=files), ["files"]) == []
    assert (ran(office), files.fetches) == ([(at(8), "done")], 3)


def test_a_run_whose_process_died_is_taken_up_after_two_minutes(office: Office, clock: Hands) -> None:
    with office.store.write() as tx:
        assert runs.begin(tx, "files", scheduled_for=at(8), now=clock.now) is not None
    clock.move(seconds=120)
    assert only(catch_up(office, doors(), ["files"])).outcome == "done_before"
    clock.move(seconds=1)
    assert only(catch_up(office, doors(), ["files"])).outcome == "done"


# ── more than one clock ──


class Slow(Files):
    """A feed that takes until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def fetch(self, cursor: str | None, **more: Any) -> Iterator[Fetched]:
        yield from super().fetch(cursor, **more)
        self.begun.set()
        assert self.go_on.wait(30)


def test_a_long_run_says_that_it_lives(
    office: Office, make_office: MakeOffice, sqlite_url: str, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night, "BEAT_SECONDS", 0.02)
    slow, other = Slow(), make_office(sqlite_url)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(catch_up, office, doors(files=slow), ["files"])
        assert slow.begun.wait(10)
        for _ in range(5):
            clock.move(seconds=100)
            wait_until(lambda: only(rows_of(other, schema.run))["beat_at"] == _ms(clock.now))
            assert only(catch_up(other, doors(), ["files"])).outcome == "done_before"
        slow.go_on.set()
        assert only(running.result(10)).outcome == "done"
    assert [each.name for each in threading.enumerate() if each.name.startswith("run-")] == []


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def test_a_heart_that_cannot_beat_does_not_stop_the_run(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    beats: list[int] = []

    def fails(*_: Any, **__: Any) -> None:
        beats.append(1)
        raise Unavailable("busy")

    monkeypatch.setattr(night, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(runs, "beat", fails)
    slow = Slow()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(catch_up, office, doors(files=slow), ["files"])
        wait_until(lambda: len(beats) > 2)
        slow.go_on.set()
        assert only(running.result(10)).outcome == "done"
    assert "no heartbeat" in caplog.text


def test_two_clocks_in_one_moment_run_it_once(make_office: MakeOffice, database_url: str, clock: Hands) -> None:
    offices = [make_office(database_url, feeds=FILES) for _ in range(3)]
    files, start = Files(), threading.Barrier(3)

    def one(office: Office) -> list[str]:
        start.wait(10)
        return [report.outcome for report in catch_up(office, doors(files=files), ["files"])]

    with ThreadPoolExecutor(3) as pool:
        for day in range(8, 20):
            clock.set(2021, 10, day, 2)
            outcomes = [outcome for found in pool.map(one, offices) for outcome in found]
            # One that looked a moment later finds nothing due any more.
            assert outcomes.count("done") == 1
            assert set(outcomes) <= {"done", "done_before"}
    assert files.fetches == 12
    assert ran(offices[0]) == [(at(day), "done") for day in range(8, 20)]


def in_a_process(site: Path, days: range, written: Path, barrier: Any) -> None:
    """A clock in a process of its own; every fetch leaves a line in `written`."""
    now = at(1)
    office = wiring.open_office(site, clock=lambda: now)

    class Told(Files):
        def fetch(self, cursor: str | None, **more: Any) -> Iterator[Fetched]:
            with written.open("a") as file:
                file.write(f"{now:%d}\n")
            yield from super().fetch(cursor, **more)

    for day in days:
        barrier.wait(60)
        now = at(day)
        catch_up(office, doors(files=Told()), ["files"])
    office.store.close()


def test_two_processes_run_it_once(
    make_office: MakeOffice, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = make_office(database_url, feeds=FILES)
    processes, days, written = multiprocessing.get_context("spawn"), range(8, 28), tmp_path / "fetches"
    barrier = processes.Barrier(2)
    both = [processes.Process(target=in_a_process, args=(office.site, days, written, barrier)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    assert [each.exitcode for each in both] == [0, 0]
    assert written.read_text().split() == [f"{day:02d}" for day in days]
    assert ran(office) == [(at(day), "done") for day in days]


# ── started and stopped ──


def test_at_the_start_everything_is_looked_at_at_once(office: Office) -> None:
    enrolled(office, 1)
    files, inbox = Files(page(row("S1", 1))), Inbox()
    stop = scheduler.start(office, doors(files=files, sender=inbox))
    wait_until(lambda: (at(8), "done") in ran(office))
    assert stop()
    deliver_to(office, doors(sender=inbox), "nm")
    assert (files.fetches, inbox.sent) == (1, 1)
    assert only(rows_of(office, schema.page))["state"] == "done"


def test_the_timetable(office: Office) -> None:
    names = {name: seconds for name, seconds, _ in scheduler.timetable(office, doors())}
    assert names == {
        "take in files": 60,
        "take in big": 60,
        "take in line": 60,
        "take in hinggan": 60,
        "take in wuhai": 60,
        "deliver to nm": 15,
        "look again": 300,
        "alarms": 300,
        "work waiting pages": 300,
        "let go": 3600,
    }


def test_jobs_come_round_again(office: Office, monkeypatch: pytest.MonkeyPatch, clock: Hands) -> None:
    monkeypatch.setattr(scheduler, "CATCH_UP_SECONDS", 1)
    files = Files()
    stop = scheduler.start(office, doors(files=files))
    wait_until(lambda: ran(office) == [(at(8), "done")])
    clock.set(2021, 10, 9, 2)
    wait_until(lambda: ran(office) == [(at(8), "done"), (at(9), "done")])
    assert stop()


def test_a_feed_that_takes_hours_holds_up_no_other(office: Office) -> None:
    slow, files = Slow(), Files()
    stop = scheduler.start(office, doors(big=slow, files=files))
    assert slow.begun.wait(10)
    wait_until(lambda: ran(office) == [(at(8), "done")])
    assert ran(office, "big") == [(at(8), None)]
    slow.go_on.set()
    assert stop()


def test_a_job_that_fails_alarms_and_stops_no_other(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise KeyError("赵一")

    monkeypatch.setattr(scheduler, "rescan_and_judge", fails)
    monkeypatch.setattr(scheduler, "deliver_to", fails)
    with caplog.at_level(logging.INFO):
        stop = scheduler.start(office, doors())
        wait_until(lambda: ran(office) == [(at(8), "done")])
        wait_until(lambda: caplog.text.count("KeyError") == 2)
    assert stop()
    assert "job look again failed: KeyError" in caplog.text
    assert "job deliver to nm failed: KeyError" in caplog.text
    assert "赵一" not in caplog.text


class Endless(Files):
    """A feed whose pages never end."""

    def fetch(self, cursor: str | None, **more: Any) -> Iterator[Fetched]:
        yield from super().fetch(cursor, **more)
        number = 0
        while True:
            number += 1
            yield page(row(f"S{number}", 1), request=f"page {number}")


def test_stopping_finishes_the_page_in_hand_and_gives_the_run_to_whoever_comes_next(
    office: Office, make_office: MakeOffice, sqlite_url: str
) -> None:
    stop = scheduler.start(office, doors(files=Endless()))
    wait_until(lambda: len(rows_of(office, schema.page)) > 3)
    assert stop()
    stored = len(rows_of(office, schema.page))
    assert ran(office) == [(at(8), None)]
    # Not two minutes later but now: nobody waits for a process that said goodbye.
    assert only(catch_up(make_office(sqlite_url), doors(), ["files"])).outcome == "done"
    assert {each["state"] for each in rows_of(office, schema.page)} == {"done"}
    assert len(rows_of(office, schema.page)) == stored


class Asked:
    """A line that answers about everybody, three at a time, and stops the clock with its first answer."""

    people_per_page = 3

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.people: list[int] = []

    def ask(self, subjects: list[SweepSubject], *, now: datetime) -> SweepReply:
        self.stopped.set()
        ids = tuple(subject.member_id for subject in subjects)
        self.people += ids
        return SweepReply(fetched=Fetched(content=b"[]", request=f"{ids}"), asked=ids, failed=())


def test_a_sweep_that_is_stopped_goes_on_where_it_stood(office: Office) -> None:
    enrol(office, "nm", [member(serial, league="甲盟") for serial in range(7)])
    line = Asked()
    report = only(catch_up(office, doors(line=line, stopping=line.stopped.is_set), ["line"]))
    assert (report.outcome, report.pages, len(line.people)) == ("stopped", 1, 3)
    assert only(catch_up(office, doors(line=line), ["line"])).outcome == "done"
    assert line.people == sorted(set(line.people))
    assert len(line.people) == 7


def test_stopping_settles_the_deliveries_in_hand_and_leases_no_more(office: Office) -> None:
    stopped = threading.Event()
    inbox = Inbox(stopped.set)
    enrolled(office, *range(40))
    take(office, "files", page(*(row(f"S{serial}", serial) for serial in range(40))))
    report = deliver_to(office, doors(sender=inbox, stopping=stopped.is_set), "nm")
    states = [each["state"] for each in rows_of(office, schema.delivery)]
    assert report.attempts == inbox.sent == 32 == states.count("accepted")
    assert states.count("pending") == 8


def test_a_job_that_hangs_is_not_waited_for_longer_than_the_grace(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "GRACE_SECONDS", 0.2)
    slow = Slow()
    stop = scheduler.start(office, doors(files=slow))
    assert slow.begun.wait(10)
    assert not stop()
    slow.go_on.set()
    # It ends by itself and lets go of its run, for the next start to take up.
    wait_until(lambda: [run["beat_at"] for run in rows_of(office, schema.run) if run["feed"] == "files"] == [0])


def test_what_stays_missing_is_said_once_until_it_was_there(caplog: pytest.LogCaptureFixture) -> None:
    missing = ["one", "one", "two", "", "two"]

    def job() -> None:
        if secret := missing.pop(0):
            raise WrongUse(f"secret {secret} is missing")

    run = scheduler.Jobs(lambda: False).guarded("deliver to nm", job)
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            run()
    said = [record.getMessage() for record in caplog.records]
    assert [line.rpartition("secret ")[2] for line in said] == ["one is missing", "two is missing", "two is missing"]
    assert said[0].startswith("job deliver to nm failed: ")


def test_a_missing_secret_is_said_with_the_place_it_is_set_in(office: Office) -> None:
    nm = office.associations["nm"].delivery.options
    assert isinstance(nm, HttpJsonSpec)
    options = msgspec.structs.replace(nm, secret=SecretName("env:HUBAO_NOT_SET"))
    delivery = msgspec.structs.replace(office.associations["nm"].delivery, options=options)
    spec = office.associations["nm"].model_copy(update={"delivery": delivery})
    with pytest.raises(WrongUse) as missing:
        wiring.sender(replace(office, associations={"nm": spec}), "nm")
    for part in ("config/associations/nm.toml", "env:HUBAO_NOT_SET", "hubao check"):
        assert part in str(missing.value)


def test_after_stop_nothing_begins() -> None:
    done: list[int] = []
    jobs = scheduler.Jobs(lambda: bool(done))
    job = jobs.guarded("one", lambda: done.append(1))
    job()
    job()
    assert done == [1]
    assert jobs.at_rest(within=0.0)
