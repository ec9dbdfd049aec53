"""One reading of the clock destroys nothing (design §5.15).

A process whose clock is out of line with what was known before it began goes on taking in and delivering. What cannot
be made again (retention, destroying keys) and what a date alone sets off (schedules) waits, and its instants do not
count as known, until a person or the clocks of two other machines vouch for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.core.timekeeping import MACHINES, agreeing, in_line
from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.findings.codes import CODES
from gateway.flow.office import Office
from gateway.store import clock_marks, deliveries, findings, pages
from gateway.store.engine import Tx

FINDING: Final = ("clock_jump", "clock", "本机 (this machine)")

_LONGEST_PLANNED: Final = timedelta(hours=25)
"""No attempt and no lease is ever planned further ahead: what stands later was planned by a clock that was ahead."""


class ClockReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the clock reads and whether it is believed. `doubted_since`, `doubted_until`: readings still in doubt."""

    now: datetime
    known: datetime | None
    believed: bool
    doubted_since: datetime | None
    doubted_until: datetime | None


def believed(office: Office) -> bool:
    """Whether the clock is in line with what was known before this process began, or was vouched for since."""
    now = office.now()
    if office.start.vouches_for(now):
        return True
    with office.store.read() as tx:
        vouched = clock_marks.newest_trusted(tx)
    return vouched is not None and in_line(now, vouched)


def may_let_go(office: Office) -> bool:
    """Whether what cannot be made again may end now: the clock is believed, and no reading waits to be vouched for."""
    if not believed(office):
        return False
    with office.store.read() as tx:
        return clock_marks.doubt(tx) is None


def leave_mark(office: Office) -> bool:
    """Write down what the clock reads, once a run: known from now on where it is believed, else a finding.

    Returns whether it is believed.
    """
    now, trusted = office.now(), believed(office)
    with office.store.write() as tx:
        clock_marks.note(tx, office.start.process, began=office.start.at, now=now, trusted=trusted)
        if trusted:
            deliveries.pull_back(tx, now=now, horizon=now + _LONGEST_PLANNED)
        else:
            raise_(tx, _trouble(office, now), now=now)
    return trusted


def ask_other_machines(office: Office, remote_times: Callable[[Office], Mapping[str, datetime]]) -> bool:
    """Where readings are in doubt: whether the clocks of two other machines agree with ours, which ends the doubt.

    They are asked only then.
    """
    if may_let_go(office) or len(agreeing(office.now(), remote_times(office))) < MACHINES:
        return False
    with office.store.write() as tx:
        _vouch(tx, office, basis="dates", by=None)
    return True


def confirm(office: Office, *, by: str) -> ClockReport:
    """A person says that the clock is right as it reads now. Returns how it stands afterwards."""
    with office.store.write() as tx:
        _vouch(tx, office, basis="confirmed", by=by)
    return show(office)


def show(office: Office) -> ClockReport:
    """How the clock stands; changes nothing."""
    trusted = believed(office)
    with office.store.read() as tx:
        newest, doubt = clock_marks.newest_trusted(tx), clock_marks.doubt(tx)
    return ClockReport(
        now=office.now(),
        known=newest or office.start.known_before,
        believed=trusted,
        doubted_since=doubt.first if doubt else None,
        doubted_until=doubt.newest if doubt else None,
    )


def in_doubt(office: Office) -> list[str]:
    """The doubt about this process's own clock in words, while no finding says it yet."""
    if believed(office):
        return []
    now, (code, _, name) = office.now(), FINDING
    with office.store.read() as tx:
        if findings.open_findings(tx, code=code):
            return []
    return [f"{name}: {CODES[code].words}：{_trouble(office, now).detail} → {CODES[code].advice}"]


def _vouch(tx: Tx, office: Office, *, basis: str, by: str | None) -> None:
    """From here on this instant is known, and what a clock ahead had planned comes back to it."""
    now = office.now()
    clock_marks.vouch(tx, office.start.process, now=now, basis=basis, by=by)
    deliveries.pull_back(tx, now=now, horizon=now + _LONGEST_PLANNED)
    pages.received_by(tx, now, horizon=now + _LONGEST_PLANNED)
    code, kind, name = FINDING
    close(tx, code, kind, (name,), now=now)


def _trouble(office: Office, now: datetime) -> Trouble:
    code, kind, name = FINDING
    before = office.start.known_before or office.start.at
    detail = f"本机时钟 {now:%Y-%m-%d %H:%M}，此前已知 {before:%Y-%m-%d %H:%M} (clock; known before)"
    return Trouble(code=code, kind=kind, name=name, days=(before.date(), now.date()), detail=detail)
