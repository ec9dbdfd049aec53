"""scheme simulate: a draft edition against everything stored, or a file of cases, spread over processes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from gateway.cli.output import Json, emit, say, to_write
from gateway.cli.progress import working
from gateway.cli.schemes import scheme, schemes_folder
from gateway.cli.site import FirstDay, LastDay
from gateway.errors import WrongUse

if TYPE_CHECKING:
    from gateway.model.member import Category
    from gateway.model.money import Money
    from gateway.runners.simulation import SimulationResult

Draft = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="草案期次文件 (a draft edition file).")]
Against = Annotated[str | None, typer.Option(help="与哪一期对比，缺省为草案取代的那一期 (edition).")]
Stays = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="案例 JSON 行，代替数据库 (cases, in place of a database)."),
]
Association = Annotated[str | None, typer.Option(help="协会，缺省全部 (association).")]
TakeUp = Annotated[
    str | None, typer.Option(help="现在每百名会员每年申领件数，如 5.0，缺省按已存核定 (claims per 100 members).")
]
Fees = Annotated[list[str] | None, typer.Option("--fee", help="每期会费（元），如 100 或 retired=400 (a fee).")]
Largest = Annotated[int, typer.Option(min=0, max=1000, help="变化最大的多少人 (largest changes).")]
Members = Annotated[bool, typer.Option("--members", help="列出会员编号 (tell member numbers).")]
Processes = Annotated[int, typer.Option(min=1, max=64, help="几个进程 (processes).")]
Chart = Annotated[Path | None, typer.Option(dir_okay=False, help="图，写成 SVG (a chart).")]
Tables = Annotated[Path | None, typer.Option("--csv", file_okay=False, help="各表写成 CSV 到此目录 (tables).")]


def register(app: typer.Typer) -> None:
    """Add this command to those about schemes."""
    scheme.command("simulate")(scheme_simulate)


def scheme_simulate(
    context: typer.Context,
    draft: Draft,
    first: FirstDay = None,
    last: LastDay = None,
    against: Against = None,
    stays: Stays = None,
    association: Association = None,
    take_up: TakeUp = None,
    fees: Fees = None,
    largest: Largest = 10,
    members: Members = False,
    processes: Processes = 2,
    chart: Chart = None,
    tables: Tables = None,
    as_json: Json = False,
) -> None:
    """试算：草案与现行规定对比，谁多谁少、基金够不够 (what a draft would change, and the fund's year)."""
    if chart is not None:
        to_write(chart)
    from gateway import wiring
    from gateway.runners import simulation
    from gateway.settings.shipped import shipped_folder

    plan = simulation.SimulationPlan(
        site=context.obj,
        open_office=wiring.open_office,
        schemes=schemes_folder(context.obj) or shipped_folder() / "config" / "schemes",
        draft=draft,
        against=against,
        first=_day(first),
        last=_day(last),
        fees=_fees(fees or ()),
        kept=largest,
        members=members,
        file=stays,
    )
    with working("正在试算 (simulating)", as_json=as_json):
        outcome = simulation.run(plan, association, processes=processes, today=_hundredths(take_up))
    _tell(outcome, chart, tables, as_json)


def _tell(outcome: SimulationResult, chart: Path | None, folder: Path | None, as_json: bool) -> None:
    """Files first, so that what is said last stands last."""
    from gateway.cli import simulation_tables as tables

    if chart is not None:
        from gateway.cli.simulation_chart import draw

        chart.write_bytes(draw(outcome))
    if folder is not None:
        tables.write_csv(outcome, folder)
    if as_json:
        emit(tables.plain(outcome))
        return
    tables.show(outcome)
    for written in (chart, folder):
        if written is not None:
            say(f"已写出 (written): {written}")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _hundredths(text: str | None) -> int | None:
    """ "5.0" → 500, with the pattern amounts have: at most two decimals."""
    from gateway.model.money import parse_yuan

    return None if text is None else int(parse_yuan(text))


def _fees(options: Sequence[str]) -> dict[Category, Money]:
    """ "100" is everybody's fee, "retired=400" that of one category. Raises WrongUse."""
    from gateway.model.member import Category
    from gateway.model.money import parse_yuan

    fees: dict[Category, Money] = {}
    for option in sorted(options, key=lambda option: "=" in option):
        name, _, amount = option.rpartition("=")
        categories = [category for category in get_args(Category) if name in ("", category)]
        if not categories:
            raise WrongUse("--fee 应为 100 或 active=100、retired=400 (a fee, or one of a category)")
        fees.update(dict.fromkeys(categories, parse_yuan(amount)))
    return fees
