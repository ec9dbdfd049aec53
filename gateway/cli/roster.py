"""roster import and roster end: who is enrolled, and what of it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.clerk import By, name_of
from gateway.cli.output import Json, complain, emit, to_write
from gateway.cli.progress import working
from gateway.cli.roster_files import roster_bytes, write_private
from gateway.cli.roster_report import as_json as report_as_json
from gateway.cli.roster_report import returned, say_difference, say_report
from gateway.cli.site import open_office
from gateway.errors import WrongUse

if TYPE_CHECKING:
    from gateway.core.roster import RosterFile
    from gateway.core.roster.correcting import Ending
    from gateway.core.roster.people import Statement
    from gateway.flow.office import Office
    from gateway.flow.roster.planning import CompleteRoster, Enrolled

roster = typer.Typer(help="会员名册 (the roster).", no_args_is_help=True, rich_markup_mode=None)

Association = Annotated[str, typer.Option(help="协会 (the association).")]
MemberNo = Annotated[str, typer.Argument(help="会员号 (the member's number).")]
DryRun = Annotated[bool, typer.Option(help="只看会改什么 (show the changes, write nothing).")]
Confirm = Annotated[
    bool,
    typer.Option("--confirm", help="确认缩短、终止的保障期，不再等人处理 (what is taken away is meant, write it)."),
]


RosterPath = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="CSV 或 XLSX")]
SchemeDefault = Annotated[
    str | None, typer.Option("--scheme", help="表中未写互助计划时用它 (scheme where the file names none).")
]
EmptyClears = Annotated[
    list[str] | None,
    typer.Option("--empty-clears", metavar="COLUMN", help="该列的空单元格清空已存的值 (its empty cells empty)."),
]
Complete = Annotated[
    str | None,
    typer.Option(
        metavar="SCHEME:YEAR",
        help="本表是该计划该年的全部名单，未列者该年的保障期终止 (whoever is not named ends).",
    ),
]
Errors = Annotated[
    Path | None, typer.Option(help="有误的行另存一份，退回原单位 (the wrong rows as a file to send back).")
]
Strict = Annotated[bool, typer.Option(help="有任何错误就整份不入 (import nothing if any row is wrong).")]


@roster.command("import")
def roster_import(
    context: typer.Context,
    file: RosterPath,
    association: Association,
    scheme: SchemeDefault = None,
    empty_clears: EmptyClears = None,
    complete: Complete = None,
    errors: Errors = None,
    dry_run: DryRun = False,
    confirm: Confirm = False,
    by: By = None,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """导入会员与保障期；可重复运行，只增不减，缩短与终止须确认 (safe to repeat; nothing is taken away unasked)."""
    office, content = office_of(context, association), roster_bytes(file)
    if errors is not None:
        to_write(errors)
    with working("正在读名册 (reading the roster)", as_json=as_json):
        read = _read(office, association, content, scheme, empty_clears or ())
    keep_out = strict and bool(read.errors)
    whole_year = _complete(complete, read) if complete is not None and not keep_out else None
    intake = Intake(
        office=office,
        association=association,
        statements=() if keep_out else read.statements,
        complete=whole_year,
        by=by,
        confirmed=confirm,
        quiet=as_json,
    )
    report = intake.take(dry_run=dry_run, ask=not as_json)
    if errors is not None:
        write_private(errors, returned(content, read, report, errors.suffix.lstrip(".")))
    _tell(read, report, dry_run=dry_run, as_json=as_json)


def _read(
    office: Office, association: str, content: bytes, scheme: str | None, empty_clears: Sequence[str]
) -> RosterFile:
    """A roster as this association writes it: a scheme by its code or its Chinese name."""
    from gateway.core.roster import read_roster

    families = office.families(association)
    return read_roster(
        content,
        scheme_default=scheme or office.associations[association].roster_scheme,
        schemes={word: family.scheme for family in families for word in (family.scheme, family.name)},
        families={family.scheme: family for family in families},
        clears=[_clearable(column) for column in empty_clears],
    )


def _tell(read: RosterFile | None, report: Enrolled, *, dry_run: bool, as_json: bool) -> None:
    """Say what was done; the command ends with 1 where something is wrong or waits."""
    if as_json:
        emit(report_as_json(read, report, dry_run=dry_run))
    else:
        say_report(read, report, dry_run=dry_run)
    if (read is not None and read.errors) or report.refused or report.waiting:
        raise typer.Exit(1)


@roster.command("end")
def roster_end(
    context: typer.Context,
    member_no: MemberNo,
    association: Association,
    scheme: Annotated[str, typer.Option(help="互助计划 (the scheme).")],
    on: Annotated[
        datetime, typer.Option("--on", formats=["%Y-%m-%d"], help="保障的最后一日，含当日 (the last covered day).")
    ],
    dry_run: DryRun = False,
    confirm: Confirm = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """终止一名会员在一个计划中的保障；先看差异，再确认 (a member's cover in a scheme ends)."""
    from gateway.core.roster.correcting import Ending

    office = office_of(context, association)
    schemes = sorted(family.scheme for family in office.families(association))
    if scheme not in schemes:
        raise WrongUse(f"没有计划 {scheme}；已有：{'、'.join(schemes)} (unknown scheme)")
    last_day: date = on.date()
    intake = Intake(
        office=office,
        association=association,
        statements=[Ending(member_no=member_no, ends=((scheme, last_day),))],
        by=by,
        confirmed=confirm,
        quiet=as_json,
    )
    _tell(None, intake.take(dry_run=dry_run, ask=not as_json), dry_run=dry_run, as_json=as_json)


def office_of(context: typer.Context, association: str) -> Office:
    """The site's office. Raises WrongUse for an association that is none of its."""
    office = open_office(context)
    if association not in office.associations:
        raise WrongUse(f"没有协会 {association}；已有：{sorted(office.associations)} (unknown association)")
    return office


@dataclass(frozen=True, kw_only=True)
class Intake:
    """What is to be taken in. What it takes away is shown beforehand and asked about where somebody sits at a terminal;
    confirmed by one person it is written, as long as one person is enough."""

    office: Office
    association: str
    statements: Sequence[Statement | Ending]
    complete: CompleteRoster | None = None
    by: str | None = None
    confirmed: bool = False
    quiet: bool = False
    """Whether nobody at a terminal wants to see that something goes on."""

    def take(self, *, dry_run: bool, ask: bool) -> Enrolled:
        """Take it in, or show what that would do."""
        from gateway.flow.roster.holding import one_person_is_enough

        terminal = ask and sys.stdin.isatty() and sys.stdout.isatty()
        if dry_run or not (self.confirmed or terminal):
            return self._take(dry_run=dry_run)
        foreseen, confirmed = self._take(dry_run=True), self.confirmed
        if foreseen.waiting and not confirmed:
            say_difference(foreseen)
            confirmed = typer.confirm("现在确认这些终止与缩短？否则转人工 (confirm them now?)")
        by = name_of(self.by) if foreseen.waiting and confirmed else None
        if by is not None and not one_person_is_enough(self.office, foreseen.told):
            complain("金额较大，须另一人确认，已转人工，见 hubao holds (above the limit: a second person confirms)")
            by = None
        return self._take(by=by)

    def _take(self, *, dry_run: bool = False, by: str | None = None) -> Enrolled:
        from gateway.flow.roster.enrol import take_in

        with working("正在入册 (taking the roster in)", as_json=self.quiet):
            return take_in(
                self.office, self.association, self.statements, complete=self.complete, confirmed_by=by, dry_run=dry_run
            )


def _clearable(column: str) -> str:
    """Our name of a column that may be emptied. Raises WrongUse for any other."""
    from gateway.core.roster.columns import CLEARABLE, names_column, shown

    for name in CLEARABLE:
        if names_column(column, name):
            return name
    allowed = "、".join(f"{shown(name)} ({name})" for name in CLEARABLE)
    raise WrongUse(f"--empty-clears 只能是 {allowed} (only these columns may be emptied)")


def _complete(text: str, read: RosterFile) -> CompleteRoster:
    """SCHEME:YEAR of a complete roster. Raises WrongUse where the file cannot be one."""
    from gateway.flow.roster.planning import CompleteRoster

    scheme, _, year = text.rpartition(":")
    if not scheme or not year.isdecimal() or len(year) != 4:
        raise WrongUse("--complete 应为 计划:年份，如 nm-inpatient:2027 (SCHEME:YEAR)")
    if read.nameless:
        raise WrongUse("表中有的行读不出会员号，不能当作全部名单 (rows without a member number: not complete)")
    stated = [
        period
        for person in read.people
        for period in person.coverage
        if period.scheme == scheme and period.first_day.year == int(year)
    ]
    if not stated:
        raise WrongUse(f"表中没有 {scheme} 于 {year} 年开始的保障期 (no period of that scheme begins in that year)")
    return CompleteRoster(scheme=scheme, year=int(year), left_alone=read.set_aside)
