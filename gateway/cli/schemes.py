"""scheme list, assess, test: what a scheme owes, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import Json, emit, lines_of, say, table
from gateway.errors import WrongUse

if TYPE_CHECKING:
    from gateway.core.schemes import SchemeFamily

scheme = typer.Typer(help="互助方案 (schemes).", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(scheme, name="scheme")


def families(site: Path) -> Mapping[str, SchemeFamily]:
    """The schemes of the site, or the shipped ones where there is no site. Raises BadSettings."""
    from gateway.settings.schemes import load_families
    from gateway.settings.shipped import shipped_folder

    return load_families(schemes_folder(site) or shipped_folder() / "config" / "schemes")


def schemes_folder(site: Path) -> Path | None:
    """The site's own scheme files, if it has any."""
    folder = site / "config" / "schemes"
    return folder if folder.is_dir() else None


@scheme.command("list")
def scheme_list(context: typer.Context, as_json: Json = False) -> None:
    """方案与期次 (schemes and their editions)."""
    rows = [
        (family.scheme, family.name, edition.name, edition.starts, edition.source)
        for family in families(context.obj).values()
        for edition in family.editions
    ]
    if as_json:
        keys = ("scheme", "name", "edition", "starts", "source")
        emit({"editions": [dict(zip(keys, row, strict=True)) for row in rows]})
        return
    table("方案", ("代码", "名称", "期次", "起用日", "依据"), rows)


@scheme.command("assess")
def scheme_assess(
    context: typer.Context,
    cases: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """案例 JSON 行 → 核算结果 JSON 行 (case lines → estimate lines)."""
    import msgspec

    from gateway.core.schemes.cases import answer_case

    schemes = families(context.obj)
    for line in lines_of(cases):
        try:
            case = msgspec.json.decode(line)
        except msgspec.DecodeError:
            error = {"code": "not_json", "message": "这一行不是 JSON (the line is not JSON)"}
            emit({"case": None, "error": error})
            continue
        emit(answer_case(case, schemes))


@scheme.command("period")
def scheme_period(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="方案代码 (the scheme).")],
    joined: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="参加日期 (the day of joining).")],
    as_json: Json = False,
) -> None:
    """某日参加的人，保障期从哪天到哪天 (the period of somebody who joins on that day)."""
    from gateway.core.schemes.units.joining import coverage_from

    schemes = families(context.obj)
    if name not in schemes:
        raise WrongUse(f"没有方案 {name}；已有：{'、'.join(sorted(schemes))} (unknown scheme)")
    period = coverage_from(joined.date(), schemes[name])
    if period is None:
        raise WrongUse(f"{name} 在该日没有保障期规则，名册须写明起止日 (no [period] rule in force that day)")
    if as_json:
        emit({"scheme": name, "joined": joined.date(), "from": period.first_day, "to": period.last_day})
    else:
        say(f"{period.first_day} 至 (to) {period.last_day}")


@scheme.command("test")
def scheme_test(context: typer.Context, as_json: Json = False) -> None:
    """运行方案旁的测试 (run the tests beside the scheme files)."""
    from gateway.flow.studies.scheme_tests import run_scheme_tests
    from gateway.settings.files import read_toml
    from gateway.settings.shipped import shipped_folder

    folder = schemes_folder(context.obj) or shipped_folder() / "config" / "schemes"
    schemes = families(context.obj)
    files = [read_toml(path, shown_as=path.name) for path in sorted(folder.glob("*.test.toml"))]
    results = [result for cases in files for result in run_scheme_tests(cases, schemes)]
    bad = [result for result in results if not result.passed]
    if as_json:
        emit(
            {
                "tests": len(results),
                "failed": [
                    {"case": result.case, "differences": result.differences, "lines": result.lines} for result in bad
                ],
            }
        )
    else:
        for result in bad:
            say(f"✗ {result.case}\n  " + "\n  ".join((*result.differences, *result.lines)))
        say(f"{len(results) - len(bad)}项通过，{len(bad)}项未通过 (passed, failed)")
    if bad:
        raise typer.Exit(1)
