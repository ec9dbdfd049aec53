"""Sweep: a feed that can only answer "this person" is asked about everybody on the roster, night after night.

The cursor says how far the round has come; each member's window begins where the last answer about that member ended.
Page, cursor and windows are written together, so a sweep cut off anywhere goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

import msgspec

from gateway.core.watching.closed_hours import closed_until
from gateway.errors import CallsSpent, Unavailable
from gateway.flow.batches.causes import CausesAtWork
from gateway.flow.intake.work import judge_causes, process_page
from gateway.flow.office import Office, feeds_of
from gateway.flow.opening import member_piece, open_or_set_aside
from gateway.flow.pages.stored_pages import store_page
from gateway.flow.site.agreements import has_expired
from gateway.model.pieces import Piece
from gateway.ports import SweepFeed, SweepReply, SweepSubject
from gateway.settings.feeds import FeedSpec
from gateway.store import cursors, members, sweep_windows, unreadable
from gateway.store.engine import Tx
from gateway.store.members import MemberRow
from gateway.store.values import to_ms


class Round(msgspec.Struct, frozen=True):
    """The cursor of a sweep: which round, and the last member asked in it (0 at the start)."""

    number: int = 0
    after: int = 0


class Stretch(msgspec.Struct, frozen=True):
    """The next rows of the roster: where the round stood before them, whom to ask about, and the last row looked at
    (None: the roster has come to its end)."""

    start: Round
    cursor_version: int
    subjects: list[SweepSubject]
    last: int | None


class SweepReport(msgspec.Struct, kw_only=True):
    """What one sitting of a sweep did. `finished`: the round reached the end of the roster."""

    pages: int = 0
    asked: int = 0
    failed: int = 0
    finished: bool = False


def sweep(
    office: Office,
    feed: str,
    line: SweepFeed,
    *,
    until: datetime | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> SweepReport:
    """Ask on from where the round stands, page by page, to the end of the roster or until the hour given.

    Once `stopping` says so, the page in hand is the last. Raises Unavailable when the line is down; what was
    learnt before stays.
    """
    report, at_work = SweepReport(), CausesAtWork()
    while not stopping() and (until is None or office.now() < until):
        stretch = _next_stretch(office, feed, line.people_per_page)
        if not stretch.subjects:
            # No member in this stretch of the roster concerns the feed: go on behind it, or begin the next round.
            number, last = stretch.start.number, stretch.last
            behind = Round(number, last) if last is not None else Round(number + 1, 0)
            with office.store.write() as tx:
                cursor = msgspec.json.encode(behind).decode()
                cursors.move(tx, feed, cursor, cursor_version=stretch.cursor_version, now=office.now())
            if last is None:
                report.finished = True
                break
            continue
        try:
            reply = line.ask(stretch.subjects, now=office.now())
        except CallsSpent as error:
            error.pages = report.pages
            raise
        if not reply.asked and not reply.failed:
            raise Unavailable(f"{feed}: 没有问到任何人 (nobody was reached)")
        _store(office, feed, stretch, reply, at_work)
        report.pages += 1
        report.asked += len(reply.asked)
        report.failed += len(dict(reply.failed))
    judge_causes(office, at_work)
    return report


def _next_stretch(office: Office, feed: str, people_per_page: int) -> Stretch:
    """The next rows of the roster, and which of their members are asked about.

    Members who do not open are noted, and asked about once they do: their windows begin where they ended.
    """
    spec, today = office.feeds[feed], office.now().date()
    aside: list[Piece] = []
    with office.store.read() as tx:
        text, cursor_version = cursors.of_feed(tx, feed)
        start = msgspec.json.decode(text, type=Round) if text else Round()
        rows = members.after(tx, spec.associations, start.after, people_per_page)
        if not rows:
            return Stretch(start, cursor_version, [], None)
        asked = sweep_windows.asked_until(tx, feed, [row.member_id for row in rows])
        windows = [(row, _window(spec, asked.get(row.member_id), today)) for row in rows if not row.opt_out]
        concerned = [(row, since) for row, since in windows if _concerns(spec, row, since, today)]
        opened = [
            open_or_set_aside(member_piece(row), partial(_subject, office, row, since, today), aside)
            for row, since in concerned
        ]
    if aside:
        with office.store.write() as tx:
            unreadable.note(tx, aside, now=office.now())
    return Stretch(start, cursor_version, [subject for subject in opened if subject is not None], rows[-1].member_id)


def _window(spec: FeedSpec, asked_until: date | None, today: date) -> date:
    """The first day to ask about: where the last answer ended less the overlap, or the feed's first reach.

    An answer that ends after today was had under a clock that was ahead: how far it reached is not known.
    """
    if asked_until is None or asked_until > today:
        return today - timedelta(days=spec.window.first_days)
    return asked_until - timedelta(days=spec.window.overlap_days)


def _concerns(spec: FeedSpec, row: MemberRow, since: date, today: date) -> bool:
    """A member is not asked about without need: only members of the feed's leagues who are covered in the window."""
    if spec.leagues and row.league is not None and row.league not in spec.leagues:
        return False
    return any(period.first_day <= today and period.last_day >= since for period in row.coverage)


