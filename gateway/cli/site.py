"""init, check, keys, status, reconcile: the site itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.clerk import seat, typed_name
from gateway.cli.noted import look, show_findings
from gateway.cli.output import Json, complain, emit, plain, say, table
from gateway.cli.progress import working
from gateway.cli.secret import make_missing, tell_made
from gateway.cli.typed import as_typed
from gateway.errors import BadSettings, Finding, Unavailable
from gateway.words.claims import CLAIM_STATES, DEADLINES
from gateway.words.deliveries import DELIVERIES
from gateway.words.feeds import RUNS
from gateway.words.rows import CLASSES

if TYPE_CHECKING:
    from gateway.flow.batches.reconcile import DaySheet
    from gateway.flow.delivery.deadlines import Deadlines
    from gateway.flow.delivery.health import Health
    from gateway.flow.findings.book import FindingReport
    from gateway.flow.office import Office
    from gateway.flow.site.pairing import LeftBehind
    from gateway.settings.site import Site

keys = typer.Typer(help="密钥：生成、查看 (keys).", no_args_is_help=True, rich_markup_mode=None)

FirstDay = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="首日 (first day).")]
LastDay = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="末日 (last day).")]

_KEYS: Final = ("root_key", "keys")
"""Keys of findings with which a site is not opened."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(init)
    app.command()(check)
    app.command()(status)
    app.command()(reconcile)
    app.add_typer(keys, name="keys")


def init(folder: Path, as_json: Json = False) -> None:
    """新建站点目录，示例来源不启用 (write a new site folder; its example feeds are not in force)."""
    from gateway.settings.shipped import EXAMPLES, write_new_site
    from gateway.wiring import load_site

    written = write_new_site(folder)
    site = load_site(folder)
    files = [f"config/associations/{name}.toml" for name in site.associations]
    made = [name for file in files for name in make_missing(site, file)]
    if as_json:
        emit({"site": str(folder), "files": len(written), "secrets": made})
        return
    say(f"已建立站点 {folder}，{len(written)}个文件。")
    tell_made(made)
    examples = "、".join(file.stem for file in sorted((folder / EXAMPLES).glob("*.toml")))
    say(f"示例来源 {examples} 在 {EXAMPLES.as_posix()}，尚未启用 (the example feeds are not in force)")
    say("下一步 (next)：")
    for command in ("keys init", "check", "feed add hinggan"):
        say(f"    {as_typed(folder, command)}")


def check(
    context: typer.Context,
    connect: Annotated[bool, typer.Option(help="同时试连各盟市与协会 (also reach them).")] = False,
    as_json: Json = False,
) -> None:
    """检查全部配置、映射、方案文件与密钥 (check every file and secret)."""
    from gateway import wiring

    findings, site = _findings(context.obj)
    if connect and site is not None and not findings:
        findings = [
            Finding(file, "connect", message, "可以连通 (reachable)") for file, message in wiring.unreachable(site)
        ]
    # What is wrong with keys or database is told first; anything else hides nothing of what was found before.
    can_open = site is not None and not any(finding.key in _KEYS for finding in findings)
    noted = _noted(context, site) if site is not None and can_open else []
    failed = bool(findings) or any(report.counts for report in noted)
    if as_json:
        emit({"findings": [vars(finding) for finding in findings], "noted": noted, "ok": not failed})
    elif findings:
        for finding in findings:
            say(str(finding))
    elif site is not None:
        say(f"全部正确：{len(site.feeds)}个盟市、{len(site.mappings)}个映射、{len(site.associations)}个协会 (all good)")
    if can_open and not as_json:
        show_findings(noted)
    if failed:
        raise typer.Exit(1)


def _noted(context: typer.Context, site: Site) -> Sequence[FindingReport]:
    """The open findings of a site that has worked already; a check makes no database and no keys."""
    from gateway import wiring

    try:
        return look(open_office(context)) if wiring.has_worked(site) else ()
    except Unavailable as error:
        complain(f"提醒 (warning): {error}")
        return ()


def _findings(path: Path) -> tuple[list[Finding], Site | None]:
    """What is wrong with the files, or where they can be read with the site and its keys; and the site."""
    from gateway import wiring
    from gateway.settings import plain_http
    from gateway.settings.site import ended_keys, open_secrets, warnings

    try:
        site = wiring.load_site(path)
    except BadSettings as error:
        return error.findings, None
    open_to_others = open_secrets(site, wiring.secret_options(site))
    plain_lines = plain_http.reminders(site.gateway, site.feeds, site.associations)
    ended = ended_keys(site, wiring.secret_options(site), today=wiring.shanghai_now().date())
    for warning in (*warnings(site.associations), *open_to_others, *plain_lines, *ended):
        complain(f"提醒 (warning): {warning}")
    findings = wiring.readiness(site)
    # Without its root key the vault cannot be opened. Nothing else that is missing hides what the keys lack.
    if not any(finding.key == "root_key" for finding in findings):
        findings += [
            Finding(file, "keys", what, "密钥与数据库齐全相符 (keys complete, database their own)")
            for file, what in wiring.not_our_own(site)
        ]
    return findings, site


