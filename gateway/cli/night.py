"""run, serve, demo, bench: the night's work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.output import Json, emit, say, table
from gateway.cli.site import FirstDay, LastDay, open_office


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(run)
    app.command()(serve)
    app.command()(demo)
    app.command()(bench)


def run(
    context: typer.Context,
    feed: Annotated[list[str] | None, typer.Argument(help="盟市，缺省全部 (feeds, all by default).")] = None,
    first: FirstDay = None,
    last: LastDay = None,
    as_json: Json = False,
) -> None:
    """现在取数、核算并送达 (take in now, then deliver)."""
    from gateway import wiring
    from gateway.errors import WrongUse
    from gateway.flow.night import run_night

    office = open_office(context)
    unknown = sorted(set(feed or ()) - set(office.feeds))
    if unknown:
        raise WrongUse(f"没有这些盟市：{unknown}；已有：{sorted(office.feeds)} (unknown feeds)")
    report = run_night(
        office,
        wiring.doors(),
        feeds=feed or (),
        first=first.date() if first else None,
        last=last.date() if last else None,
    )
    if as_json:
        emit({**_plain(report), "ok": not report.failed})
    else:
        _show(report)
    if report.failed:
        raise typer.Exit(1)


def _plain(report: Any) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(report)
    return plain


def _show(report: Any) -> None:
    table(
        "取数",
        ("盟市", "结果", "新页", "说明"),
        [(f.feed, f.outcome, f.pages, f.message) for f in report.feeds],
    )
    table(
        "送达",
        ("协会", "次数", "结果"),
        [(name, each.attempts, each.states or "–") for name, each in report.deliveries.items()],
    )
    if report.rescanned.members:
        say(
            f"名册变动后重看：会员{report.rescanned.members}人，页{report.rescanned.pages}，改动{report.rescanned.rows}行"
        )
    if report.retained.pages:
        say(
            f"到期销毁：{report.retained.pages}页，关闭{report.retained.open_items}条待办，销毁{report.retained.keys}把密钥"
        )


def serve(context: typer.Context) -> None:
    """接口、页面与定时任务 (API, pages and scheduler)."""
    from gateway.web.server import serve_site

    serve_site(context.obj)


def demo(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="随机种子 (seed of the invented people).")] = 7,
    keep_open: Annotated[bool, typer.Option(help="结束后保持收件箱页面打开 (keep the inbox page open).")] = False,
    as_json: Json = False,
) -> None:
    """一夜演示：三个盟市进，申领出 (the whole night in miniature against the sandbox)."""
    from gateway.cli.demonstration import demonstrate, show

    result = demonstrate(Path(context.obj) / "demo-site", seed=seed, quiet=as_json)
    if as_json:
        emit(result.figures())
    else:
        show(result, keep_open=keep_open)


def bench(
    records: Annotated[int, typer.Option(min=1)] = 300_000,
    members: Annotated[int, typer.Option(min=1)] = 200_000,
    hit_rate: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.2,
    processes: Annotated[int, typer.Option(min=1, max=64)] = 1,
    database: Annotated[
        str, typer.Option(help="sqlite 或空的 PostgreSQL 库地址 (or an empty database's URL).")
    ] = "sqlite",
    suite: Annotated[str, typer.Option(help="aes | sm4")] = "aes",
    seed: int = 1,
    as_json: Json = False,
) -> None:
    """性能基准：生成的报文 → 已提交的申领 (generated feed bytes → claims committed; prints JSON)."""
    from gateway.cli.benching import bench as measure

    emit(
        measure(
            records=records,
            members=members,
            hit_rate=hit_rate,
            processes=processes,
            database=database,
            suite=suite,
            seed=seed,
        )
    )