def _subject(office: Office, row: MemberRow, since: date, until: date) -> SweepSubject:
    member = office.open_member(row)
    return SweepSubject(
        member_id=row.member_id,
        id_type=member.id_type,
        id_number=member.id_number,
        name=member.name,
        since=since,
        until=until,
    )


def _store(office: Office, feed: str, stretch: Stretch, reply: SweepReply, at_work: CausesAtWork) -> None:
    """Store the page, where the round stands and whom it covers in one transaction; then work it."""
    failed = dict(reply.failed)
    reached = {*reply.asked, *failed}
    unreached = [subject.member_id for subject in stretch.subjects if subject.member_id not in reached]
    after = (min(unreached) - 1) if unreached else (stretch.last or stretch.start.after)
    cursor = msgspec.json.encode(Round(stretch.start.number, after)).decode()
    windows = {subject.member_id: subject.until for subject in stretch.subjects}
    until = {member_id: windows[member_id] for member_id in reply.asked if member_id in windows}

    def remember(tx: Tx) -> None:
        sweep_windows.set_asked_until(tx, feed, until, now_ms=to_ms(office.now()))
        sweep_windows.note_failed(tx, feed, failed)

    fetched = msgspec.structs.replace(reply.fetched, cursor=cursor)
    seq, _ = store_page(office, feed, fetched, cursor_version=stretch.cursor_version, also=remember)
    process_page(office, seq, at_work)


def lines_about(office: Office, row: MemberRow) -> list[str]:
    """The feeds that may be asked about a member now: those of the member's league, in whose reach it is covered, and
    whose agreement still holds."""
    today = office.now().date()
    lines = []
    for name in feeds_of(office, row.association):
        spec = office.feeds[name]
        since = today - timedelta(days=spec.window.first_days)
        open_line = spec.intake == "sweep" and spec.enabled and not has_expired(office, name)
        if open_line and not row.opt_out and _concerns(spec, row, since, today):
            lines.append(name)
    return lines


def ask_about(
    office: Office,
    feed: str,
    line: SweepFeed,
    row: MemberRow,
    *,
    since: date | None = None,
    until: date | None = None,
) -> SweepReply:
    """What a line says of one member in these days, or in those a first question reaches. Raises Unavailable."""
    now, spec = office.now(), office.feeds[feed]
    if (opens := closed_until(spec.closed_hours, now)) is not None:
        raise Unavailable(f"{feed}: 对方维护时段，至{opens:%H:%M} (down on purpose until then)")
    today = now.date()
    reach = today - timedelta(days=spec.window.first_days)
    first, last = max(since or reach, reach), min(until or today, today)
    return line.ask([_subject(office, row, min(first, last), last)], now=now)
