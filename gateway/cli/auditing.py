"""audit: who saw and did what, and whether the log is as it was written."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.clerk import viewer_here
from gateway.cli.output import Json, Limit, emit, say, table
from gateway.cli.site import FirstDay, LastDay, open_office
from gateway.words.accounts import ACTS, BREAKS, PURPOSES

if TYPE_CHECKING:
    from gateway.flow.accounts.auditing import AuditLine

audit = typer.Typer(
    help="审计：谁看了、做了什么；核对日志 (the audit log).", no_args_is_help=True, rich_markup_mode=None
)

_COLUMNS = ("序号", "时间", "账号", "行为", "对象", "本人（摘要）", "用途", "页面")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(audit, name="audit")


@audit.command("show")
def audit_show(
    context: typer.Context,
    account: Annotated[str | None, typer.Option("--account", help="只看一个账号 (of one account).")] = None,
    act: Annotated[str | None, typer.Option("--act", help="只看一种行为 (one act, by its code).")] = None,
    association: Annotated[str | None, typer.Option("--association", help="会员所在协会 (of --member).")] = None,
    member: Annotated[str | None, typer.Option("--member", help="只看与一名会员有关的 (about one member).")] = None,
    first: FirstDay = None,
    last: LastDay = None,
    below: Annotated[int | None, typer.Option("--below", help="从此序号往前看 (from before this number on).")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """谁看了、做了什么、关于谁、为何、在哪一页；查看本身也记入 (who saw and did what; looking is noted, too)."""
    from gateway.flow.accounts.auditing import AuditQuestion, note_look, show_entries
    from gateway.flow.accounts.proving import has_accounts

    office = open_office(context)
    if has_accounts(office):
        note_look(office, viewer_here(office).account, page="hubao audit show")
    question = AuditQuestion(
        account=account,
        act=act,
        association=association,
        member_no=member,
        since=_start_of(first),
        until=_end_of(last),
        below=below,
        limit=limit,
    )
    lines = show_entries(office, question)
    if as_json:
        emit({"entries": lines})
        return
    table("审计日志", _COLUMNS, [_cells(line) for line in lines])


def _cells(line: AuditLine) -> tuple[object, ...]:
    act, person = ACTS.get(line.act, line.act), (line.person or "")[:8]
    return (
        line.number,
        line.at,
        line.account,
        act,
        line.subject,
        person,
        PURPOSES.get(line.purpose, line.purpose),
        line.page,
    )


def _start_of(day: datetime | None) -> datetime | None:
    from gateway.model.clock import SHANGHAI

    return day.replace(tzinfo=SHANGHAI) if day is not None else None


def _end_of(day: datetime | None) -> datetime | None:
    from datetime import timedelta

    start = _start_of(day)
    return start + timedelta(days=1) if start is not None else None


@audit.command("verify")
def audit_verify(context: typer.Context, as_json: Json = False) -> None:
    """从头核对整条日志：改动、删除、插入、截断各指出在哪一条；不符则以1结束 (walk over the whole log)."""
    from gateway.flow.accounts.auditing import anchor, verify
    from gateway.flow.accounts.proving import has_accounts

    office = open_office(context)
    if has_accounts(office):
        viewer_here(office)
    check = verify(office)
    if not check.breaks:
        anchor(office)
    if as_json:
        emit(check)
    else:
        say(f"{check.entries}条，末条第{check.last}条，链头 {check.head} (entries; the newest; head of the chain)")
        say(f"存证至第{check.anchored}条 (anchored up to)；请另处抄存链头 (keep a copy of the head elsewhere)")
        for broken in check.breaks:
            say(f"✗ 第{broken.number}条：{BREAKS[broken.kind]} ({broken.kind})")
        say("日志与写入时一致 (as it was written)" if not check.breaks else f"{len(check.breaks)}处不符 (breaks)")
    if check.breaks:
        raise typer.Exit(1)
