"""findings: what is not as it should be, with what to do; acknowledging one that a person has seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import Json, emit, say, table
from gateway.cli.review import By, Note, name_of
from gateway.cli.site import open_office

if TYPE_CHECKING:
    from gateway.flow.findings.book import FindingReport

findings = typer.Typer(
    help="未结的发现：哪里不对、该做什么 (what is not as it should be, and what to do).", rich_markup_mode=None
)

QUIET_DAYS = 7
"""For how long an acknowledged finding does not count, where nobody says otherwise."""

_COLUMNS = ("编号", "级别", "对象", "发现", "数量", "金额（元）", "日期", "自", "已阅", "说明")
_LEVELS = {"act": "须处理", "know": "须知"}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(findings, name="findings")


@findings.callback(invoke_without_command=True)
def list_findings(context: typer.Context, as_json: Json = False) -> None:
    """未结的发现：哪里不对、该做什么 (what is not as it should be, and what to do)."""
    if context.invoked_subcommand is not None:
        return
    from gateway.flow.findings.book import must_act, show

    reports = show(open_office(context))
    if as_json:
        emit({"findings": reports, "ok": not must_act(reports)})
    else:
        show_findings(reports)
    if must_act(reports):
        raise typer.Exit(1)


@findings.command("acknowledge")
def acknowledge(
    context: typer.Context,
    finding_id: Annotated[int, typer.Argument(help="编号 (its number).")],
    by: By = None,
    note: Note = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="从这一天起再计，缺省七天后 (counts again from this day on)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """已阅一条发现，到期再计 (a person has seen it; it counts again from its day)."""
    from gateway.flow.findings import book

    office = open_office(context)
    day = until.date() if until else office.now().date() + timedelta(days=QUIET_DAYS)
    report = book.acknowledge(office, finding_id, by=name_of(by), until=day, note=note)
    if as_json:
        emit(report)
    else:
        say(f"已记下；{day}起再计 (noted; it counts again from that day)")


def show_findings(reports: Sequence[FindingReport]) -> None:
    """A table of findings, and under it what to do about each kind."""
    table("发现", _COLUMNS, [_line(report) for report in reports])
    for advice in dict.fromkeys(report.advice for report in reports if report.counts and report.advice):
        say(f"→ {advice}")


def _line(report: FindingReport) -> tuple[object, ...]:
    from gateway.flow.findings.codes import SUBJECTS

    days = "–".join(dict.fromkeys(day.isoformat() for day in (report.first_day, report.last_day) if day)) or None
    seen = f"{report.acknowledged_by}，至{report.acknowledged_until}" if report.acknowledged_by else None
    return (
        report.finding_id,
        _LEVELS.get(report.level, report.level),
        f"{SUBJECTS.get(report.kind, report.kind)} {report.name}",
        report.words,
        report.count,
        report.amount,
        days,
        report.since,
        seen,
        report.detail,
    )
