"""scheme explain, scheme ledger: one claim in words; what a member was paid and has left."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.output import Json, emit, say, table
from gateway.cli.schemes import scheme
from gateway.cli.site import open_office
from gateway.words.schemes import LIMIT_SPANS, LIMITS


def register(app: typer.Typer) -> None:
    """Add these commands to `hubao scheme`."""
    scheme.command("explain")(scheme_explain)
    scheme.command("ledger")(scheme_ledger)


def scheme_explain(context: typer.Context, claim: str, as_json: Json = False) -> None:
    """一份申领的说明：每一分钱怎么来的，哪些没有补助；含就医信息 (one claim in words; holds health data)."""
    from gateway.flow.delivery.explain import explain_claim

    found = explain_claim(open_office(context), claim)
    if as_json:
        emit(found)
        return
    say(f"{found.claim_id} 第{found.version}版  {found.scheme} {found.edition or '–'}  应付 {found.payable} 元")
    for sentence in found.explanation:
        say(f"  {sentence}")
    columns = ("金额（元）", "原因", "依据")
    table("未补助的部分", columns, [(each.amount, each.reason, each.article) for each in found.not_covered])
    for name, items in (("申领材料", found.papers), ("尚待协会确认的规定", _questions(found))):
        if items:
            say(f"{name}：")
        for item in items:
            say(f"  · {item}")


def _questions(found: Any) -> list[str]:
    return [f"{each.question}（现按：{each.answer}）" for each in found.open_questions]


def scheme_ledger(
    context: typer.Context,
    member_no: str,
    association: Annotated[str, typer.Option(help="协会 (association).")],
    as_json: Json = False,
) -> None:
    """一名会员的台账：每个保障期补助了多少，各限额还剩多少 (what was paid and what is left of each limit)."""
    from gateway.flow.people.ledgers import member_ledger

    found = member_ledger(open_office(context), association, member_no)
    if as_json:
        emit(found)
        return
    for account in found.schemes:
        say(f"{account.name}（{account.scheme}）共补助 {account.paid} 元{_also(account)}")
        if account.periods:
            _show_periods(account)


def _also(account: Any) -> str:
    once = f"；已享受一次性给付：{'、'.join(account.lump_sums)}" if account.lump_sums else ""
    return f"；{account.problem}" if account.problem else once


def _show_periods(account: Any) -> None:
    table(
        "保障期",
        ("起", "止", "期次", "住院次数", "补助（元）", "其中已核定（元）", "住院补贴"),
        [
            (
                p.first,
                p.last,
                p.edition,
                p.stays,
                p.paid,
                p.decided,
                "、".join(f"{a.days}天{a.amount}元" for a in p.allowances),
            )
            for p in account.periods
        ],
    )
    limits = [each for period in account.periods for each in period.limits]
    table(
        "限额",
        ("种类", "范围", "起", "项目", "额度（元）", "已用（元）", "剩余（元）", "依据"),
        [
            (
                LIMITS[u.of],
                LIMIT_SPANS[u.per],
                u.since,
                "、".join(u.benefits) or "全部",
                u.limit,
                u.used,
                u.left,
                u.article,
            )
            for u in (*limits, *account.lifetime)
        ],
    )
