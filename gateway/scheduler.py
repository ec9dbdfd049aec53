"""The clock that calls the use cases. What is due stands in the database, never in the memory of this process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from threading import Condition, Event

import msgspec
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from gateway.errors import HubaoError
from gateway.flow.intake.night import (
    Doors,
    catch_up,
    deliver_to,
    let_go,
    rescan_and_judge,
    tell_alarms,
    work_waiting,
)
from gateway.flow.intake.steps import noting
from gateway.flow.office import Office
from gateway.model.clock import SHANGHAI

log = logging.getLogger("hubao.scheduler")

CATCH_UP_SECONDS = 60
DELIVER_SECONDS = 15
LOOK_AGAIN_SECONDS = 300
LET_GO_SECONDS = 3600
GRACE_SECONDS = 30.0
"""How long `stop` waits for jobs in hand, in all."""

Job = Callable[[], object]


class Jobs:
    """Runs jobs so that none stops another, and knows how many are at work."""

    def __init__(self, stopping: Callable[[], bool]) -> None:
        self._stopping = stopping
        self._at_work = 0
        self._changed = Condition()

    def guarded(self, name: str, job: Job) -> Job:
        """The job, never raising: what goes wrong alarms once, in our own words or with its type, and the job comes
        round again."""
        alarmed = ""

        def run() -> None:
            nonlocal alarmed
            if self._stopping():
                return
            self._count(1)
            try:
                job()
                alarmed = ""
            except Exception as error:  # noqa: BLE001 - a failing job must not stop the others; it alarms.
                # What is missing stays missing every fifteen seconds, until a person has read of it.
                reason = str(error) if isinstance(error, HubaoError) else type(error).__name__
                if reason != alarmed:
                    log.error("job %s failed: %s", name, reason)
                alarmed = reason
            finally:
                self._count(-1)

        return run

    def at_rest(self, *, within: float) -> bool:
        """Whether no job is at work any more, after at most so many seconds."""
        until = time.monotonic() + within
        with self._changed:
            return self._changed.wait_for(lambda: self._at_work == 0, timeout=max(0.0, until - time.monotonic()))

    def _count(self, change: int) -> None:
        with self._changed:
            self._at_work += change
            self._changed.notify_all()


def timetable(office: Office, doors: Doors) -> list[tuple[str, int, Job]]:
    """(name, seconds between, job). Each feed has its own, so that a sweep of hours holds up no other."""
    every = sorted(office.feeds)
    table: list[tuple[str, int, Job]] = [
        (f"take in {name}", CATCH_UP_SECONDS, partial(catch_up, office, doors, [name]))
        for name in every
        if office.feeds[name].schedule is not None and office.feeds[name].enabled
    ]
    table += [
        (
            f"deliver to {name}",
            DELIVER_SECONDS,
            noting(office, f"deliver/{name}", partial(deliver_to, office, doors, name)),
        )
        for name in sorted(office.associations)
    ]
    return [
        *table,
        ("look again", LOOK_AGAIN_SECONDS, noting(office, "rescan", lambda: rescan_and_judge(office))),
        (
            "work waiting pages",
            LOOK_AGAIN_SECONDS,
            noting(office, "waiting", lambda: work_waiting(office, every, stopping=doors.stopping)),
        ),
        ("let go", LET_GO_SECONDS, lambda: let_go(office, doors)),
        ("alarms", LOOK_AGAIN_SECONDS, lambda: tell_alarms(office, doors)),
    ]


def start(office: Office, doors: Doors) -> Callable[[], bool]:
    """Begin; every job runs at once and then in its rhythm. Returns `stop`, which says whether all are at rest.

    After `stop` nothing new begins; the page or delivery in hand is finished, for at most GRACE_SECONDS.
    """
    stopped = Event()
    before = doors.stopping
    doors = msgspec.structs.replace(doors, stopping=lambda: stopped.is_set() or before())
    table = timetable(office, doors)
    jobs, clock = Jobs(doors.stopping), _clock(len(table))
    for name, seconds, job in table:
        trigger = IntervalTrigger(seconds=seconds, timezone=SHANGHAI)
        clock.add_job(jobs.guarded(name, job), trigger, id=name, next_run_time=datetime.now(SHANGHAI))
    clock.start()

    def stop() -> bool:
        stopped.set()
        clock.shutdown(wait=False)
        return jobs.at_rest(within=GRACE_SECONDS)

    return stop


def nothing_to_stop() -> bool:
    """The `stop` of a scheduler that was never started."""
    return True


def _clock(jobs: int) -> BackgroundScheduler:
    # A sweep takes longer than its rhythm by design; that it is not begun twice is no news.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return BackgroundScheduler(
        timezone=SHANGHAI,
        jobstores={"default": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(jobs)},
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
    )
