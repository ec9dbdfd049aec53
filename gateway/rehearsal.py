"""A rehearsal: one simulated league against the real gateway, and what arrived held against the league's own truth."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway import wiring
from gateway.core.roster import read_roster
from gateway.flow.batches.reconcile import lost, reconcile
from gateway.flow.findings.looking import look_around
from gateway.flow.intake.night import files_of, run_feed, work_waiting
from gateway.flow.office import Office, record_name
from gateway.flow.roster.enrol import enrol
from gateway.model.clock import SHANGHAI
from gateway.model.record import SettlementRecord, record_to_json
from gateway.model.rows import RowClass
from gateway.sandbox.leagues import Sent
from gateway.sandbox.national import false_checksum
from gateway.sandbox.people import ALL_LEAGUES
from gateway.sandbox.play import Play
from gateway.sandbox.played import LEAGUES_PLAYED
from gateway.sandbox.script import Script, write_script
from gateway.settings.shipped import write_site
from gateway.store import findings, pages, records
from gateway.web.app import make_app
from gateway.web.running import Running

DAY: Final = date(2022, 3, 10)
ASSOCIATION: Final = "nm"


class LeagueReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a league: how its rows ended, what differs from its truth (nothing, where all is well), which
    findings stand, and how long it took."""

    feed: str
    name: str
    rows: dict[str, int]
    differences: list[str]
    findings: list[str]
    seconds: float


def rehearse(folder: Path, feed: str, *, seed: int, members: int = 60, strangers: int = 120) -> LeagueReport:
    """Play the league of this feed in a new site. Raises KeyError for a feed no league is played for, WrongUse where
    there is a site already."""
    began, folder = time.monotonic(), folder.resolve()
    league = feed.partition("-")[0]
    script = write_script(folder / "sandbox", league, seed=seed, day=DAY, members=members, strangers=strangers)
    with ExitStack() as stack:
        clock = _MovingClock(datetime(DAY.year, DAY.month, DAY.day, 23, tzinfo=SHANGHAI))
        play = stack.enter_context(LEAGUES_PLAYED[feed](script, lambda: clock().timestamp()))
        _write_site(folder, feed, play)
        office = wiring.open_office(folder, clock=clock)
        stack.callback(office.store.close)
        enrol(office, ASSOCIATION, read_roster(script.roster.read_bytes()).people)
        _run(office, feed, play, clock)
        differences = [*_differences(office, script, play)]
        with office.store.read() as tx:
            noted = sorted({row.code for row in findings.open_findings(tx)})
        missing = sorted(play.findings - {*noted})
        differences += [f"没有应有的发现 (a finding is missing): {code}" for code in missing]
        return LeagueReport(
            feed=feed,
            name=ALL_LEAGUES[league].name,
            rows={str(kind): many for kind, many in _ended(office).items()},
            differences=differences,
            findings=noted,
            seconds=round(time.monotonic() - began, 1),
        )


