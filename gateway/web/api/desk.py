"""What every request needs: the office, the doors to the outside, and who works the pages behind the answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock, Thread
from typing import cast

from fastapi import Request

from gateway.flow.intake.asking import LookupClerk
from gateway.flow.intake.night import Doors, work_waiting
from gateway.flow.office import Office
from gateway.flow.roster.arriving import unfinished, work_upload
from gateway.ports import SweepFeed
from gateway.scheduler import Jobs
from gateway.web.api.messages import BodyBudget

_LOOKUPS_AT_ONCE = 128
_CLOSING_SECONDS = 10.0


class Backroom:
    """One thread that works the pages that wait, after the answer has gone out.

    It takes them from the database, so a page it did not come to is worked by whoever looks next.
    """

    def __init__(self, office: Office, stopping: Callable[[], bool]) -> None:
        self._office = office
        self._stopping = stopping
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="backroom")
        self._job = Jobs(stopping).guarded("work waiting pages", self._work)
        self._called = Event()
        self._lock = Lock()

    def wake(self) -> None:
        """There may be pages waiting; calls that come while one is not yet heard are one call."""
        with self._lock:
            if not self._called.is_set() and not self._stopping():
                self._called.set()
                self._pool.submit(self._job)

    def close(self, *, within: float) -> bool:
        """Finish the page in hand, once `stopping` says so; whether that took at most so many seconds."""
        return _ended(self._pool, within)

    def _work(self) -> None:
        # Cleared before looking, so that a page stored while we look is a new call.
        self._called.clear()
        work_waiting(self._office, sorted(self._office.feeds), stopping=self._stopping)


class RosterRoom:
    """One thread in which rosters that came are compared and taken in, one after the other."""

    def __init__(self, office: Office, stopping: Callable[[], bool]) -> None:
        self._office, self._stopping, self._jobs = office, stopping, Jobs(stopping)
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="rosters")
        self._at_work: dict[tuple[str, str], Future[object]] = {}
        self._lock = Lock()

    def work(self, association: str, upload_id: str) -> Future[object]:
        """What is to be done about an upload is done; who asks while it is waits for the same."""
        with self._lock:
            working = self._at_work.get((association, upload_id))
            if working is None or working.done():
                self._at_work = {key: future for key, future in self._at_work.items() if not future.done()}
                job = partial(work_upload, self._office, association, upload_id, self._stopping)
                working = self.pool.submit(self._jobs.guarded("take a roster in", job))
                self._at_work[association, upload_id] = working
            return working

    def go_on(self) -> None:
        """What a crash or a restart broke off is gone on with."""
        self.pool.submit(self._jobs.guarded("go on with rosters", self._go_on))

    def _go_on(self) -> None:
        for association, upload_id in unfinished(self._office):
            self.work(association, upload_id)


@dataclass(frozen=True)
class Desk:
    """One site, as its HTTP side sees it."""

    office: Office
    doors: Doors
    backroom: Backroom
    lookups: ThreadPoolExecutor
    clerk: LookupClerk
    rosters: RosterRoom
    in_flight: BodyBudget = field(default_factory=BodyBudget)

    @classmethod
    def of(cls, office: Office, doors: Doors) -> Desk:
        """A desk over an office; `doors.stopping` ends what goes on behind it."""
        pool = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="lookup")
        clerk = LookupClerk(office, partial(_line_of, office, doors))
        return cls(
            office=office,
            doors=doors,
            backroom=Backroom(office, doors.stopping),
            lookups=pool,
            clerk=clerk,
            rosters=RosterRoom(office, doors.stopping),
        )

    def close(self) -> bool:
        """End what goes on behind the desk; whether it all came to rest in a few seconds."""
        worked = self.backroom.close(within=_CLOSING_SECONDS)
        imported = _ended(self.rosters.pool, _CLOSING_SECONDS)
        return _ended(self.lookups, _CLOSING_SECONDS) and worked and imported


def _line_of(office: Office, doors: Doors, feed: str) -> SweepFeed:
    # Which protocol a connector keeps follows from its feed's intake.
    return cast("SweepFeed", doors.feed(office, feed))


def _ended(pool: ThreadPoolExecutor, within: float) -> bool:
    """Begin nothing new, and wait so many seconds for what is in hand."""
    waiting = Thread(target=pool.shutdown, kwargs={"cancel_futures": True}, daemon=True)
    waiting.start()
    waiting.join(within)
    return not waiting.is_alive()


def desk_of(request: Request) -> Desk:
    """The desk of the app that serves this request."""
    desk: Desk = request.app.state.desk
    return desk