@keys.command("init")
def keys_init(context: typer.Context, as_json: Json = False) -> None:
    """生成根密钥与密钥库 (make the root key, mode 0600, and the vault)."""
    from gateway.wiring import load_site, make_keys

    site = load_site(context.obj)
    vault = make_keys(site)
    if as_json:
        emit({"root_key": site.gateway.root_key, "suite": str(vault.suite)})
    else:
        say(f"密钥库已建立，算法套件 {vault.suite}；根密钥在 {site.gateway.root_key}，请另行妥善备份。")


@keys.command("status")
def keys_status(context: typer.Context, as_json: Json = False) -> None:
    """密钥清单，不含密钥本身 (the keys, never their bytes)."""
    from gateway.wiring import load_site, open_vault

    vault = open_vault(load_site(context.obj))
    rows, missing = vault.status(), vault.missing()
    if as_json:
        emit({"keys": [{**plain(key), "intact": key.intact} for key in rows], "missing": missing})
    else:
        # Facts come by the thousand, each with a key: only those that are not intact are told one by one.
        shown = [key for key in rows if not (key.intact and key.of_fact)]
        cells = [(key.number, key.purpose, key.suite, key.created, key.intact) for key in shown]
        table("密钥", ("编号", "用途", "套件", "生成日", "完好"), cells)
        if len(shown) < len(rows):
            say(f"另有{len(rows) - len(shown)}个事实密钥，均完好 (keys of facts, all intact)")
    if missing:
        if not as_json:
            table(
                "曾经生成、现已缺失的密钥 (missing)", ("编号", "用途"), [(key.number, key.purpose) for key in missing]
            )
        raise typer.Exit(1)


@keys.command("adopt-database")
def keys_adopt_database(
    context: typer.Context,
    by: Annotated[
        str | None, typer.Option("--by", help="经办人；不写则只看不做 (who says so; without it: show).")
    ] = None,
    as_json: Json = False,
) -> None:
    """认领现有数据库：先列出将无法打开或用不上的，再由经办人确认 (make the database that is there this vault's)."""
    from gateway import wiring

    site = wiring.load_site(context.obj)
    vault = wiring.open_vault(site)
    left = wiring.left_behind(site, vault)
    if not as_json:
        _show_left_behind(left)
    written_off = wiring.adopt_database(site, vault, by=typed_name(by)) if by is not None else []
    if as_json:
        emit({**plain(left), "adopted": by is not None, "written_off": written_off})
    elif by is not None:
        say(f"已认领，注销缺失的密钥{len(written_off)}把；正在运行的 hubao serve 请重启 (adopted; restart hubao serve)")
    if by is None and not left.belongs:
        raise typer.Exit(1)


def _show_left_behind(left: LeftBehind) -> None:
    say("数据库与密钥库相符 (they belong together)" if left.belongs else "数据库与密钥库不相符 (they do not)")
    table("数据库中的行 (rows)", ("表", "行数"), sorted(left.rows.items()))
    table(
        "行所用而密钥库没有的密钥：这些行将打不开 (rows name them, the vault has them not)",
        ("编号",),
        [(number,) for number in left.lacking],
    )
    table(
        "没有行使用的密钥：其数据可能在另一数据库 (no row names them)",
        ("编号", "用途"),
        [(key.number, key.purpose) for key in left.unnamed],
    )


def open_office(context: typer.Context) -> Office:
    """The office of the site the command was called for."""
    from gateway import wiring

    return seat(context, wiring.open_office(context.obj))


def status(
    context: typer.Context,
    due_within: Annotated[int, typer.Option(min=0, max=3660, help="看几天内到期的 (days ahead).")] = 7,
    as_json: Json = False,
) -> None:
    """运行状况 (health): feeds, deliveries, what waits for a person, what is about to be late."""
    from gateway import wiring
    from gateway.flow.delivery.health import health
    from gateway.flow.intake.night import files_of
    from gateway.model.money import yuan

    office = open_office(context)
    now = health(office, due_within=due_within, files_of=files_of(office, wiring.doors()))
    if as_json:
        money = [(association, state, count, yuan(amount)) for association, state, count, amount in now.claims]
        emit({**plain(now), "claims": money})
    else:
        _show_health(now)
        show_findings(now.noted)
    if now.findings:
        raise typer.Exit(1)


