"""The open findings as every command shows them: looked at anew, then one table with what to do about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.cli.output import say, table

if TYPE_CHECKING:
    from gateway.flow.findings.book import FindingReport
    from gateway.flow.office import Office

_COLUMNS = ("编号", "级别", "对象", "发现", "数量", "金额（元）", "日期", "自", "已阅", "说明")
_LEVELS = {"act": "须处理", "know": "须知"}


def look(office: Office) -> list[FindingReport]:
    """Every open finding as things stand now, those about files that wait among them."""
    from gateway import wiring
    from gateway.flow.findings.looking import look_and_show
    from gateway.flow.intake.night import files_of

    return look_and_show(office, files_of(office, wiring.doors()))


def show_findings(reports: Sequence[FindingReport]) -> None:
    """A table of findings, and under it what to do about each kind."""
    from gateway.flow.findings.codes import SUBJECTS

    rows = []
    for report in reports:
        days = "–".join(dict.fromkeys(day.isoformat() for day in (report.first_day, report.last_day) if day)) or None
        seen = f"{report.acknowledged_by}，至{report.acknowledged_until}" if report.acknowledged_by else None
        level, subject = _LEVELS.get(report.level, report.level), SUBJECTS.get(report.kind, report.kind)
        head = (report.finding_id, level, f"{subject} {report.name}", report.words, report.count, report.amount)
        rows.append((*head, days, report.since, seen, report.detail))
    table("发现", _COLUMNS, rows)
    for advice in dict.fromkeys(report.advice for report in reports if report.counts and report.advice):
        say(f"→ {advice}")
