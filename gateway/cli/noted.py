"""The open findings as every command shows them: looked at anew, then told in lines with what to do about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.cli.output import say

if TYPE_CHECKING:
    from gateway.flow.findings.book import FindingReport
    from gateway.flow.office import Office

_LEVELS = {"act": "须处理", "know": "须知"}


def look(office: Office) -> list[FindingReport]:
    """Every open finding as things stand now, those about files that wait among them."""
    from gateway import wiring
    from gateway.flow.delivery.health import noted_now
    from gateway.flow.intake.night import files_of

    return noted_now(office, files_of(office, wiring.doors()))


def show_findings(reports: Sequence[FindingReport]) -> None:
    """Every finding in lines of its own, those to act on first, and what to do about each that counts."""
    if not reports:
        say("发现：没有 (no findings)")
        return
    to_act_on = sum(report.counts for report in reports)
    say(f"发现 (findings)：须处理 (to act on) {to_act_on}，其余须知 (to know) {len(reports) - to_act_on}")
    for report in sorted(reports, key=lambda report: not report.counts):
        say(f"  {heading(report)}")
        for part in report.detail.split("；") if report.detail else ():
            say(f"      {part}")
        if report.counts and report.advice:
            say(f"      → {report.advice}")


def heading(report: FindingReport) -> str:
    """Number, level, what it is about, what it is, how much, of which days and since when."""
    from gateway.flow.findings.codes import SUBJECTS

    days = "–".join(dict.fromkeys(day.isoformat() for day in (report.first_day, report.last_day) if day))
    much = [f"{report.count}", f"{report.amount}元" if report.amount is not None else "", days]
    seen = f"；{report.acknowledged_by}已阅，{report.acknowledged_until}起再计" if report.acknowledged_by else ""
    level, subject = _LEVELS.get(report.level, report.level), SUBJECTS.get(report.kind, report.kind)
    figures = "，".join(filter(None, much))
    return (
        f"[{report.finding_id}] {level} {subject} {report.name}：{report.words}"
        f"（{figures}；自{report.since:%Y-%m-%d %H:%M}{seen}）"
    )