def _show_health(now: Health) -> None:
    from gateway.model.money import yuan

    table(
        "盟市",
        ("盟市", "最近数据", "上次运行", "结果", "待处理页", "最久未查", "说明"),
        [
            (
                feed.name,
                feed.last_page_at,
                feed.last_run_at,
                RUNS.get(feed.last_run or "", feed.last_run),
                feed.waiting_pages,
                feed.oldest_asked,
                feed.message,
            )
            for feed in now.feeds
        ],
    )
    table(
        "申领",
        ("协会", "状态", "件数", "应付（元）"),
        [
            (association, CLAIM_STATES.get(state, state), count, yuan(money))
            for association, state, count, money in now.claims
        ],
    )
    table(
        "送达",
        ("状态", "件数"),
        [(DELIVERIES.get(state, state), count) for state, count in sorted(now.deliveries.items())],
    )
    say(f"隔离 {now.quarantined}，待核 {now.in_review}，会员 {sum(now.members.values())}")
    if not now.names_proven:
        say("经办人姓名（--by）按所报记录，未经验证 (names given with --by are not proven: there are no accounts yet)")
    _show_due(now.due)
    in_table = {str(report) for report in now.noted}
    for finding in now.findings:
        if finding.partition(" → ")[0] not in in_table:
            complain(finding)


def _show_due(due: Deadlines) -> None:
    """What is due soon or late, as a table."""
    if not due.first:
        return
    counted = [
        (DEADLINES[what], count.soon, count.late) for what, count in due.counts.items() if count.soon or count.late
    ]
    table(f"时限（{due.within_days}天内）", ("事项", "将到期", "已逾期"), counted)
    table(
        "最早的",
        ("事项", "申领号", "盟市", "截止日", "剩余天数", "依据"),
        [
            (
                DEADLINES[deadline.what],
                deadline.claim_id,
                deadline.league,
                deadline.due_on,
                deadline.days_left,
                f"{deadline.article or '–'}{'（该年放假安排未公布）' if deadline.assumed else ''}",
            )
            for deadline in due.first
        ],
    )


def reconcile(context: typer.Context, first: FirstDay = None, last: LastDay = None, as_json: Json = False) -> None:
    """对账：逐盟市逐日证明一行不少 (prove, feed by feed and day by day, that nothing was lost)."""
    from gateway.flow.batches import reconcile as flow
    from gateway.flow.findings.book import must_act

    office = open_office(context)
    with working("正在对账 (adding up)", as_json=as_json):
        sheets = flow.reconcile(office, first=first.date() if first else None, last=last.date() if last else None)
    wrong = [sheet for sheet in sheets if sheet.differences or sheet.unworked or sheet.unreadable]
    noted = look(office)
    if as_json:
        days = [_sheet_as_json(sheet) for sheet in sheets]
        emit({"days": days, "lost": flow.lost(sheets), "ok": not wrong, "findings": noted})
    else:
        _show_sheets(sheets)
        show_findings(noted)
    if wrong or must_act(noted):
        raise typer.Exit(1)


def _sheet_as_json(sheet: DaySheet) -> dict[str, Any]:
    """A day's sheet with its money in yuan."""
    from gateway.model.money import yuan

    fields = plain(sheet)
    fields["tally"]["amount"] = {name: yuan(amount) for name, amount in fields["tally"]["amount"].items()}
    fields["counted_amount"] = yuan(sheet.counted_amount)
    fields["said_amount"] = yuan(sheet.said_amount) if sheet.said_amount is not None else None
    return fields


def _show_sheets(sheets: list[DaySheet]) -> None:
    """One line for each thing rows of a day became; below, what does not add up."""
    from gateway.model.money import yuan

    lines: list[tuple[object, ...]] = []
    for sheet in sheets:
        amounts = sheet.tally.amount
        lines.append((sheet.feed, sheet.day, "合计", sheet.rows, yuan(sum(amounts.values()))))
        counted = [(words, sheet.tally.rows[name], yuan(amounts[name])) for name, words in CLASSES.items()]
        lines += [("", "", *count) for count in counted if count[1]]
        if sheet.said_rows is not None or sheet.said_amount is not None:
            total = yuan(sheet.said_amount) if sheet.said_amount is not None else None
            lines.append(("", "", "对方合计", sheet.said_rows, total))
    table("对账", ("盟市", "日期", "去向", "行数", "金额（元）"), lines)
    wrong = [f"{sheet.feed} {sheet.day}：{difference}" for sheet in sheets for difference in sheet.differences]
    for difference in wrong or ["没有差异 (no differences)"]:
        say(difference)
