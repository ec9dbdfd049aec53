"""match try: is this record a member's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import Json, complain, emit, lines_of
from gateway.cli.roster_files import roster_bytes
from gateway.errors import WrongUse

match = typer.Typer(help="匹配 (matching).", no_args_is_help=True, rich_markup_mode=None)

_NO_ROSTER = ("missing_columns", "doubled_column")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(match, name="match")


@match.command("try")
def match_try(
    context: typer.Context,
    roster_file: Annotated[Path, typer.Option("--roster", exists=True, dir_okay=False, help="名册文件 (roster file).")],
    records: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """记录 JSON 行 → 匹配结论 JSON 行；不用数据库 (record lines → decision lines)."""
    from gateway.core.match.measuring.trying import Trial
    from gateway.core.roster import read_roster
    from gateway.settings.matching import site_looks_further, site_model

    read = read_roster(roster_bytes(roster_file), with_coverage=False)
    for finding in read.findings:
        complain(str(finding))
    if any(finding.code in _NO_ROSTER for finding in read.findings):
        raise WrongUse(
            "名册的列不对，见上；一条也没有匹配 (the roster's columns are wrong, see above: nothing was matched)"
        )
    trial = Trial(read.people, site_model(context.obj), looks_further=site_looks_further(context.obj))
    for line in lines_of(records):
        emit(trial.answer(line))
