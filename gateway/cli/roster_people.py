"""roster list, show, search, export: who is enrolled. Names and id numbers are typed in, on no command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.clerk import By, name_of, scope_here
from gateway.cli.output import Json, emit, say, table, tell_more, to_write
from gateway.cli.roster import Association, MemberNo, office_of, roster
from gateway.cli.roster_files import write_private
from gateway.cli.table_files import table_file
from gateway.errors import WrongUse
from gateway.words.records import CATEGORIES, SEXES

if TYPE_CHECKING:
    from gateway.core.roster import RosterMember
    from gateway.flow.roster.searching import MemberLine, MemberSearch, MemberShown

_SHOWN = ("name", "id_type", "id_number", "sex", "birth_date", "phone", "unit_no", "unit_name")
_EXPORTED = (
    "member_no",
    "name",
    "id_type",
    "id_number",
    "sex",
    "birth_date",
    "phone",
    "unit_no",
    "unit_name",
    "league",
    "category",
    "scheme",
    "coverage_from",
    "coverage_to",
    "opt_out",
    "shares",
    "classes",
)

NumberBeginning = Annotated[
    str | None, typer.Option("--member-no", help="会员号或其开头 (a member number or its beginning).")
]
SettlementNo = Annotated[str | None, typer.Option("--settlement-no", help="结算号 (settlement number).")]
ByName = Annotated[bool, typer.Option("--name", help="按全名查，名字另行输入 (a whole name, typed in).")]
BySound = Annotated[bool, typer.Option("--sound", help="按读音查，名字另行输入 (a name by its sound).")]
ByIdNumber = Annotated[bool, typer.Option("--id-number", help="按证件号码查，号码另行输入 (an id number, typed in).")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="最多多少条 (at most).")]


def register(app: typer.Typer) -> None:
    """Add the commands of the roster, those that change it too."""
    app.add_typer(roster, name="roster")


@roster.command("list")
def roster_list(
    context: typer.Context,
    association: Association,
    after: Annotated[int, typer.Option(min=0, help="从此处之后接着看 (go on from here).")] = 0,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """会员号、类别与保障期，不含个人信息 (members by number; nothing personal)."""
    from gateway.flow.roster.searching import list_members

    page = list_members(office_of(context, association), association, after=after, limit=limit, scope=scope_here())
    if as_json:
        emit(page)
        return
    columns = ("会员号", "类别", "盟市", "参与", "保障期")
    rows = [
        (line.member_no, CATEGORIES[line.category], line.league, "否" if line.opt_out else "是", _periods(line))
        for line in page.members
    ]
    table("会员", columns, rows)
    tell_more(len(page.members), page.total, next_one=page.next)


@roster.command("show")
def roster_show(
    context: typer.Context,
    member_no: MemberNo,
    association: Association,
    reveal: Annotated[bool, typer.Option(help="显示明文，留痕 (plain values; leaves a trace).")] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """一名会员，打码；查看留痕 (one member, masked; leaves a trace)."""
    from gateway.flow.roster.searching import show_member

    shown = show_member(
        office_of(context, association), association, member_no, by=name_of(by), reveal=reveal, scope=scope_here()
    )
    if as_json:
        emit(shown)
    else:
        _say_member(shown)


@roster.command("search")
def roster_search(
    context: typer.Context,
    association: Association,
    member_no: NumberBeginning = None,
    settlement_no: SettlementNo = None,
    name: ByName = False,
    sound: BySound = False,
    id_number: ByIdNumber = False,
    limit: Limit = 50,
    by: By = None,
    as_json: Json = False,
) -> None:
    """查会员；姓名与证件号码从标准输入或提示读入，结果打码，留痕 (search; results masked, leaves a trace)."""
    from gateway.flow.roster.searching import MemberSearch, search_members

    if sum((member_no is not None, settlement_no is not None, name or sound, id_number)) != 1:
        raise WrongUse(
            "请选一种查法：--member-no、--settlement-no、--name（或 --sound）、--id-number (search by one of these)"
        )
    search: MemberSearch = MemberSearch(
        member_no=member_no,
        settlement_no=settlement_no,
        name=_typed("姓名 (name)") if name or sound else None,
        sound=sound,
        id_number=_typed("证件号码 (id number)") if id_number else None,
    )
    result = search_members(
        office_of(context, association), association, search, by=name_of(by), limit=limit, scope=scope_here()
    )
    if as_json:
        emit(result)
        return
    columns = ("会员号", "姓名", "证件号码", "参与", "保障期")
    rows = [
        (
            shown.line.member_no,
            shown.particulars.get("name"),
            shown.particulars.get("id_number"),
            "否" if shown.line.opt_out else "是",
            _periods(shown.line),
        )
        for shown in result.members
    ]
    table("会员", columns, rows)
    tell_more(len(result.members), result.total)


@roster.command("export")
def roster_export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="写到这个文件，.xlsx 或 .csv，含个人信息 (names everybody).")],
    association: Association,
    by: By = None,
    as_json: Json = False,
) -> None:
    """名册写成一个文件，可原样导回；留痕 (the roster as a file that can be imported again; leaves a trace)."""
    from gateway.core.roster.columns import shown
    from gateway.flow.roster.searching import export_members

    office = office_of(context, association)
    to_write(file)
    members = list(export_members(office, association, by=name_of(by), scope=scope_here()))
    columns = [shown(column) for column in _EXPORTED]
    rows = [row for member in members for row in _rows(member)]
    write_private(file, table_file(file.suffix.lstrip("."), "名册", columns, rows))
    if as_json:
        emit({"file": str(file), "members": len(members), "rows": len(rows)})
    else:
        say(f"已写出{len(members)}名会员、{len(rows)}行，含个人信息，请妥善保管 (written; it names people)")


def _typed(what: str) -> str:
    """What a person types at a prompt or pipes in: it stands in no list of processes and no history."""
    text = str(typer.prompt(what, err=True)) if sys.stdin.isatty() else sys.stdin.readline()
    if not text.strip():
        raise WrongUse(f"请从标准输入给出{what} (give it on standard input)")
    return text.strip()


def _periods(line: MemberLine) -> str:
    return "；".join(f"{period.scheme} {period.first_day}至{period.last_day}" for period in line.periods)


def _say_member(shown: MemberShown) -> None:
    from gateway.core.roster.columns import shown as words

    line = shown.line
    say(f"会员 {line.member_no}：{CATEGORIES[line.category]}，{'不参与' if line.opt_out else '参与'}")
    for name in _SHOWN:
        if name in shown.particulars:
            say(f"  {words(name)}：{shown.particulars[name]}")
    if not shown.particulars:
        say("  已存资料的密文打不开，见 hubao unreadable list (the stored fields do not open)")
    for period in line.periods:
        category = CATEGORIES[period.category] if period.category else "–"
        shares = f" {period.shares}份" if period.shares > 1 else ""
        classes = f" {'、'.join(period.classes)}" if period.classes else ""
        say(f"  {period.scheme} {period.first_day}至{period.last_day} {category}{shares}{classes}")
    if shown.same_person:
        say(f"  同一人的其他会员号：{'、'.join(shown.same_person)} (other numbers of the same person)")
    if shown.hold_id is not None:
        say(f"  有变更等待确认：hubao holds show {shown.hold_id} (a change waits)")


def _rows(member: RosterMember) -> Iterator[Sequence[str | None]]:
    """A member's rows, one a period, each saying all there is to say."""
    born = member.birth_date.isoformat() if member.birth_date is not None else None
    person = (member.member_no, member.name, member.id_type, member.id_number, SEXES.get(member.sex or ""), born)
    unit = (member.phone, member.unit_no, member.unit_name, member.league)
    opt_out = "是" if member.opt_out else "否"
    for period in member.coverage:
        category = CATEGORIES[period.category or member.category]
        days = (period.scheme, period.first_day.isoformat(), period.last_day.isoformat())
        shares = str(period.shares) if period.shares else None
        yield *person, *unit, category, *days, opt_out, shares, "、".join(period.classes) or None
    if not member.coverage:
        yield *person, *unit, CATEGORIES[member.category], None, None, None, opt_out, None, None
