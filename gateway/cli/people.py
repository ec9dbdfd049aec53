"""roster import and match try: who is enrolled, and is this him."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import Json, complain, emit, lines_of, say
from gateway.cli.roster_files import roster_bytes
from gateway.cli.site import open_office
from gateway.errors import WrongUse

if TYPE_CHECKING:
    from gateway.core.roster import RosterFile
    from gateway.flow.roster.enrol import Enrolled

roster = typer.Typer(help="会员名册 (the roster).", no_args_is_help=True, rich_markup_mode=None)
match = typer.Typer(help="匹配 (matching).", no_args_is_help=True, rich_markup_mode=None)

_SHOWN = 50
_KEPT_OUT = "同一人的另一会员号不参与，此号一并不参与 (the same person opted out under another member number)"
_TWICE = (
    "同一证件号码、保障期重叠，未经人工合并按不同的人处理，其记录转人工核对，可答 same --join 合并 "
    "(one document, coverage overlaps: records go to review; join them there)"
)
_LINES = {"sum": "合计行", "signature": "签字盖章行", "header": "重复表头"}
_NO_ROSTER = ("missing_columns", "doubled_column")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(roster, name="roster")
    app.add_typer(match, name="match")


@roster.command("import")
def roster_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV 或 XLSX")],
    association: Annotated[str, typer.Option(help="协会 (the association).")],
    scheme: Annotated[
        str | None, typer.Option(help="表中未写互助计划时用它 (scheme where the file names none).")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="只看会改什么 (show the changes, write nothing).")] = False,
    strict: Annotated[bool, typer.Option(help="有任何错误就整份不入 (import nothing if any row is wrong).")] = False,
    as_json: Json = False,
) -> None:
    """导入会员与保障期；可重复运行 (members and coverage; safe to repeat)."""
    from gateway.core.roster import read_roster
    from gateway.flow.roster.enrol import enrol

    office = open_office(context)
    if association not in office.associations:
        raise WrongUse(f"没有协会 {association}；已有：{sorted(office.associations)} (unknown association)")
    families = office.families(association)
    # A roster writes a scheme's code or its Chinese name.
    read = read_roster(
        roster_bytes(file),
        scheme_default=scheme or office.associations[association].roster_scheme,
        schemes={word: family.scheme for family in families for word in (family.scheme, family.name)},
        families={family.scheme: family for family in families},
    )
    keep_out = strict and bool(read.errors)
    report = enrol(office, association, () if keep_out else read.people, dry_run=dry_run)
    if as_json:
        emit(_as_json(read, report, dry_run))
    else:
        _show(read, report, dry_run)
    if read.errors or report.refused:
        raise typer.Exit(1)


def _as_json(read: RosterFile, report: Enrolled, dry_run: bool) -> dict[str, Any]:
    import msgspec

    return {
        "rows": read.rows,
        "people": len(read.statements),
        "repeated_rows": read.repeated,
        "skipped_lines": read.skipped,
        "added": report.added,
        "changed": report.changed,
        "coverage_changed": report.coverage_changed,
        "unchanged": report.unchanged,
        "refused": [{"member_no": number, "message": why} for number, why in report.refused],
        "kept_out": report.kept_out,
        "enrolled_twice": report.apart,
        "findings": msgspec.to_builtins(read.findings),
        "dry_run": dry_run,
    }


def _show(read: RosterFile, report: Enrolled, dry_run: bool) -> None:
    head = "将会 (would be)" if dry_run else "已 (done)"
    notes = [f"重复行{read.repeated}"] if read.repeated else []
    notes += [f"{_LINES[kind]}{count}" for kind, count in sorted(read.skipped.items())]
    if notes:
        say(f"未计入的行 (lines left out): {'，'.join(notes)}")
    say(
        f"{read.rows}行，{len(read.statements)}名会员；{head}：新增{report.added}，变更{len(report.changed)}，"
        f"保障期变更{report.coverage_changed}，未变{report.unchanged}"
    )
    for number, fields in list(report.changed.items())[:_SHOWN]:
        say(f"  {number}: {'、'.join(fields)}")
    problems = [str(finding) for finding in read.findings] + [f"会员 {no}: {why}" for no, why in report.refused]
    problems += [f"会员 {no}: {_KEPT_OUT}" for no in report.kept_out]
    problems += [f"会员 {'、'.join(numbers)}: {_TWICE}" for numbers in report.apart]
    for problem in problems[:_SHOWN]:
        complain(problem)
    if len(problems) > _SHOWN:
        complain(f"……共{len(problems)}条，用 --json 看全部 (all with --json)")


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
