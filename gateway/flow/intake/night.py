"""The night: every feed taken in, what changed looked at again, claims delivered. A bad feed never stops it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from threading import Event, Thread
from time import sleep

import msgspec

from gateway.core.watching.closed_hours import closed_until, next_closing
from gateway.errors import CallsSpent, HubaoError
from gateway.flow.batches.causes import CausesAtWork
from gateway.flow.batches.judging import judge
from gateway.flow.batches.replay import RescanReport, rescan
from gateway.flow.batches.rereading import say_what_changed
from gateway.flow.delivery.deadlines import say_who_is_late
from gateway.flow.delivery.deliver import DeliveryReport, deliver_due
from gateway.flow.delivery.unclaimed import say_what_is_unpaid
from gateway.flow.findings.alarming import raise_alarms
from gateway.flow.findings.looking import FilesOf, look_around, say_what_expired
from gateway.flow.intake.mend import reopen_gaps
from gateway.flow.intake.noticed import noticing
from gateway.flow.intake.retain import RetentionReport, retain
from gateway.flow.intake.set_aside import look_again, say_what_waits
from gateway.flow.intake.steps import Steps, note_calls_spent, note_pages, pages_noted, plainly
from gateway.flow.intake.sweep import sweep
from gateway.flow.intake.work import StoredContent, judge_causes, process_page, process_stream
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import store_page
from gateway.flow.site import audit_log, clock, rewriting, vault_keys
from gateway.flow.site.agreements import has_expired
from gateway.model.page import WaitingFile
from gateway.ports import AlarmWay, KeepsWaiting, PullFeed, ReceiveFeed, Sender, SweepFeed
from gateway.settings.feeds import FeedSpec
from gateway.store import cursors, pages, runs

log = logging.getLogger("hubao.night")

FeedConnector = PullFeed | SweepFeed | ReceiveFeed


def _never() -> bool:
    return False


def _no_machines(_: Office) -> Mapping[str, datetime]:
    return {}


def _no_alarms(_: Office) -> Sequence[AlarmWay]:
    return ()


class Doors(msgspec.Struct, frozen=True):
    """How the night reaches the outside: connectors by name, the world's randomness, and whether to stop.

    Once `stopping` says so, the page or the delivery in hand is finished and nothing new is begun. `remote_times` asks
    other machines what their clocks read, by the name of the machine. `pause` waits for so many seconds. `alarms` are
    the ways in which findings are told outside.
    """

    feed: Callable[[Office, str], FeedConnector]
    sender: Callable[[Office, str], Sender]
    jitter: Callable[[], float]
    new_lease: Callable[[], str]
    stopping: Callable[[], bool] = _never
    remote_times: Callable[[Office], Mapping[str, datetime]] = _no_machines
    pause: Callable[[float], None] = sleep
    alarms: Callable[[Office], Sequence[AlarmWay]] = _no_alarms


class FeedReport(msgspec.Struct, kw_only=True):
    """What one feed's run came to."""

    feed: str
    outcome: str = "done"
    pages: int = 0
    message: str = ""


