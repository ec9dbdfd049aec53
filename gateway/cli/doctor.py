"""doctor: the machine, its clock and the database, examined for what the gateway relies on."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from gateway.cli.output import Json, emit, say, table
from gateway.cli.site import open_office

_GRADES: Final = {"good": "好 (good)", "warn": "留意 (note)", "bad": "不行 (bad)"}


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(doctor)


def doctor(
    context: typer.Context,
    connect: Annotated[bool, typer.Option(help="同时问盟市与协会的时钟 (also ask the clocks of the others).")] = False,
    as_json: Json = False,
) -> None:
    """体检：机器、时钟、磁盘、权限、数据库是否靠得住 (examine machine, clock, disk and database)."""
    from gateway import wiring
    from gateway.errors import HubaoError
    from gateway.flow.site.doctor import examine
    from gateway.flow.site.machine import examine as examine_machine
    from gateway.model.examined import Examined

    seen = examine_machine(context.obj / "data", context.obj / "keys")
    try:
        office = open_office(context)
        seen += examine(office, wiring.remote_times(office) if connect else None)
    except HubaoError as error:
        seen.append(
            Examined("站点与数据库", "bad", str(error), "先处理这一条，再体检一次 (mend this, then look again)")
        )
    sound = all(part.grade != "bad" for part in seen)
    if as_json:
        emit({"examined": seen, "ok": sound})
    else:
        rows = [(part.name, _GRADES[part.grade], part.reading) for part in seen]
        table("体检 (what the site stands on)", ("项目", "结论", "所见"), rows)
        for part in seen:
            if part.advice:
                say(f"{part.name}：{part.advice}")
    if not sound:
        raise typer.Exit(1)
