"""report: the yearly table of leagues and schemes, as text, CSV or a workbook."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli.output import Json, emit, say, to_write
from gateway.cli.progress import working
from gateway.cli.site import FirstDay, LastDay, open_office
from gateway.errors import WrongUse

if TYPE_CHECKING:
    pass

Format = Literal["text", "csv", "xlsx"]


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(report)


def report(
    context: typer.Context,
    year: Annotated[int | None, typer.Option(min=2000, max=9998, help="年度，缺省今年 (year).")] = None,
    first: FirstDay = None,
    last: LastDay = None,
    association: Annotated[str | None, typer.Option(help="协会，缺省全部 (association).")] = None,
    form: Annotated[Format, typer.Option("--format", help="text | csv | xlsx")] = "text",
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="写到此文件 (write to this file).")] = None,
    stats: Annotated[bool, typer.Option("--stats", help="附数据质量：匹配、待核、隔离 (quality figures).")] = False,
    as_json: Json = False,
) -> None:
    """年度情况表：分盟市、分方案的参保、申领与金额 (members, claims and money of a year)."""
    from gateway.flow.studies import report as flow

    if out is not None:
        to_write(out)
    office = open_office(context)
    if year is not None and (first or last):
        raise WrongUse("--year 与 --from、--to 不能同时用 (either a year, or days)")
    chosen = year or (first.year if first else last.year if last else office.now().year)
    with working("正在汇总 (adding up)", as_json=as_json):
        reports = flow.report(
            office,
            first=first.date() if first else date(chosen, 1, 1),
            last=last.date() if last else date(chosen, 12, 31),
            association=association,
            quality=stats,
        )
    from gateway.cli import report_tables as tables

    if out is not None:
        out.write_bytes(tables.written(reports, "xlsx" if out.suffix == ".xlsx" else form))
    elif form == "xlsx":
        raise WrongUse("--format xlsx 须有 --out FILE (a workbook needs a file)")
    elif form == "csv" and not as_json:
        say(tables.written(reports, form).decode("utf-8-sig").rstrip())
    elif not as_json:
        tables.show(reports)
    if as_json:
        emit(tables.plain(reports))
    elif out is not None:
        say(f"已写出 (written): {out}")