class NightReport(msgspec.Struct, kw_only=True):
    """What the night came to."""

    feeds: list[FeedReport] = msgspec.field(default_factory=list)
    rescanned: RescanReport = msgspec.field(default_factory=RescanReport)
    deliveries: dict[str, DeliveryReport] = msgspec.field(default_factory=dict)
    retained: RetentionReport = msgspec.field(default_factory=RetentionReport)
    waiting_pages: int = 0
    failed_steps: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether some feed or step did not come through, or a page is still waiting to be worked."""
        failing = any(report.outcome == "failed" for report in self.feeds)
        return self.waiting_pages > 0 or failing or bool(self.failed_steps)


def run_night(
    office: Office,
    doors: Doors,
    *,
    feeds: Sequence[str] = (),
    first: date | None = None,
    last: date | None = None,
    scheduled_for: datetime | None = None,
) -> NightReport:
    """Take in now, look again where the roster changed, then deliver. Feeds are named, or all that are enabled.

    Every step is guarded: one that fails stops no other, so that what is past its retention always goes.
    """
    report, steps, every = NightReport(), Steps(office), sorted(office.feeds)
    steps.run("keys", lambda: vault_keys.look(office), 0)
    steps.run("clock", lambda: clock.leave_mark(office), False)
    steps.run("mend", lambda: reopen_gaps(office), 0)
    steps.run("rewriting", lambda: rewriting.go_on(office), 0)
    steps.run("audit", lambda: audit_log.look(office), 0)
    for name in feeds or [name for name, spec in office.feeds.items() if spec.enabled]:
        take_in_feed = partial(run_feed, office, doors, name, first=first, last=last, scheduled_for=scheduled_for)
        report.feeds.append(steps.run(f"feed/{name}", take_in_feed, FeedReport(feed=name, outcome="failed")))
    steps.run("waiting", lambda: work_waiting(office, every), 0)
    report.waiting_pages = steps.run("look", lambda: _waiting_pages(office), 0)
    steps.run("set-aside", lambda: look_again(office), 0)
    for association in sorted(office.associations):
        again = steps.run(f"rescan/{association}", partial(rescan, office, [association]), RescanReport())
        report.rescanned.add(again)
    steps.run("holds", lambda: judge(office), 0)
    steps.run("read-with", lambda: say_what_changed(office), None)
    for association in sorted(office.associations):
        deliver = partial(deliver_to, office, doors, association)
        report.deliveries[association] = steps.run(f"deliver/{association}", deliver, DeliveryReport())
    steps.run("other-clocks", lambda: clock.ask_other_machines(office, doors.remote_times), False)
    report.retained = steps.run("retain", lambda: retain(office), RetentionReport())
    _look_back(office, doors, steps, report.retained)
    report.failed_steps = steps.failed
    tell_alarms(office, doors)
    return report


def _look_back(office: Office, doors: Doors, steps: Steps, retained: RetentionReport) -> None:
    """The end of a night, and of what is done between nights: what is not as it should be becomes a finding."""
    steps.run("set-aside/said", lambda: say_what_waits(office), None)
    steps.run("expired/said", lambda: say_what_expired(office, retained.open_items), None)
    if clock.believed(office):
        # Days are told apart by the clock: one that is in doubt opens, mends and forgets nothing.
        steps.run("deadlines/said", lambda: say_who_is_late(office), None)
        steps.run("unpaid/said", lambda: say_what_is_unpaid(office), None)
        steps.run("look-around", lambda: look_around(office, files_of(office, doors)), None)
    steps.run("findings", steps.note, None)


def tell_alarms(office: Office, doors: Doors) -> None:
    """What is to act on is told outside, behind everything else of a night; nothing depends on it. An alarm that fails
    is a finding of its own, and so is a mistake of ours in telling it."""
    steps = Steps(office)
    steps.run("alarms", lambda: raise_alarms(office, partial(doors.alarms, office)), None)
    steps.run("alarms/said", steps.note, None)


def files_of(office: Office, doors: Doors) -> FilesOf:
    """How the files that wait at a feed are asked for."""

    def ask(name: str) -> Sequence[WaitingFile] | None:
        if office.feeds[name].intake != "pull":
            return None
        connector = doors.feed(office, name)
        return connector.waiting() if isinstance(connector, KeepsWaiting) else None

    return ask


def rescan_and_judge(office: Office) -> RescanReport:
    """Between the nights: look again at whoever a roster change asked for, and judge what that puts aside. What the run
    of a feed puts aside meanwhile is judged when it is over."""
    report = rescan(office)
    for association in sorted(office.associations):
        judge(office, association)
    return report


def _waiting_pages(office: Office) -> int:
    with office.store.read() as tx:
        return len(pages.waiting(tx, sorted(office.feeds)))


def let_go(office: Office, doors: Doors) -> RetentionReport:
    """Between the nights: what the clock reads is left for the next start to know, what is past its time goes, and
    what waits (pages with gaps, what does not open) is looked at again."""
    steps = Steps(office)
    steps.run("keys", lambda: vault_keys.look(office), 0)
    steps.run("clock", lambda: clock.leave_mark(office), False)
    steps.run("other-clocks", lambda: clock.ask_other_machines(office, doors.remote_times), False)
    report = steps.run("retain", lambda: retain(office), RetentionReport())
    steps.run("mend", lambda: reopen_gaps(office), 0)
    steps.run("rewriting", lambda: rewriting.go_on(office), 0)
    steps.run("audit", lambda: audit_log.look(office), 0)
    steps.run("set-aside", lambda: look_again(office), 0)
    _look_back(office, doors, steps, report)
    return report


def deliver_to(office: Office, doors: Doors, association: str) -> DeliveryReport:
    """Send what is due to one association, in so many sittings as its rate makes necessary."""
    deliver = partial(
        deliver_due,
        office,
        association,
        doors.sender(office, association),
        jitter=doors.jitter,
        new_lease=doors.new_lease,
        stopping=doors.stopping,
    )
    report = deliver()
    while report.next_in is not None and not doors.stopping():
        # A whole second's worth: a sitting costs more than a claim.
        doors.pause(max(report.next_in, 1.0))
        report.add(deliver())
    return report


def run_feed(
    office: Office,
    doors: Doors,
    name: str,
    *,
    first: date | None = None,
    last: date | None = None,
    scheduled_for: datetime | None = None,
) -> FeedReport:
    """One feed's run, written into the database with its outcome, whatever happens. A feed whose agreement has expired
    is not read at all: nothing of it may be processed any more."""
    now, report = office.now(), not_to_be_read(office, name)
    if report is not None:
        return report
    report = FeedReport(feed=name)
    with office.store.write() as tx:
        run_id = runs.begin(tx, name, scheduled_for=scheduled_for or now, now=now)
    if run_id is None:
        return FeedReport(feed=name, outcome="done_before")
    try:
        with _beating(office, run_id):
            _take_in_feed(office, doors, name, report, first=first, last=last)
        if office.feeds[name].rate.per_day is not None:
            note_calls_spent(office, name, spent=False)
    except CallsSpent as error:
        # As much as may be asked in a day was asked: the next one goes on where this one stopped.
        report.pages, report.message = error.pages, str(error)
        note_calls_spent(office, name, spent=True)
    except HubaoError as error:
        report.outcome, report.message = "failed", str(error)
        log.warning("feed %s failed: %s", name, error)
    except Exception as error:  # noqa: BLE001 - one feed's mistake must not stop the night; it alarms.
        report.outcome, report.message = "failed", f"内部错误 (internal error): {type(error).__name__}"
        log.error("feed %s failed: %s", name, type(error).__name__)
    with office.store.write() as tx:
        if report.outcome in ("stopped", "paused"):
            runs.let_go(tx, run_id)
        else:
            runs.end(tx, run_id, outcome=report.outcome, pages=report.pages, message=report.message, now=office.now())
    if report.outcome not in ("stopped", "paused"):
        # Only now is the run over. What it put aside, or one before it that was killed, is known as a whole.
        Steps(office).run(f"holds/{name}", partial(judge, office, name), 0)
    return report


def not_to_be_read(office: Office, name: str) -> FeedReport | None:
    """Why a feed is not read at all now; None where it may be."""
    spec = office.feeds[name]
    if has_expired(office, name):
        message = f"数据协议已于{spec.legal.expires}到期，不再取数 (the agreement has expired: not read)"
        return FeedReport(feed=name, outcome="expired", message=message)
    if (opens := closed_until(spec.closed_hours, office.now())) is not None:
        message = f"对方维护时段，{opens:%H:%M}以后再取 (the far side is down on purpose until then)"
        return FeedReport(feed=name, outcome="closed", message=message)
    return None


BEAT_SECONDS = 30.0
"""How often a run under way says that it is alive; see `runs.SILENT_AFTER_MS`."""


@contextmanager
def _beating(office: Office, run_id: int) -> Iterator[None]:
    """While this lasts, nobody else takes the run up; should the process die, somebody soon does."""
    over = Event()
    heart = Thread(target=_beat, args=(office, run_id, over), name=f"run-{run_id}", daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()


def _beat(office: Office, run_id: int, over: Event) -> None:
    while not over.wait(BEAT_SECONDS):
        try:
            with office.store.write() as tx:
                runs.beat(tx, run_id, now=office.now())
        except HubaoError as error:
            log.warning("run %s: no heartbeat: %s", run_id, error)


def _take_in_feed(
    office: Office, doors: Doors, name: str, report: FeedReport, *, first: date | None, last: date | None
) -> None:
    spec, finished = office.feeds[name], False
    closing = next_closing(spec.closed_hours, office.now())

    def interrupted() -> bool:
        return doors.stopping() or (closing is not None and office.now() >= closing)

    until = None
    if spec.intake == "sweep":
        connector: SweepFeed = doors.feed(office, name)  # type: ignore[assignment]
        # A sweep started within its window ends at that window's hour; one started outside of it runs to the end.
        now, schedule = office.now(), spec.schedule
        if schedule is not None and schedule.until is not None and schedule.at <= now.time() < schedule.until:
            until = datetime.combine(now.date(), schedule.until, tzinfo=now.tzinfo)
        swept = sweep(office, name, connector, until=until, stopping=interrupted)
        report.pages, finished = swept.pages, swept.finished
        report.message = f"已问{swept.asked}人，未成{swept.failed}人 (asked, failed)"
    elif spec.intake == "pull":
        puller: PullFeed = doors.feed(office, name)  # type: ignore[assignment]
        with noticing(office, name, puller):
            report.pages = pull(office, name, puller, first=first, last=last, stopping=interrupted)
    work_waiting(office, [name], stopping=doors.stopping)
    if doors.stopping() and not finished:
        report.outcome = "stopped"
    elif interrupted() and closing is not None and not finished:
        opens = closed_until(spec.closed_hours, closing) or closing
        # A sweep whose hours are over before the line opens again has done what this night allows.
        if until is None or opens < until:
            report.outcome, report.message = "paused", f"对方开始维护，{opens:%H:%M}以后接着取 (paused until then)"


def pull(
    office: Office,
    name: str,
    puller: PullFeed,
    *,
    first: date | None,
    last: date | None,
    stopping: Callable[[], bool] = _never,
) -> int:
    """Store every new page of a feed that can list, and work it; returns how many were new."""
    with office.store.read() as tx:
        cursor, cursor_version = cursors.of_feed(tx, name)
    new = 0

    def stored() -> Iterator[StoredContent]:
        nonlocal cursor_version, new
        for fetched in puller.fetch(cursor, first=first, last=last):
            seq, is_new = store_page(office, name, fetched, cursor_version=cursor_version)
            cursor_version += 1
            new += is_new
            # Only now is the page durable, so only now may the original go.
            puller.release(fetched)
            yield seq, fetched.content
            if stopping():
                return

    try:
        process_stream(office, stored(), _alarm)
    except CallsSpent as error:
        error.pages = new
        raise
    return new


def _alarm(seq: int, error: Exception) -> None:
    """What went wrong with a page: our own errors say it safely, of others only the type is told."""
    log.error("page %s failed: %s", seq, error if isinstance(error, HubaoError) else type(error).__name__)


def work_waiting(office: Office, feeds: Sequence[str], *, stopping: Callable[[], bool] = _never) -> int:
    """Work every page that is stored and not worked, oldest first; a page that fails waits, is a finding until it is
    worked, and blocks nothing."""
    with office.store.read() as tx:
        waiting, noted = pages.waiting(tx, feeds), pages_noted(tx)
    worked, failed, at_work = 0, {}, CausesAtWork()
    for seq in waiting:
        if stopping():
            break
        try:
            process_page(office, seq, at_work)
            worked += 1
        except Exception as error:  # noqa: BLE001 - one page's mistake must not stop the pages behind it; it alarms.
            _alarm(seq, error)
            failed[seq] = plainly(error)
    judge_causes(office, at_work)
    if failed or noted:
        note_pages(office, failed)
    return worked


def due_times(spec: FeedSpec, *, after: datetime | None, now: datetime, most: int = 31) -> list[datetime]:
    """The scheduled instants of a feed since its last run, up to now; only the latest `most` days are caught up."""
    if spec.schedule is None or not spec.enabled:
        return []
    day = max((after or now - timedelta(days=1)).date(), now.date() - timedelta(days=most))
    due = []
    while day <= now.date():
        moment = datetime.combine(day, spec.schedule.at, tzinfo=now.tzinfo)
        if (after is None or moment > after) and moment <= now:
            due.append(moment)
        day += timedelta(days=1)
    return due


def catch_up(office: Office, doors: Doors, feeds: Sequence[str] = ()) -> list[FeedReport]:
    """Run every feed (or those named) whose hour has come since the last run the database knows of.

    Missed days are one run: a sweep and a folder take in everything new, however many nights were missed. While the
    clock is not believed no hour has come.
    """
    reports: list[FeedReport] = []
    if not clock.believed(office):
        return reports
    now = office.now()
    for name in feeds or office.feeds:
        spec = office.feeds[name]
        with office.store.read() as tx:
            last = runs.latest_scheduled(tx, name, until=now)
        due = due_times(spec, after=last, now=now)
        if due:
            reports.append(run_feed(office, doors, name, scheduled_for=due[-1]))
    return reports
