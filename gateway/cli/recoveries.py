"""recoveries: what was paid by error or fraud and is to come back; unclaimed: what is payable and was not paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.clerk import By, Note, name_of
from gateway.cli.desk import ClaimId
from gateway.cli.output import Json, Limit, emit, one_of, say, table, tell
from gateway.cli.site import open_office

if TYPE_CHECKING:
    from gateway.flow.desk.recovering import RecoveryReport

recoveries = typer.Typer(
    help="追回已支付的补助 (recovery of what was paid).", no_args_is_help=True, rich_markup_mode=None
)

Number = Annotated[int, typer.Argument(min=1, help="追回编号 (number of the recovery).")]
Association = Annotated[str | None, typer.Option("--association", help="协会 (association).")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(recoveries, name="recoveries")
    app.command("unclaimed")(unclaimed)


@recoveries.command("ask")
def ask_command(
    context: typer.Context,
    claim_id: ClaimId,
    reason: Annotated[str, typer.Option(help="理由代码，见 hubao desk codes (a code of the list).")],
    amount: Annotated[str | None, typer.Option(help="追回金额（元），缺省全部 (yuan; all of it by default).")] = None,
    note: Note = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """决定追回 (decide that money comes back)."""
    from gateway.flow.desk.recovering import ask_back
    from gateway.model.money import parse_yuan

    asked_for = parse_yuan(amount) if amount is not None else None
    report = ask_back(open_office(context), claim_id, amount=asked_for, reason=reason, by=name_of(by), note=note)
    _answer(report, as_json=as_json)


@recoveries.command("received")
def received_command(
    context: typer.Context,
    number: Number,
    amount: Annotated[str, typer.Option(help="收回金额（元）(yuan that came back).")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """登记收回的金额；收齐即了结 (money came back; all of it ends the recovery)."""
    from gateway.flow.desk.recovering import money_came
    from gateway.model.money import parse_yuan

    report = money_came(open_office(context), number, amount=parse_yuan(amount), by=name_of(by))
    _answer(report, as_json=as_json)


@recoveries.command("write-off")
def write_off_command(
    context: typer.Context, number: Number, note: Note = None, by: By = None, as_json: Json = False
) -> None:
    """核销收不回的，须两人 (write off what will not come: two persons)."""
    from gateway.flow.desk.recovering import write_off

    report = write_off(open_office(context), number, by=name_of(by), note=note)
    _answer(report, as_json=as_json)


@recoveries.command("list")
def list_command(
    context: typer.Context,
    association: Association = None,
    state: Annotated[str | None, typer.Option(help="asked | recovered | written_off")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """追回清单与合计；不含个人信息 (recoveries and their sums; without personal data)."""
    from gateway.flow.desk.recovering import list_recoveries
    from gateway.model.money import yuan
    from gateway.words.desk import RECOVERY_STATES

    one_of("--state", state, RECOVERY_STATES)
    reports, totals = list_recoveries(open_office(context), association=association, state=state, limit=limit)
    if as_json:
        sums = [
            {
                "association": total.association,
                "state": total.state,
                "count": total.count,
                "amount": yuan(total.amount),
                "recovered": yuan(total.recovered),
            }
            for total in totals
        ]
        emit({"recoveries": reports, "totals": sums})
        return
    columns = ("编号", "申领号", "已付（元）", "应追回（元）", "已收回（元）", "状态", "理由", "经办人")
    keys = ("recovery_id", "claim_id", "paid", "amount", "recovered", "state_words", "words", "asked_by")
    table("追回", columns, [tuple(getattr(report, key) for key in keys) for report in reports])
    for total in totals:
        words = RECOVERY_STATES[total.state]
        sums_in_words = f"应追回 {yuan(total.amount)} 元，已收回 {yuan(total.recovered)} 元"
        say(f"{total.association} {words}：{total.count}件，{sums_in_words}")


@recoveries.command("notice")
def notice_command(context: typer.Context, number: Number, by: By = None, as_json: Json = False) -> None:
    """追回通知的内容；含个人信息，留下查看记录 (what the notice says; personal, and logged)."""
    from gateway.flow.desk.recovering import recovery_notice

    notice = recovery_notice(open_office(context), number, by=name_of(by))
    if as_json:
        emit(notice)
        return
    member = notice["claim"].get("member", {})
    say(f"{notice['association_name']} 追回通知（第{number}号）")
    say(f"{member.get('name', '')}（会员号 {member.get('member_no', '–')}）：")
    say(f"申领 {notice['claim_id']} 已付 {notice['paid']} 元，应追回 {notice['amount']} 元，尚欠 {notice['left']} 元")
    say(f"理由：{notice['words']}" + (f"；{notice['note']}" if notice["note"] else ""))


def _answer(report: RecoveryReport, *, as_json: bool) -> None:
    words = (
        f"第{report.recovery_id}号追回 {report.state_words}：应追回 {report.amount} 元，已收回 {report.recovered} 元"
    )
    if report.state == "asked" and report.proposed_by is not None:
        words += "；核销待第二人确认 (to be written off once a second person says so)"
    tell(report, words, as_json=as_json)


def unclaimed(
    context: typer.Context,
    association: Association = None,
    league: Annotated[str | None, typer.Option(help="盟市 (league).")] = None,
    as_json: Json = False,
) -> None:
    """回头望：应付而未付的，按盟市、期限与原因 (what is payable and was not paid, by league, deadline and reason)."""
    from gateway.flow.delivery.unclaimed import unclaimed as look_back
    from gateway.words.desk import CLAIM_WINDOWS

    office = open_office(context)
    one_of("--association", association, sorted(office.associations))
    unpaid = look_back(office, association=association, league=league)
    if as_json:
        emit(unpaid)
    else:
        columns = ("协会", "盟市", "原因", "申领期限", "件数", "应付（元）", "最早", "超过30天")
        rows = [
            (
                group.association,
                group.league or "–",
                group.words,
                CLAIM_WINDOWS[group.window],
                group.count,
                group.payable,
                group.oldest,
                group.old,
            )
            for group in unpaid.groups
        ]
        table("应付未付 (payable and not paid)", columns, rows)
        say(f"共{unpaid.count}件，{unpaid.payable} 元；其中超过30天{unpaid.old}件，{unpaid.old_payable} 元")
        for doubt in unpaid.before_claim:
            say(
                f"{doubt['association']} {doubt['words']}：{doubt['count']}行，结算总额 {doubt['settlements_total']} 元"
            )
    if unpaid.old:
        raise typer.Exit(1)
