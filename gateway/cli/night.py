"""run, serve: the night's work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.noted import show_findings
from gateway.cli.output import Json, emit, plain, say, table
from gateway.cli.progress import working
from gateway.cli.site import FirstDay, LastDay, open_office
from gateway.errors import WrongUse
from gateway.words.deliveries import DELIVERIES
from gateway.words.feeds import RUNS

if TYPE_CHECKING:
    from gateway.flow.intake.night import NightReport


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(run)
    app.command()(serve)


def run(
    context: typer.Context,
    feed: Annotated[list[str] | None, typer.Argument(help="盟市，缺省全部 (feeds, all by default).")] = None,
    first: FirstDay = None,
    last: LastDay = None,
    as_json: Json = False,
) -> None:
    """现在取数、核算并送达 (take in now, then deliver)."""
    from gateway import wiring
    from gateway.flow.findings.book import must_act, show
    from gateway.flow.intake.night import run_night

    office = open_office(context)
    unknown = sorted(set(feed or ()) - set(office.feeds))
    if unknown:
        raise WrongUse(f"没有这些盟市：{unknown}；已有：{sorted(office.feeds)} (unknown feeds)")
    days = (first.date() if first else None, last.date() if last else None)
    with working("正在取数、核算、送达 (taking in, then delivering)", as_json=as_json):
        report = run_night(office, wiring.doors(), feeds=feed or (), first=days[0], last=days[1])
    noted = show(office)
    failed = report.failed or must_act(noted)
    if as_json:
        emit({**plain(report), "findings": noted, "ok": not failed})
    else:
        _show(report)
        show_findings(noted)
    if failed:
        raise typer.Exit(1)


def _show(report: NightReport) -> None:
    table(
        "取数",
        ("盟市", "结果", "新页", "说明"),
        [(run.feed, RUNS.get(run.outcome, run.outcome), run.pages, run.message) for run in report.feeds],
    )
    table(
        "送达",
        ("协会", "次数", "结果"),
        [
            (
                name,
                sendings.attempts,
                "、".join(f"{DELIVERIES.get(state, state)} {count}" for state, count in sorted(sendings.states.items()))
                or "–",
            )
            for name, sendings in report.deliveries.items()
        ],
    )
    if report.rescanned.members:
        say(
            f"名册变动后重看：会员{report.rescanned.members}人，页{report.rescanned.pages}，改动{report.rescanned.rows}行"
        )
    if report.retained.pages:
        say(
            f"到期销毁：{report.retained.pages}页，关闭{report.retained.open_items}条待办，销毁{report.retained.keys}把密钥"
        )


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="监听地址，缺省见 gateway.toml (where to listen).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="端口，0 为任意空闲的 (port; 0: any that is free).")
    ] = None,
) -> None:
    """接口、页面与定时任务 (API, pages and scheduler)."""
    from gateway.web.server import serve_site

    serve_site(context.obj, host=host, port=port)
