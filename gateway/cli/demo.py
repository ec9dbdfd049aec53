"""demo: the whole night in miniature, what came of it, and where to look next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.noted import show_findings
from gateway.cli.output import Json, emit, say, table
from gateway.cli.typed import as_typed, program
from gateway.errors import WrongUse

if TYPE_CHECKING:
    from gateway.demo import Demonstration
    from gateway.flow.batches.reconcile import DaySheet
    from gateway.rehearsal import LeagueReport

_MOST_SITES = 1000


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="随机种子 (seed of the invented people).")] = 7,
    keep_open: Annotated[
        bool,
        typer.Option(help="结束后保持页面与收件箱打开，并给出登录 (keep the pages and the inbox open, with a log-in)."),
    ] = False,
    every: Annotated[
        bool,
        typer.Option("--all", help="再演练其余每个示例盟市，逐条核对 (every other example league, against its truth)."),
    ] = False,
    as_json: Json = False,
) -> None:
    """一夜演示：三个盟市进，申领出 (the whole night in miniature against the sandbox)."""
    from gateway.demo import demonstrate

    # What goes on is told to people only: a machine reads one line of JSON.
    tell = (lambda _: None) if as_json else say
    result = demonstrate(_new_folder(Path(context.obj), tell), seed=seed, tell=tell)
    reports = _rehearse_all(result.site, seed, tell) if every else []
    if as_json:
        emit(result.figures() | ({"leagues": reports} if every else {}))
    else:
        _show(result, keep_open=keep_open and not every)
        if every:
            _show_leagues(reports)
    if any(report.differences for report in reports):
        raise typer.Exit(1)


def _rehearse_all(site: Path, seed: int, tell: Callable[[str], None]) -> list[LeagueReport]:
    """Every league that is played by itself, each in a site of its own that goes again: its truth is what counts."""
    from gateway.rehearsal import rehearse
    from gateway.sandbox.play import NothingToPlayOn
    from gateway.sandbox.played import LEAGUES_PLAYED

    reports = []
    for feed in sorted(LEAGUES_PLAYED):
        try:
            with TemporaryDirectory(prefix=f"{feed}-", dir=site) as folder:
                report = rehearse(Path(folder) / "site", feed, seed=seed)
        except ModuleNotFoundError as error:
            tell(f"跳过{feed}：没有安装{error.name} (skipped: not installed)")
            continue
        except NothingToPlayOn as error:
            tell(f"跳过{feed}：{error}，其余照常 (skipped; the rest goes on)")
            continue
        reports.append(report)
        outcome = "与真实情况一致 (as its truth)" if not report.differences else "；".join(report.differences)
        tell(f"{report.name} {feed}：{outcome}，{report.seconds}秒")
    return reports


def _show_leagues(reports: Sequence[LeagueReport]) -> None:
    """How the rows of each league ended, and what of it a person is told."""
    kinds = ("member", "left", "stranger", "review", "superseded", "quarantined")
    columns = ("盟市", "来源", "会员", "会员·不属保障", "非会员", "待核", "被取代", "隔离", "发现")
    rows = [
        (report.name, report.feed, *(report.rows.get(kind, 0) for kind in kinds), "、".join(report.findings))
        for report in reports
    ]
    table("其余盟市，逐条与各自的真实情况核对 (every other league, held against its own truth)", columns, rows)


def _new_folder(place: Path, tell: Callable[[str], None]) -> Path:
    """A folder for a site that is not there yet: one of before may hold what somebody did in it."""
    names = ("demo-site", *(f"demo-site-{number}" for number in range(2, _MOST_SITES)))
    free = next((name for name in names if not (place / name).exists()), None)
    if free is None:
        raise WrongUse(f"{place} 里的演示站点太多，请先删去旧的 (too many demo sites here: remove old ones)")
    if free != names[0]:
        tell(f"以前的演示站点保留不动，这次用 {free} (sites of before are left alone)")
    return place / free


def _show(result: Demonstration, *, keep_open: bool) -> None:
    """The end of the demo: what happened, and where to look."""
    from gateway.demo import ASSOCIATION, DAY

    figures = result.figures()
    columns = ("盟市", "行数", "会员", "会员·不属保障", "非会员", "待核", "被取代", "隔离")
    table("两夜收到的行，每一行都有去处 (every row ended as one thing)", columns, _by_feed(result.sheets))
    first = result.pushed[0]
    say(
        f"推送：收下{sum(pushes.taken for pushes in result.pushed)}次；重放答{first.repeated}且无第二次效果，"
        f"过期答{first.refused_stale}，伪造答{first.refused_forged} (replay, stale, forged)"
    )
    say(f"经受住的故障 (faults survived)：{'、'.join(result.faults)}")
    if result.sample is not None:
        claim = result.sample
        say(f"一份申领 {claim['claim_id']}（{claim['scheme']} {claim['edition']}期），应付{claim['payable']}元：")
        for line in claim["lines"]:
            say(f"    {line['article']}：{line['text']}")
    say(
        f"收件箱：申领{result.inbox['claims']}份，其中撤回{result.inbox['withdrawn']}份，应付合计{result.inbox['payable']}元；"
        f"每份恰好生效一次 (each exactly once in effect)"
    )
    say(f"丢失 (lost) {figures['lost']}，重复 (doubled) {figures['doubled']}，用时 {figures['seconds']} 秒")
    show_findings(result.findings)
    if result.to_confirm is not None:
        say("有一份女性馨康申领待确认诊断，确认后即应付32000元 (a diagnosis to confirm; then it pays)：")
        fact = f"facts add {result.to_confirm} --association {ASSOCIATION} --on {DAY}"
        say(f"    {as_typed(result.site, fact)}")
        say("    询问时先答 diagnosis，再答 breast_cancer；诊断不写在命令里 (answer so when asked)")
    _show_where(result.site, keep_open=keep_open)


def _show_where(site: Path, *, keep_open: bool) -> None:
    """Where to look next, with commands that can be copied."""
    say("接着看 (look further)：")
    for command in ("status", "findings", "claims list", "reconcile", "quarantine list", "review list"):
        say(f"    {as_typed(site, command)}")
    if keep_open:
        secret = (site / "keys" / "hubao_nm_secret").read_text(encoding="utf-8")
        from gateway.demo import pages_open
        from gateway.sandbox.inbox import Inbox

        with Inbox.start(site / "inbox", secret=secret) as inbox, pages_open(site) as pages:
            say(f"    收件箱页面 (the inbox page)：{inbox.address}/")
            say(f"    经办与管理页面 (the pages)：{pages.address}  按 Ctrl-C 结束")
            columns = ("账号", "姓名", "密码，只用于本次演示")
            table("登录 (log in)", columns, [(login.account, login.name, login.password) for login in pages.logins])
            with suppress(KeyboardInterrupt):
                Event().wait()
    else:
        say(f"    页面与收件箱：{program()} demo --keep-open (leaves pages and inbox open, with a log-in)")


def _by_feed(sheets: list[DaySheet]) -> list[tuple[object, ...]]:
    from gateway.model.rows import RowClass

    classes = [row_class for row_class in RowClass if row_class is not RowClass.DUPLICATE]
    rows = []
    for feed in sorted({sheet.feed for sheet in sheets}):
        days = [sheet for sheet in sheets if sheet.feed == feed]
        by_class = (sum(sheet.tally.rows[name] for sheet in days) for name in classes)
        rows.append((feed, sum(sheet.rows for sheet in days), *by_class))
    return rows