class _MovingClock:
    """A time of day that stands still until it is moved on: what a script says is so on its own day."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now


def _write_site(folder: Path, feed: str, play: Play) -> None:
    """A site with this feed alone, pointed at the league that is played; secrets in files only this user can read."""
    write_site(folder, feeds=(feed,))
    file = folder / "config" / "feeds" / f"{feed}.toml"
    text = file.read_text(encoding="utf-8")
    for key, value in play.options.items():
        text, replaced = re.subn(rf"(?m)^{key} = .*$", f"{key} = {_toml(value)}".replace("\\", r"\\"), text)
        if replaced != 1:
            raise ValueError(f"{file.name} names {key} {replaced} times")
    file.write_text(text.replace("per_second = 10", "per_second = 1000"), encoding="utf-8")
    (folder / "keys").mkdir(mode=0o700, exist_ok=True)
    secrets = {"HUBAO_NM_SECRET": _WEBHOOK, "HUBAO_NM_REQUESTS_SECRET": _WEBHOOK, **play.secrets}
    for path in (file, folder / "config" / "associations" / "nm.toml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'"env:(\w+)"', lambda named: f'"file:keys/{named[1].lower()}"', text), encoding="utf-8")
    wiring.make_keys(wiring.load_site(folder))
    for name, secret in secrets.items():
        handle = os.open(folder / "keys" / name.lower(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.write(secret)


_WEBHOOK: Final = "whsec_" + "QUJD" * 8
"""Nothing is delivered at a rehearsal, so this guards nothing."""


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else msgspec.json.encode(value).decode()


def _run(office: Office, feed: str, play: Play, clock: _MovingClock) -> None:
    """As many nights as the league needs until it has told everything; nothing is delivered."""
    doors = wiring.doors()
    for night in range(play.nights):
        clock.now += timedelta(days=bool(night))
        play.before_night(night)
        if play.push is not None:
            web = Running.start(make_app(office, doors, start_scheduler=False))
            try:
                play.push(f"{web.address}/api/v1/feeds/{feed}/push")
            finally:
                web.stop()
            work_waiting(office, [feed])
        else:
            run_feed(office, doors, feed)
    look_around(office, files_of(office, doors))


def _ended(office: Office) -> Counter[RowClass]:
    """Class → rows that ended in it, as reconciled."""
    ended: Counter[RowClass] = Counter()
    for sheet in reconcile(office):
        ended.update(sheet.tally.rows)
    return +ended


def _differences(office: Office, script: Script, play: Play) -> Iterator[str]:
    """Everything in which the site and the script differ, without a person's data."""
    sheets = reconcile(office)
    if lost(sheets):
        yield f"对账不平 (lost rows): {lost(sheets)}"
    ended, expected = _of_members(_ended(office)), _of_members(script.ends())
    expected.update({RowClass(kind): many for kind, many in play.extra.items()})
    for kind in sorted({*ended, *expected} - {RowClass.SUPERSEDED}):
        if ended[kind] != expected[kind]:
            yield f"{kind}: {ended[kind]}行，应为{expected[kind]}行 (rows, and how many there should be)"
    stored = Counter(_read(office))
    true = {kind: Counter(_told(script, play, kind)) for kind in _MEMBERS}
    if missing := sum((true[RowClass.MEMBER] - stored).values()):
        yield f"会员结算缺少或不同{missing}笔 (members' settlements missing, or not as they are)"
    if false := sum((stored - true[RowClass.MEMBER] - true[RowClass.NOT_PAYABLE]).values()):
        yield f"会员结算多出或不同{false}笔 (members' settlements that are not so)"


_MEMBERS: Final = (RowClass.MEMBER, RowClass.NOT_PAYABLE)


def _of_members(rows: Counter[RowClass]) -> Counter[RowClass]:
    """The same with members' rows in one class: a refund of what nobody pays may be recorded or not."""
    joined: Counter[RowClass] = Counter({kind: many for kind, many in rows.items() if kind not in _MEMBERS})
    joined[RowClass.MEMBER] = sum(rows[kind] for kind in _MEMBERS)
    return joined


def _told(script: Script, play: Play, kind: RowClass) -> Iterator[bytes]:
    """The true settlements that end in a class, as a right mapping makes them."""
    for sent in script.rows:
        if script.end_of(sent) is kind:
            yield _plain(play.reading(_as_matched(script, sent)))


def _as_matched(script: Script, sent: Sent) -> SettlementRecord:
    """The truth of a row as it is stored: a number with a false check digit stands there as it was written."""
    if sent.spoiled != "id_number":
        return sent.record
    return msgspec.structs.replace(sent.record, id_number=false_checksum(sent.id_written))


def _read(office: Office) -> Iterator[bytes]:
    """Every stored settlement of a member, opened."""
    with office.store.read() as tx:
        seqs = [page.seq for feed in office.feeds for page in pages.of_feed(tx, feed)]
        rows = records.of_pages(tx, seqs)
    for row in rows:
        name = record_name(row.feed, bytes(row.key), row.association)
        yield _plain(office.open_record(bytes(row.sealed), name))


def _plain(record: SettlementRecord) -> bytes:
    """All of a record as text that can be compared: an instant is the same in every zone."""
    at = record.settled_at and record.settled_at.astimezone(SHANGHAI)
    return msgspec.json.encode(record_to_json(msgspec.structs.replace(record, settled_at=at)))
