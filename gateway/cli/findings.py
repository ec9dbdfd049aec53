"""findings: what is not as it should be, with what to do; acknowledging one that a person has seen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.clerk import By, Note, name_of
from gateway.cli.noted import look, show_findings
from gateway.cli.output import Json, emit, plain, say, table
from gateway.cli.site import open_office

if TYPE_CHECKING:
    from gateway.store.unreadable import StandingPiece

findings = typer.Typer(
    help="未结的发现：哪里不对、该做什么 (what is not as it should be, and what to do).", rich_markup_mode=None
)

unreadable = typer.Typer(
    help="打不开的密文：查看、注销 (what does not open: list, write off).", no_args_is_help=True, rich_markup_mode=None
)

QUIET_DAYS = 7
"""For how long an acknowledged finding does not count, where nobody says otherwise."""

_PIECES = {
    "body": "申领内容",
    "record": "结算",
    "fact": "事实",
    "member": "会员资料",
    "list": "行清单",
    "page": "页",
}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(findings, name="findings")
    app.add_typer(unreadable, name="unreadable")


@findings.callback(invoke_without_command=True)
def list_findings(context: typer.Context, as_json: Json = False) -> None:
    """未结的发现：哪里不对、该做什么 (what is not as it should be, and what to do)."""
    if context.invoked_subcommand is not None:
        return
    from gateway.flow.findings.book import must_act

    reports = look(open_office(context))
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


@unreadable.command("list")
def list_unreadable(context: typer.Context, as_json: Json = False) -> None:
    """打不开的密文：有关人员暂不核算 (what does not open: nothing is concluded about whom it concerns)."""
    from gateway.flow.intake.set_aside import standing_pieces
    from gateway.model.money import yuan

    standing = standing_pieces(open_office(context))
    if as_json:
        emit({"pieces": [_piece_as_json(stored_piece) for stored_piece in standing]})
        return
    table(
        "打不开的密文",
        ("编号", "种类", "名称", "协会或盟市", "内部人员号", "金额（元）", "自"),
        [
            (
                stored_piece.piece_id,
                _PIECES.get(stored_piece.piece.kind, stored_piece.piece.kind),
                stored_piece.piece.name,
                stored_piece.piece.subject,
                stored_piece.piece.person_id,
                yuan(stored_piece.piece.amount) if stored_piece.piece.amount is not None else None,
                stored_piece.since,
            )
            for stored_piece in standing
        ],
    )


def _piece_as_json(stored_piece: StandingPiece) -> dict[str, Any]:
    from gateway.model.money import yuan

    fields, amount = plain(stored_piece), stored_piece.piece.amount
    fields["piece"]["amount"] = yuan(amount) if amount is not None else None
    return fields


@unreadable.command("write-off")
def write_off_unreadable(
    context: typer.Context,
    piece_id: Annotated[int, typer.Argument(help="编号 (its number).")],
    by: By = None,
    yes: Annotated[bool, typer.Option("--yes", help="照此注销；不加则只显示差异 (do it; else only shown).")] = False,
    as_json: Json = False,
) -> None:
    """不再等待一件打不开的密文：先显示差异，--yes 才注销 (stop waiting for it; shows the difference first)."""
    from gateway.flow.intake import set_aside

    result = set_aside.write_off(open_office(context), piece_id, by=name_of(by), carry_out=yes)
    if as_json:
        emit(result)
        return
    table(
        "申领变化",
        ("申领", "此前", "此后"),
        [(change.claim_id, _version(change.before), _version(change.after)) for change in result.differences],
    )
    if result.still_waiting:
        say(f"此人还有{result.still_waiting}件打不开，仍暂不核算 (others of this person still do not open)")
    say("已注销 (written off)" if result.written else "尚未注销；确认请加 --yes (nothing written; add --yes to do it)")


def _version(version: tuple[int, str, str] | None) -> str | None:
    from gateway.words.claims import CLAIM_STATES

    return f"第{version[0]}版 {CLAIM_STATES.get(version[1], version[1])} {version[2]}" if version else None
