"""Alarms (告警): findings to act on are told outside, several in one message, none twice, never with a person's data.

What a message says is made of codes, counts, money and the names that settings files give to feeds and associations.
The detail of a finding and what persons noted stay inside: whoever is told looks with `hubao findings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.errors import Unavailable, WrongUse
from gateway.flow.findings.book import FindingReport, Trouble, show, take_stock
from gateway.flow.findings.codes import SUBJECTS
from gateway.flow.office import Office
from gateway.ports import AlarmWay
from gateway.store import alarms
from gateway.store.alarms import AlarmRow
from gateway.store.engine import lock

FAILED: Final = "alarm_failed"
_KIND: Final = "alarm"
_HELD_FOR: Final = timedelta(minutes=10)
"""After so long nobody is still sending: whoever was is gone, and it is told anew."""

_LONGEST_BYTES: Final = 1_500
"""What the shortest of the ways takes, a WeCom group with 2,048 bytes, with room for its title."""

Subject = tuple[str, str, str]


class AlarmReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of telling: how many findings were told, and why nothing was where it is none: `quiet`, `grouped` (the
    last message was a moment ago), `nothing`, `failed`, `nowhere`."""

    told: int = 0
    why: str = ""


def raise_alarms(office: Office, ways: Callable[[], Sequence[AlarmWay]]) -> AlarmReport:
    """Tell what is to act on and was not told yet. Where some way takes it, it is told; what fails is a finding.

    At least once: whoever dies in the middle of it leaves it to be told again.
    """
    spec, now = office.gateway.alarms, office.now()
    if not spec.to:
        take_stock(office, (FAILED,), [])
        return AlarmReport(why="nowhere")
    if spec.quiet is not None and spec.quiet.hold(now.time()):
        return AlarmReport(why="quiet")
    reports, rows = _take(office, now)
    if not reports:
        return AlarmReport(why="grouped" if rows else "nothing")
    title, text = message(office.gateway.name, reports, {name: feed.name for name, feed in office.feeds.items()})
    try:
        failures = say_everywhere(office, ways(), title, text)
    except BaseException:
        _give_back(office, rows)
        raise
    if len(failures) == len(spec.to):
        _give_back(office, rows)
        return AlarmReport(why="failed")
    with office.store.write() as tx:
        alarms.put(tx, [msgspec.structs.replace(row, state="told") for row in rows])
    return AlarmReport(told=len(rows))


def _take(office: Office, now: datetime) -> tuple[list[FindingReport], list[AlarmRow]]:
    """The findings that are due, now in our hands; their rows alone where the last message was a moment ago."""
    spec = office.gateway.alarms
    to_act_on = _to_act_on(office)
    with office.store.write() as tx:
        lock(tx, "alarms")
        before = {(row.code, row.kind, row.name): row for row in alarms.all_of(tx)}
        due = [report for report in to_act_on if _is_due(report, before, now, timedelta(hours=spec.again_hours))]
        rows = [
            AlarmRow(
                code=report.code,
                kind=report.kind,
                name=report.name,
                finding_id=report.finding_id,
                state="sending",
                at=now,
            )
            for report in due
        ]
        latest = max((row.at for row in before.values() if row.state == "told"), default=None)
        if latest is not None and latest <= now < latest + timedelta(minutes=spec.group_minutes):
            return [], rows
        alarms.put(tx, rows)
    return due, rows


def _is_due(report: FindingReport, before: Mapping[Subject, AlarmRow], now: datetime, again: timedelta) -> bool:
    """Whether a finding is to be told: its subject never was, or this is another finding and the last alarm is old, or
    a person put it off and its day has come."""
    row = before.get((report.code, report.kind, report.name))
    if row is None:
        return True
    if row.state == "sending":
        # A row from ahead of the clock was set by one that was wrong.
        return not row.at <= now < row.at + _HELD_FOR
    if row.finding_id != report.finding_id:
        return now >= row.at + again
    until = report.acknowledged_until
    return until is not None and row.at.date() < until


def _give_back(office: Office, rows: Sequence[AlarmRow]) -> None:
    with office.store.write() as tx:
        alarms.let_go(tx, rows)


def say_everywhere(office: Office, ways: Sequence[AlarmWay], title: str, text: str) -> dict[str, str]:
    """Say it in every way; of those that did not take it (by place in the file and kind) what is wrong, which are
    findings from now on, and no others."""
    failures = {}
    for number, way in enumerate(ways, 1):
        try:
            way.send(title, text)
        except (Unavailable, WrongUse) as error:
            failures[f"{number} {way.way}".strip()] = str(error)
    troubles = [Trouble(code=FAILED, kind=_KIND, name=name, detail=why) for name, why in failures.items()]
    take_stock(office, (FAILED,), troubles)
    return failures


def waiting_to_be_told(office: Office) -> list[FindingReport]:
    """What the next message would tell."""
    again = timedelta(hours=office.gateway.alarms.again_hours)
    with office.store.read() as tx:
        before = {(row.code, row.kind, row.name): row for row in alarms.all_of(tx)}
    return [report for report in _to_act_on(office) if _is_due(report, before, office.now(), again)]


def _to_act_on(office: Office) -> list[FindingReport]:
    """Findings that count, but those about alarms themselves."""
    return [report for report in show(office) if report.counts and report.code != FAILED]


def message(site: str, reports: Sequence[FindingReport], feeds: Mapping[str, str]) -> tuple[str, str]:
    """Title and text of one message; `feeds`: name → what people call it. What is too much for the shortest of the
    ways is counted."""
    lines, size = [], 0
    for report in reports:
        line = f"· {_about(report, feeds)}：{_chinese(report.words)}{_figures(report)}"
        size += len(line.encode()) + 1
        if size > _LONGEST_BYTES:
            break
        lines.append(line)
    if len(lines) < len(reports):
        lines.append(f"另有 {len(reports) - len(lines)} 项")
    lines.append("查看与处理：hubao findings")
    return f"{site}：{len(reports)} 项须处理", "\n".join(lines)


def _about(report: FindingReport, feeds: Mapping[str, str]) -> str:
    name = feeds.get(report.name, report.name) if report.kind == "feed" else report.name
    return f"{SUBJECTS.get(report.kind, report.kind)} {name}"


def _chinese(words: str) -> str:
    """The Chinese of a text that has both languages."""
    return words.partition(" (")[0]


def _figures(report: FindingReport) -> str:
    parts = [f"{report.count} 件" if report.count > 1 else "", f"{report.amount} 元" if report.amount else ""]
    figures = "，".join(part for part in parts if part)
    return f"（{figures}）" if figures else ""
