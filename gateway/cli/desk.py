"""desk: clerks of an association without a claims system of its own decide here, and claims go from level to level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.clerk import By, Note, name_of
from gateway.cli.output import Json, Limit, emit, one_of, say, table, tell, tell_more
from gateway.cli.site import open_office
from gateway.words.claims import FLAGS
from gateway.words.desk import DESK_STATES

if TYPE_CHECKING:
    from gateway.flow.desk.deciding import DeskAnswer

desk = typer.Typer(
    help="经办台：协会在网关内核定 (the clerks' desk: claims are decided here).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Association = Annotated[str, typer.Option("--association", help="协会 (association).")]
ClaimId = Annotated[str, typer.Argument(help="申领号 (claim id).")]
ClaimIds = Annotated[list[str], typer.Argument(help="申领号，可多个 (claim ids).")]
Version = Annotated[int | None, typer.Option(min=1, help="所看的版本，缺省最新 (the version that was looked at).")]
Confirm = Annotated[bool, typer.Option("--confirm", help="确认另一人的提议 (confirm another's proposal).")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(desk, name="desk")


@desk.command("list")
def list_command(
    context: typer.Context,
    association: Association,
    state: Annotated[str | None, typer.Option(help=" | ".join(DESK_STATES))] = None,
    league: Annotated[str | None, typer.Option(help="盟市，按名册的写法 (league, as the roster writes it).")] = None,
    level: Annotated[str | None, typer.Option(help="层级，连同 --league (level, with its league).")] = None,
    after: Annotated[str | None, typer.Option(help="从上一页给出的位置接着看 (go on behind this place).")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """经办台上的申领，最急的在前；不含个人信息 (claims at the desk, most urgent first, without personal data)."""
    from gateway.flow.desk.showing import DeskSearch, list_desk

    office = open_office(context)
    one_of("--state", state, DESK_STATES)
    search = DeskSearch(association=association, league=league, state=state, level=level)  # type: ignore[arg-type]
    page = list_desk(office, search, after=after, limit=limit)
    if as_json:
        emit(page)
        return
    columns = ("申领号", "会员号", "盟市", "状态", "在谁手里", "办理期限", "应付（元）", "核定（元）", "最后申领日")
    table("经办台", columns, [_line(claim) for claim in page.claims])
    tell_more(len(page.claims), page.total, next_one=page.next)


def _line(claim: dict[str, Any]) -> tuple[object, ...]:
    due = f"{claim['due_on']}{'（已超）' if claim['late'] else ''}" if claim["due_on"] else None
    place = (claim["claim_id"], claim["member_no"], claim["league"], DESK_STATES[claim["state"]], claim["level"])
    return (*place, due, claim["payable"], claim["granted"], claim["claim_by"])


@desk.command("form")
def form_command(context: typer.Context, claim_id: ClaimId, by: By = None, as_json: Json = False) -> None:
    """一份申领的表单与办理经过；含个人信息，留下查看记录 (form data and steps; personal, and logged)."""
    from gateway.flow.desk.showing import show_form

    form = show_form(open_office(context), claim_id, by=name_of(by))
    if as_json:
        emit(form)
        return
    body = form["body"]
    say(f"{claim_id} 第{form['version']}版  在：{form['level']}  应付 {form['payable']} 元")
    if "member" in body:
        say(f"会员 {body['member']['member_no']}  {body['member']['name']}  最后申领日 {body['claim_by'] or '–'}")
    for line in body.get("lines", ()):
        say(f"  {line['article']}: {line['text']}")
    if form["flags"]:
        say(f"提示：{'、'.join(FLAGS.get(flag, flag) for flag in form['flags'])}")
    if form["papers"]:
        say(f"等待补材料：{'、'.join(form['papers'].values())}")
    _show_steps(form["steps"])


@desk.command("steps")
def steps_command(context: typer.Context, claim_id: ClaimId, as_json: Json = False) -> None:
    """一份申领的办理经过：谁、何时、在哪一级、做了什么 (who did what, when, at which level)."""
    from gateway.flow.desk.showing import steps_of

    steps = steps_of(open_office(context), claim_id)
    if as_json:
        emit({"claim_id": claim_id, "steps": steps})
    else:
        _show_steps(steps)


def _show_steps(steps: list[dict[str, Any]]) -> None:
    columns = ("时间", "经办人", "层级", "事项", "状态", "金额（元）", "代码", "备注")
    keys = ("at", "by", "level", "words", "state_words", "amount", "code", "note")
    table("办理经过", columns, [tuple(step[key] for key in keys) for step in steps])


@desk.command("approve")
def approve_command(
    context: typer.Context,
    claim_id: ClaimId,
    amount: Annotated[str | None, typer.Option(help="金额（元），缺省按申领 (yuan; the claim's by default).")] = None,
    reason: Annotated[str | None, typer.Option(help="金额不同时的理由代码 (code, where the amount differs).")] = None,
    note: Note = None,
    version: Version = None,
    confirm: Confirm = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """核定；超过限额的须两人 (approve; above an amount a second person confirms)."""
    from gateway.flow.desk.deciding import ClerkDecision, decide_claim
    from gateway.model.money import parse_yuan

    office = open_office(context)
    decision = ClerkDecision(
        outcome="approved",
        by=name_of(by),
        version=version,
        amount=parse_yuan(amount) if amount is not None else None,
        reason=reason,
        note=note,
        confirm=confirm,
    )
    _answer(decide_claim(office, claim_id, decision), as_json=as_json)


@desk.command("refuse")
def refuse_command(
    context: typer.Context,
    claim_id: ClaimId,
    reason: Annotated[str | None, typer.Option(help="理由代码，见 hubao desk codes (a code of the list).")] = None,
    note: Note = None,
    version: Version = None,
    confirm: Confirm = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """不予补助，须有理由代码 (refuse, for a coded reason)."""
    from gateway.flow.desk.deciding import ClerkDecision, decide_claim

    office = open_office(context)
    decision = ClerkDecision(
        outcome="refused", by=name_of(by), version=version, reason=reason, note=note, confirm=confirm
    )
    _answer(decide_claim(office, claim_id, decision), as_json=as_json)


@desk.command("papers")
def papers_command(
    context: typer.Context,
    claim_id: ClaimId,
    paper: Annotated[list[str] | None, typer.Option("--paper", help="材料代码，可多个 (codes of papers).")] = None,
    came: Annotated[bool, typer.Option("--came", help="材料已补齐 (they have come).")] = False,
    note: Note = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """要求补材料，或登记已补齐；其间办理时限不走 (ask for papers, or say they came; the clock stands meanwhile)."""
    from gateway.errors import WrongUse
    from gateway.flow.desk.deciding import ask_papers, papers_came

    if came is bool(paper):
        raise WrongUse("写 --paper 代码，或 --came (either --paper or --came)")
    office, clerk = open_office(context), name_of(by)
    if came:
        answer = papers_came(office, claim_id, by=clerk, note=note)
    else:
        answer = ask_papers(office, claim_id, by=clerk, papers=paper or [], note=note)
    _answer(answer, as_json=as_json)


@desk.command("undo")
def undo_command(
    context: typer.Context, claim_id: ClaimId, note: Note = None, by: By = None, as_json: Json = False
) -> None:
    """支付前撤销核定或提议 (take a decision or proposal back, before payment)."""
    from gateway.flow.desk.deciding import undo_decision

    _answer(undo_decision(open_office(context), claim_id, by=name_of(by), note=note), as_json=as_json)


def _answer(answer: DeskAnswer, *, as_json: bool) -> None:
    from gateway.words.desk import STEPS

    words = f"{answer.claim_id} {STEPS[answer.what]}"
    if answer.amount is not None:
        words += f" {answer.amount} 元"
    if answer.state == "proposed":
        words += "：待第二人以 --confirm 确认 (a second person must confirm)"
    tell(answer, words, as_json=as_json)


@desk.command("pass")
def pass_command(
    context: typer.Context, claim_id: ClaimIds, note: Note = None, by: By = None, as_json: Json = False
) -> None:
    """上报下一级 (pass claims on to the next level)."""
    from gateway.flow.desk.levels import pass_claim

    office, clerk = open_office(context), name_of(by)
    passed = [pass_claim(office, claim, by=clerk, note=note) for claim in claim_id]
    tell(
        {"passed": passed},
        "\n".join(f"{moved.claim_id} {moved.before} → {moved.level}" for moved in passed),
        as_json=as_json,
    )


@desk.command("return")
def return_command(
    context: typer.Context, claim_id: ClaimId, note: Note = None, by: By = None, as_json: Json = False
) -> None:
    """退回上一级，须写明原因 (give a claim back to the level before, with a note)."""
    from gateway.flow.desk.levels import return_claim

    moved = return_claim(open_office(context), claim_id, by=name_of(by), note=note)
    tell(moved, f"{moved.claim_id} {moved.before} → {moved.level}", as_json=as_json)


@desk.command("codes")
def codes_command(as_json: Json = False) -> None:
    """理由与材料的代码 (the codes of reasons and papers)."""
    from gateway.words.desk import AMOUNT_REASONS, PAPERS, RECOVERIES, REFUSALS

    lists = {"refusals": REFUSALS, "amount_reasons": AMOUNT_REASONS, "papers": PAPERS, "recoveries": RECOVERIES}
    if as_json:
        emit(lists)
        return
    titles = ("不予补助的理由", "改变金额的理由", "材料", "追回的理由")
    for title, codes in zip(titles, lists.values(), strict=True):
        table(title, ("代码", "含义"), list(codes.items()))
