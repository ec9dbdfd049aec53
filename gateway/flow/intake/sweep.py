"""Sweep: a feed that can only answer "this person" is asked about everybody on the roster, night after night.

The cursor says how far the round has come; each member's window begins where the last answer about him ended.
Page, cursor and windows are written together, so a sweep cut off anywhere goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial

import msgspec

from gateway.errors import Unavailable
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office, feeds_of
from gateway.flow.opening import member_piece, open_or_set_aside
from gateway.flow.pages.stored_pages import store_page
from gateway.model.page import Fetched
from gateway.model.pieces import Piece
from gateway.ports import SweepFeed, SweepSubject, Swept
from gateway.settings.feeds import FeedSpec
from gateway.store import cursors, members, sweep_windows, unreadable
from gateway.store.engine import Tx
from gateway.store.members import MemberRow
from gateway.store.values import to_ms


class Round(msgspec.Struct, frozen=True):
    """The cursor of a sweep: which round, and the last member asked in it (0 at the start)."""

    number: int = 0
    after: int = 0


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
    report = SweepReport()
    while not stopping() and (until is None or office.now() < until):
        with office.store.read() as tx:
            text, cursor_version = cursors.of_feed(tx, feed)
            now_at = msgspec.json.decode(text, type=Round) if text else Round()
            aside: list[Piece] = []
            subjects, last = _next_subjects(tx, office, feed, now_at, line.people_per_page, aside)
        _note(office, aside)
        if not subjects:
            _end_round(office, feed, now_at, cursor_version, last)
            if last is None:
                report.finished = True
                return report
            continue
        swept = line.ask(subjects, now=office.now())
        if not swept.asked and not swept.failed:
            raise Unavailable(f"{feed}: 没有问到任何人 (nobody was reached)")
        _keep(office, feed, swept, subjects, now_at, cursor_version, last, report)
    return report


def _next_subjects(
    tx: Tx, office: Office, feed: str, now_at: Round, people_per_page: int, aside: list[Piece]
) -> tuple[list[SweepSubject], int | None]:
    """The next people to ask and the last roster row looked at; (nobody, None) at the end of the roster.

    Members who do not open are added to `aside`, and asked about once they do: their windows begin where they ended.
    """
    spec = office.feeds[feed]
    rows = members.after(tx, spec.associations, now_at.after, people_per_page)
    if not rows:
        return [], None
    today = office.now().date()
    asked = sweep_windows.asked_until(tx, feed, [row.member_id for row in rows])
    wanted = [(row, _window(spec, asked.get(row.member_id), today)) for row in rows if not row.opt_out]
    asked_about = [(row, since) for row, since in wanted if _concerns(spec, row, since, today)]
    subjects = [
        open_or_set_aside(member_piece(row), partial(_subject, office, row, since, today), aside)
        for row, since in asked_about
    ]
    return [subject for subject in subjects if subject is not None], rows[-1].member_id


def _note(office: Office, aside: Sequence[Piece]) -> None:
    if aside:
        with office.store.write() as tx:
            unreadable.note(tx, aside, now=office.now())


def _window(spec: FeedSpec, asked_until: date | None, today: date) -> date:
    """The first day to ask about: where the last answer ended less the overlap, or the feed's first reach.

    An answer that ends after today was had under a clock that was ahead: how far it reached nobody knows.
    """
    if asked_until is None or asked_until > today:
        return today - timedelta(days=spec.window.first_days)
    return asked_until - timedelta(days=spec.window.overlap_days)


def _concerns(spec: FeedSpec, row: MemberRow, since: date, today: date) -> bool:
    """Nobody is asked about without need: only members of the feed's leagues who are covered in the window."""
    if spec.leagues and row.league is not None and row.league not in spec.leagues:
        return False
    return any(each.first_day <= today and each.last_day >= since for each in row.coverage)


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


def _keep(
    office: Office,
    feed: str,
    swept: Swept,
    subjects: Sequence[SweepSubject],
    now_at: Round,
    cursor_version: int,
    last: int | None,
    report: SweepReport,
) -> None:
    """Store the page with what is now known of whom was asked, then work it."""
    by_id = {subject.member_id: subject for subject in subjects}
    failed = dict(swept.failed)
    reached = set(swept.asked) | set(failed)
    left = [subject.member_id for subject in subjects if subject.member_id not in reached]
    after = (min(left) - 1) if left else (last or now_at.after)
    cursor = msgspec.json.encode(Round(now_at.number, after)).decode()
    until = {member_id: by_id[member_id].until for member_id in swept.asked if member_id in by_id}

    def remember(tx: Tx) -> None:
        sweep_windows.set_asked_until(tx, feed, until, now_ms=to_ms(office.now()))
        sweep_windows.note_failed(tx, feed, failed)

    fetched = msgspec.structs.replace(swept.fetched, cursor=cursor)
    seq, _ = store_page(office, feed, fetched, cursor_version=cursor_version, also=remember)
    process_page(office, seq)
    report.pages += 1
    report.asked += len(swept.asked)
    report.failed += len(failed)


def _end_round(office: Office, feed: str, now_at: Round, cursor_version: int, last: int | None) -> None:
    """Nobody in this stretch of the roster concerns the feed: go on behind it, or begin the next round."""
    following = Round(now_at.number, last) if last is not None else Round(now_at.number + 1, 0)
    with office.store.write() as tx:
        cursors.move(tx, feed, msgspec.json.encode(following).decode(), cursor_version=cursor_version, now=office.now())


def find_member(office: Office, association: str, member_no: str) -> MemberRow | None:
    """The member an association asks about, whether or not it may be asked about."""
    with office.store.read() as tx:
        rows = members.by_number(tx, association, [member_no])
    return rows[0] if rows else None


def lines_about(office: Office, row: MemberRow) -> list[str]:
    """The feeds that may be asked about a member now: those of his league, in whose reach he is covered."""
    today = office.now().date()
    found = []
    for name in feeds_of(office, row.association):
        spec = office.feeds[name]
        since = today - timedelta(days=spec.window.first_days)
        if spec.intake == "sweep" and spec.enabled and not row.opt_out and _concerns(spec, row, since, today):
            found.append(name)
    return found


def look_up(office: Office, feed: str, line: SweepFeed, member_id: int) -> int:
    """One person, now, over the same line: ask, store, work. Returns the place of the page.

    Raises Unavailable if the line does not answer, or only in part: then what it did say is stored all the
    same. The member's own window is left as it is.
    """
    today = office.now().date()
    with office.store.read() as tx:
        row = members.by_id(tx, [member_id])[0]
    since = today - timedelta(days=office.feeds[feed].window.first_days)
    swept = line.ask([_subject(office, row, since, today)], now=office.now())
    fetched: Fetched = swept.fetched
    seq, _ = store_page(office, feed, fetched)
    process_page(office, seq)
    if swept.failed:
        raise Unavailable(f"{feed}: {swept.failed[0][1]}")
    return seq
