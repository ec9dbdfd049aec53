"""scheme explain, scheme ledger: one claim in words; what a member was paid and has left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import Json, emit, say, table
from gateway.cli.schemes import scheme
from gateway.cli.site import open_office
from gateway.words.schemes import LIMIT_SPANS, LIMITS
from gateway.words.waiting import waiting_words

if TYPE_CHECKING:
    from gateway.flow.people.ledgers import SchemeAccount


def register(app: typer.Typer) -> None:
    """Add these commands to `hubao scheme`."""
    scheme.command("explain")(scheme_explain)
    scheme.command("ledger")(scheme_ledger)


def scheme_explain(context: typer.Context, claim: str, as_json: Json = False) -> None:
    """一份申领的说明：每一分钱怎么来的，哪些没有补助；含就医信息 (one claim in words; holds health data)."""
    from gateway.flow.delivery.explain import explain_claim

    explained = explain_claim(open_office(context), claim)
    if as_json:
        emit(explained)
        return
    edition = explained.edition or "–"
    say(f"{explained.claim_id} 第{explained.version}版  {explained.scheme} {edition}  应付 {explained.payable} 元")
    for sentence in explained.explanation:
        say(f"  {sentence}")
    columns = ("金额（元）", "原因", "依据")
    table("未补助的部分", columns, [(part.amount, part.reason, part.article) for part in explained.not_covered])
    questions = [f"{asked.question}（现按：{asked.answer}）" for asked in explained.open_questions]
    for name, items in (("申领材料", explained.papers), ("尚待协会确认的规定", questions)):
        if items:
            say(f"{name}：")
        for item in items:
            say(f"  · {item}")


def scheme_ledger(
    context: typer.Context,
    member_no: str,
    association: Annotated[str, typer.Option(help="协会 (association).")],
    as_json: Json = False,
) -> None:
    """一名会员的台账：每个保障期补助了多少，各限额还剩多少 (what was paid and what is left of each limit)."""
    from gateway.flow.people.ledgers import member_ledger

    ledger = member_ledger(open_office(context), association, member_no)
    if as_json:
        emit(ledger)
        return
    for account in ledger.schemes:
        once = f"；已享受一次性给付：{'、'.join(account.lump_sums)}" if account.lump_sums else ""
        also = f"；{account.problem}" if account.problem else once
        say(f"{account.name}（{account.scheme}）共补助 {account.paid} 元{also}")
        if account.periods:
            _show_periods(account)
    if left_out := waiting_words(ledger.waiting):
        say(left_out)


def _show_periods(account: SchemeAccount) -> None:
    table(
        "保障期",
        ("起", "止", "期次", "住院次数", "补助（元）", "其中已核定（元）", "住院补贴"),
        [
            (
                period.first,
                period.last,
                period.edition,
                period.stays,
                period.paid,
                period.decided,
                "、".join(f"{allowance.days}天{allowance.amount}元" for allowance in period.allowances),
            )
            for period in account.periods
        ],
    )
    limits = [limit for period in account.periods for limit in period.limits]
    table(
        "限额",
        ("种类", "范围", "起", "项目", "额度（元）", "已用（元）", "剩余（元）", "依据"),
        [
            (
                LIMITS[limit.of],
                LIMIT_SPANS[limit.per],
                limit.since,
                "、".join(limit.benefits) or "全部",
                limit.limit,
                limit.used,
                limit.left,
                limit.article,
            )
            for limit in (*limits, *account.lifetime)
        ],
    )
