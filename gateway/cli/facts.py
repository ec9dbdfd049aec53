"""facts: what an association confirms and no settlement tells: diagnoses, deaths, ends of periods, emergency care that
became a stay."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, cast

import typer

from gateway.cli.clerk import By, name_of
from gateway.cli.output import Json, complain, emit, say, table, tell_more
from gateway.cli.site import open_office
from gateway.errors import WrongUse
from gateway.words.facts import FACT_KINDS

if TYPE_CHECKING:
    from gateway.flow.people.facts import FactKind

facts = typer.Typer(help="已确认的事实 (confirmed facts).", no_args_is_help=True, rich_markup_mode=None)

Association = Annotated[str, typer.Option(help="协会 (the association).")]
Day = Annotated[datetime, typer.Option("--on", formats=["%Y-%m-%d"], help="确诊、身故、认定日或保障期末日 (the day).")]

_COLUMNS = ("编号", "会员号", "事实", "病种", "日期", "经办人", "登记时间", "有效")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(facts, name="facts")


@facts.command("add")
def facts_add(
    context: typer.Context,
    member_no: Annotated[str, typer.Argument(help="会员号 (the member's number).")],
    association: Association,
    on: Day,
    kind: Annotated[
        str | None, typer.Option(help=f"{' | '.join(FACT_KINDS)}；不写则询问 (asked for where it is left out).")
    ] = None,
    disease: Annotated[
        str | None, typer.Option(help="病种代码；请勿写在命令里，不写则询问 (leave it out: it is asked for).")
    ] = None,
    accident: Annotated[bool, typer.Option("--accident", help="由意外造成 (an accident caused it).")] = False,
    settlement: Annotated[
        list[str] | None, typer.Option("--settlement", help="并入住院的急诊结算编号，可多次 (emergency care).")
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """登记确诊、身故、期满或急诊并入住院；本人待遇随即重新核算 (a confirmed fact; the member's claims follow)."""
    from gateway.flow.people.facts import FactReport, record_fact

    # What stands on a command line stands in the shell's history and in every list of processes.
    kind = kind or typer.prompt(f"事实 (kind)：{'、'.join(FACT_KINDS)}", err=True)
    if kind not in FACT_KINDS:
        raise WrongUse(f"--kind 应为 {'、'.join(FACT_KINDS)} (unknown kind)")
    if disease is not None:
        complain("提醒 (warning): --disease 会留在命令历史与进程列表里，下一版取消；不写则询问 (leave it out)")
    elif kind == "diagnosis":
        disease = typer.prompt("病种代码 (disease group)", err=True)
    day: date = on.date()
    office = open_office(context)
    fact_kind = cast("FactKind", kind)
    report = FactReport(
        member_no=member_no,
        kind=fact_kind,
        on=day,
        by=name_of(by),
        disease=disease,
        accident=accident,
        settlements=tuple(settlement or ()),
    )
    fact = record_fact(office, association, report)
    if as_json:
        emit(fact)
    else:
        say(f"已登记第{fact.fact_id}号，本人待遇已重新核算 (kept; claims weighed again)")


@facts.command("list")
def facts_list(
    context: typer.Context,
    association: Association,
    member_no: Annotated[str | None, typer.Option("--member-no", help="只看这位会员 (one member only).")] = None,
    after: Annotated[int, typer.Option(min=0, help="从此编号之后 (those after this number).")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="最多多少条 (at most).")] = 100,
    as_json: Json = False,
) -> None:
    """有效的事实，含病种，请勿外传 (facts that stand; they name diseases)."""
    from gateway.flow.people.facts import list_facts

    page = list_facts(open_office(context), association, member_no=member_no, after=after, limit=limit)
    if as_json:
        emit(page)
        return
    rows = []
    for fact in page.facts:
        # A member number whose id number changed may be somebody else's by now: its fact is told anew or withdrawn.
        counts = "是" if fact.counts else "否：证件号码已变更或已退出"
        what = f"{FACT_KINDS[fact.kind]}（意外）" if fact.accident else FACT_KINDS[fact.kind]
        head = (fact.fact_id, fact.member_no, what, fact.disease, fact.on)
        rows.append((*head, fact.by, fact.created_at, counts))
    table("事实", _COLUMNS, rows)
    tell_more(len(rows), page.total, next_one=page.facts[-1].fact_id if page.more else None)


@facts.command("withdraw")
def facts_withdraw(
    context: typer.Context,
    fact_id: Annotated[int, typer.Argument(min=1, help="事实编号 (its number).")],
    association: Association,
    as_json: Json = False,
) -> None:
    """撤回一项事实，内容即销毁，待遇重新核算 (take a fact back; its content is gone and claims follow)."""
    from gateway.flow.people.facts import withdraw_fact

    fact = withdraw_fact(open_office(context), association, fact_id)
    if as_json:
        emit(fact)
    else:
        say(f"已撤回第{fact_id}号（会员 {fact.member_no}），待遇已重新核算 (withdrawn)")
