"""holds: changes that would take much away from members at once, and wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.clerk import By, name_of
from gateway.cli.output import Json, emit, say, table
from gateway.cli.progress import working
from gateway.cli.site import open_office

if TYPE_CHECKING:
    from gateway.flow.batches.deciding_holds import HoldDifference, HoldReport

holds = typer.Typer(
    help="待确认的变更：会撤回或降低较多申领，等人确认 (changes that wait for a person).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Number = Annotated[int, typer.Argument(help="编号 (its number).")]

_COLUMNS = (
    "编号",
    "来源",
    "对象",
    "名称",
    "状态",
    "自",
    "会员",
    "撤回或调低",
    "待入账行",
    "此前（元）",
    "此后（元）",
    "提出人",
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(holds, name="holds")


@holds.command("list")
def list_command(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="已了结的也列出 (those that ended too).")] = False,
    as_json: Json = False,
) -> None:
    """待确认的变更 (changes that wait for a person)."""
    from gateway.flow.batches.deciding_holds import list_holds

    reports = list_holds(open_office(context), ended=everything)
    if as_json:
        emit({"holds": reports})
    else:
        table("待确认的变更", _COLUMNS, [_cells(report) for report in reports])
    if any(report.state == "open" for report in reports):
        raise typer.Exit(1)


@holds.command("show")
def show_command(context: typer.Context, hold_id: Number, as_json: Json = False) -> None:
    """差异：会员、申领、金额、原因；不写入 (the difference; nothing is written)."""
    from gateway.flow.batches.deciding_holds import show_hold

    with working("正在核算差异 (working out the difference)", as_json=as_json):
        difference = show_hold(open_office(context), hold_id)
    _answer(difference, as_json=as_json)


@holds.command("accept")
def accept_command(
    context: typer.Context,
    hold_id: Number,
    by: By = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="确认另一人提出的接受 (confirm another's).")] = False,
    as_json: Json = False,
) -> None:
    """照最新差异写入；差异变了则不写，再问一次 (write it; asks again where the difference changed)."""
    from gateway.flow.batches.deciding_holds import accept_hold

    office = open_office(context)
    clerk = name_of(by)
    with working("正在重新核算 (concluding anew)", as_json=as_json):
        result = accept_hold(office, hold_id, by=clerk, confirm=confirm)
    _answer(result, as_json=as_json)
    if result.outcome != "accepted":
        raise typer.Exit(1)


@holds.command("refuse")
def refuse_command(
    context: typer.Context,
    hold_id: Number,
    reason: Annotated[str, typer.Option("--reason", help="原因，加密保存 (why; kept sealed).")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """保持原样：会撤回或调低申领的行不再计入 (what stands stays; rows that would lower it count no longer)."""
    from gateway.flow.batches.deciding_holds import refuse_hold

    office = open_office(context)
    clerk = name_of(by)
    with working("正在重新核算 (concluding anew)", as_json=as_json):
        report = refuse_hold(office, hold_id, by=clerk, reason=reason)
    if as_json:
        emit(report)
    else:
        say("已拒绝，原样保留 (refused; what stands stays)")


def _answer(result: HoldDifference, *, as_json: bool) -> None:
    from gateway.words.claims import FLAGS
    from gateway.words.holds import MOVES, OUTCOMES

    if as_json:
        emit(result)
        return
    table("待确认的变更", _COLUMNS, [_cells(result.hold)])
    table(
        "申领变化",
        ("申领", "会员号", "险种", "变化", "此前（元）", "此后（元）", "原因"),
        [
            (
                line.claim_id,
                line.member_no,
                line.scheme,
                MOVES[line.move],
                line.was,
                line.becomes,
                "、".join(FLAGS.get(code, code) for code in line.why),
            )
            for line in result.claims
        ],
    )
    say(f"撤回或调低共减少 {result.lost} 元 (taken away in all)")
    say(OUTCOMES[result.outcome])


def _cells(report: HoldReport) -> tuple[object, ...]:
    from gateway.words.holds import CAUSES, HOLD_STATES

    return (
        report.hold_id,
        CAUSES[report.cause],
        report.subject,
        report.name,
        HOLD_STATES[report.state],
        report.since[:16],
        report.members,
        report.claims,
        report.rows,
        report.before,
        report.after,
        report.proposed_by,
    )
