"""second: what one person asked for and another must confirm, such as an export."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.clerk import viewer_here
from gateway.cli.output import Json, emit, say, table
from gateway.cli.site import open_office

second = typer.Typer(
    help="双人操作：等待第二人确认的 (acts of two persons).", no_args_is_help=True, rich_markup_mode=None
)

Number = Annotated[int, typer.Argument(help="编号，见 second list (its number, from the list).")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(second, name="second")


@second.command("list")
def second_list(context: typer.Context, as_json: Json = False) -> None:
    """等待第二人确认的导出等 (what waits for a second person)."""
    from gateway.flow.accounts.two_persons import waiting_acts

    office = open_office(context)
    acts = waiting_acts(office, viewer_here(office).scope)
    if as_json:
        emit(
            {"acts": [{"id": act.act_id, "kind": act.kind, "subject": act.subject, "by": act.asked_by} for act in acts]}
        )
    else:
        rows = [(act.act_id, act.kind, act.subject, act.asked_by) for act in acts]
        table("等待第二人", ("编号", "操作", "对象", "提请人"), rows)


@second.command("confirm")
def second_confirm(context: typer.Context, act_id: Number, as_json: Json = False) -> None:
    """确认另一人提请的操作，提请人一天内可做一次 (whoever asked may do it once within a day)."""
    _answer(context, act_id, confirmed=True, as_json=as_json)


@second.command("refuse")
def second_refuse(context: typer.Context, act_id: Number, as_json: Json = False) -> None:
    """拒绝另一人提请的操作 (no to what another asked for)."""
    _answer(context, act_id, confirmed=False, as_json=as_json)


def _answer(context: typer.Context, act_id: int, *, confirmed: bool, as_json: bool) -> None:
    from gateway.flow.accounts.two_persons import answer_act

    office = open_office(context)
    page = f"hubao second {'confirm' if confirmed else 'refuse'}"
    act = answer_act(office, act_id, confirmed=confirmed, by=viewer_here(office), page=page)
    if as_json:
        emit({"id": act.act_id, "state": act.state})
    else:
        say(f"第{act.act_id}号：{'已确认' if confirmed else '已拒绝'} ({act.state})")
