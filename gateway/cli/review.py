"""review: doubts before a person: list, show, decide, undo, and what is learnt from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from gateway.cli.clerk import By, Note, name_of
from gateway.cli.output import Json, Limit, emit, one_of, say, table, tell_more, to_write
from gateway.cli.site import open_office
from gateway.errors import WrongUse
from gateway.words.claims import CLAIM_STATES, OUTCOMES
from gateway.words.evidence import FIELDS, LEVELS, all_in_words, score_in_words, side_by_side_in_words
from gateway.words.records import CARE, field_in_words
from gateway.words.reviews import ITEM_KINDS, ITEM_STATES, LOOKED_AT, REVIEW_OUTCOMES, SETTLEMENT, SPOKEN, answer_words
from gateway.words.waiting import waiting_words

if TYPE_CHECKING:
    from gateway.core.reviewing import Answer
    from gateway.flow.reviewing.decide import ReviewResult
    from gateway.model.states import ItemState, QuestionKind

review = typer.Typer(help="待人工核定 (what waits for a person).", no_args_is_help=True, rich_markup_mode=None)


Item = Annotated[int, typer.Argument(help="事项编号 (the item's number).")]

_ANSWERS = ("same", "different", "unsure", "agree", "refuse", "noted", "original", "none", "keep", "take", "both")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(review, name="review")


@review.command("list")
def review_list(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="open | decided | closed | superseded | expired")] = "open",
    kind: Annotated[str | None, typer.Option(help=" | ".join(ITEM_KINDS))] = None,
    association: Annotated[str | None, typer.Option(help="协会 (association).")] = None,
    after: Annotated[int | None, typer.Option(min=1, help="从此编号之后接着看 (go on behind this number).")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """待人工核定的清单，不含个人信息 (what waits for a person, without personal data)."""
    from gateway.flow.reviewing.show import list_older

    office = open_office(context)
    one_of("--state", state, ITEM_STATES)
    one_of("--kind", kind, ITEM_KINDS)
    one_of("--association", association, sorted(office.associations))
    items, total = list_older(
        office,
        state=cast("ItemState", state),
        kind=cast("QuestionKind | None", kind),
        association=association,
        below=after,
        limit=limit + 1,
    )
    rows, more = items[:limit], len(items) > limit
    next_one = rows[-1]["item_id"] if more else None
    if as_json:
        emit({"review": rows, "total": total, "more": more, "next": next_one})
        return
    columns = ("编号", "种类", "盟市", "页", "行", "金额（元）", "分数", "原因", "申领号", "存疑次数", "待另一人确认")
    lines = []
    for row in rows:
        reasons, score = all_in_words(row["reasons"]), score_in_words(row["score"])
        question = ITEM_KINDS.get(row["kind"], row["kind"])
        head = (row["item_id"], question, row["feed"], row["page_seq"], row["row"], row["amount"], score, reasons)
        lines.append((*head, row["claim_id"], row["unsure"] or None, _proposal(row)))
    table("待核", columns, lines)
    tell_more(len(rows), total, next_one=next_one)


def _proposal(row: dict[str, Any]) -> str | None:
    """Who proposed what and waits for another person: 甲：会员 M00002，合并."""
    if row["proposed_by"] is None:
        return None
    join = "，合并" if row["proposed_join"] else ""
    return f"{row['proposed_by']}：会员 {row['proposed_member_no'] or '–'}{join}"


@review.command("show")
def review_show(
    context: typer.Context,
    item: Item,
    reveal: Annotated[bool, typer.Option("--reveal", help="显示明文，会留下记录 (plain values; is logged).")] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """记录与会员并列，缺省遮蔽 (record and member side by side, masked by default)."""
    from gateway.flow.reviewing import show as reviewing

    office = open_office(context)
    shown = (
        reviewing.reveal(office, item, by=name_of(by), page="hubao review show")
        if reveal
        else reviewing.show(office, item)
    )
    if as_json:
        emit(shown)
        return
    kind, state = ITEM_KINDS.get(shown["kind"], shown["kind"]), ITEM_STATES.get(shown["state"], shown["state"])
    say(f"第{item}号 {kind}，{state}；原因：{all_in_words(shown['reasons'])}")
    if shown["kind"] == "match":
        _show_match(shown)
    elif shown["kind"] == "hold":
        say("此行属于一批待确认的变更：hubao holds list (it waits in a hold)")
    elif shown["kind"] == "takeback":
        say(f"文件 {shown['file']} 的新版少了这么多行；agree 收回旧行，refuse 不收回")
    else:
        if shown["kind"] == "approval":
            say(f"协会核定 {shown['amount']} 元；agree 照此记下，refuse 不认，请协会另作决定 (agree takes it down)")
        _show_bills(item, shown)
        _show_claim(shown["claim"])
    columns = ("经办人", "时间", "答", "会员", "合并", "状态", "备注", "撤回人")
    table("经过", columns, [_answer_line(shown["kind"], answer) for answer in shown["decisions"]])
    if waits := _proposal(shown):
        say(f"待另一人确认（{waits}）：hubao review decide {item} same --confirm (to confirm exactly this)")


def _answer_line(kind: str, answer: dict[str, Any]) -> tuple[Any, ...]:
    undone_note = f"：{answer['undone_note']}" if answer["undone_note"] else ""
    return (
        answer["by"],
        answer["at"],
        answer_words(kind, answer["answer"]),
        answer["member_no"],
        "、".join(answer["join"]) or None,
        SPOKEN.get(answer["state"], answer["state"]),
        answer["note"],
        None if answer["undone_by"] is None else answer["undone_by"] + undone_note,
    )


def _show_match(shown: dict[str, Any]) -> None:
    if not shown["available"]:
        say("原页已到期或读不出 (its page is gone or cannot be read)")
    settlement = dict(shown["settlement"] or {})
    for error in settlement.pop("errors", ()):
        say(f"这一行有误：{field_in_words(error['field'])}：{error['message']}")
    if "care_type" in settlement:
        settlement["care_type"] = CARE.get(settlement["care_type"], settlement["care_type"])
    if settlement.pop("reversal", False):
        settlement = {"reversal": "是", **settlement}
    say("  ".join(f"{SETTLEMENT.get(key, key)} {value}" for key, value in settlement.items() if value))
    for candidate in shown["candidates"]:
        reasons = all_in_words(candidate["reasons"])
        title = f"会员 {candidate['member_no']}，分数 {score_in_words(candidate['score'])}，{reasons}"
        table(title, ("", "结算记录", "会员", ""), [side_by_side_in_words(**pair) for pair in candidate["fields"]])
    if shown["evidence"]:
        rows = [
            (
                FIELDS.get(step["field"], step["field"]),
                LEVELS.get(step["level"], step["level"]),
                step["weight"],
                step["running"],
            )
            for step in shown["evidence"]
        ]
        table(f"证据（模型 {shown['model']}）", ("证据", "程度", "权重（比特）", "累计"), rows)


def _show_bills(item: int, shown: dict[str, Any]) -> None:
    """Both sides of a question about bills, and what may be answered."""
    if "bills" not in shown:
        return
    columns = ("", "流水号", "就诊号", "机构", "入院", "出院", "结算", "总费用", "范围内", "基金支付", "盟市", "收到")
    names = (
        *("settlement_no", "visit_no", "facility", "admitted_on", "discharged_on", "settled_at"),
        *("total", "in_scope", "fund_paid", "feed", "received_on"),
    )
    sides = ["所问"] + ["对照"] * (len(shown["bills"]) - 1)
    lines = [(side, *(bill.get(name) for name in names)) for side, bill in zip(sides, shown["bills"], strict=False)]
    table("两边的结算", columns, lines)
    if shown["kind"] == "refund":
        say(f"hubao review decide {item} original --settlement-no 原结算流水号；与本会员的结算无关，答 none")
    else:
        say("same 是同一笔，后一笔不计；different 是另一笔，两笔都计 (the same bill, or another one)")


def _show_claim(claim: dict[str, Any] | None) -> None:
    if claim is None:
        say("没有相应的申领 (no claim yet)")
        return
    status = CLAIM_STATES.get(claim["status"], claim["status"])
    say(f"申领 {claim['claim_id']} 第{claim['version']}版 {status}，应付 {claim['payable']} 元")
    if claim.get("decision"):
        outcome, amount = claim["decision"]["outcome"], claim["decision"]["amount"]
        say(f"协会已决定：{OUTCOMES.get(outcome, outcome)} {amount} 元")
        say(f"现应 {claim['owed_now']} 元，差 {claim['difference']} 元")
        if left_out := waiting_words(claim["waiting"]):
            say(left_out)
        for settlement in claim["changed"]:
            say(f"  结算 {settlement['settlement_no']} {'已不存在' if settlement['gone'] else '已变更'}")


@review.command("decide")
def review_decide(
    context: typer.Context,
    item: Item,
    answer: Annotated[str, typer.Argument(help=" | ".join(_ANSWERS))],
    member_no: Annotated[
        str | None, typer.Option("--member-no", help="是哪位会员，缺省为首选 (which member; the likeliest by default).")
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="两个会员号是同一人，合并保障期 (two members are one person).")
    ] = False,
    although_different: Annotated[
        bool,
        typer.Option("--although-different", help="虽没有一项足以相符，确是这位会员；须另一人确认 (he it is, though)."),
    ] = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="照另一人的提议确认 (exactly what another person proposed).")
    ] = False,
    settlement_no: Annotated[
        str | None, typer.Option("--settlement-no", help="退的是哪一笔结算 (original: the settlement refunded).")
    ] = None,
    by: By = None,
    note: Note = None,
    as_json: Json = False,
) -> None:
    """核定：同一人、不是、不确定；其他种类答 review show 所列 (decide an item)."""
    from gateway.flow.reviewing.decide import ReviewAnswer, decide

    if answer not in _ANSWERS:
        raise WrongUse(f"答案应为 {'、'.join(_ANSWERS)} (unknown answer)")
    office = open_office(context)
    decision = ReviewAnswer(
        answer=cast("Answer", answer),
        by=name_of(by),
        member_no=member_no,
        join=join,
        although_different=although_different,
        confirm=confirm,
        settlement_no=settlement_no,
        note=note,
    )
    _tell(decide(office, item, decision), as_json=as_json)


@review.command("undo")
def review_undo(context: typer.Context, item: Item, by: By = None, note: Note = None, as_json: Json = False) -> None:
    """撤回决定，连同由此产生的一切；协会已决定的转人工 (take a decision back, with all that followed)."""
    from gateway.flow.reviewing.decide import undo

    _tell(undo(open_office(context), item, by=name_of(by), note=note), as_json=as_json)


def _tell(result: ReviewResult, *, as_json: bool) -> None:
    if as_json:
        emit(result)
        return
    member = f"，会员 {result.member_no}" if result.member_no else ""
    answer, state = answer_words(result.kind, result.answer), REVIEW_OUTCOMES.get(result.state, result.state)
    say(f"第{result.item_id}号 {answer}：{state}{member}；{result.rows}行随之变动")
    for proposal in result.replaced:
        joined = "，合并" if proposal.join else ""
        say(f"取代了{proposal.by}的提议（会员 {proposal.member_no or '–'}{joined}）(another proposal stood before)")
    if result.asked:
        say(f"协会已决定的申领转人工：第{'、'.join(map(str, result.asked))}号 (for a person)")


@review.command("export")
def review_export(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="写到这个文件，缺省标准输出 (to this file; standard output by default).")
    ] = None,
    association: Annotated[str | None, typer.Option(help="协会 (association).")] = None,
    as_json: Json = False,
) -> None:
    """已核定的匹配写成训练用的 JSON 行，只有证据程度，不含个人信息 (decisions as training lines)."""
    import msgspec

    from gateway.flow.reviewing.show import lessons

    if file is not None:
        to_write(file)
    lines = list(lessons(open_office(context), association=association))
    if file is None:
        for line in lines:
            emit(line)
        return
    file.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    if as_json:
        emit({"decisions": len(lines), "file": str(file)})
    else:
        say(f"已写出{len(lines)}条 (written)")


@review.command("log")
def review_log(
    context: typer.Context,
    item: Annotated[int | None, typer.Argument(help="事项编号，缺省全部 (one item, all by default).")] = None,
    after: Annotated[int | None, typer.Option(min=1, help="从此序号之后接着看 (go on behind this entry).")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """谁在何时看过哪一件的明文 (who looked at plain values, and when)."""
    from gateway.flow.reviewing.show import access_log, count_accesses

    office = open_office(context)
    looks = access_log(office, item_id=item, below=after, limit=limit + 1)
    rows, more, total = looks[:limit], len(looks) > limit, count_accesses(office, item_id=item)
    next_one = rows[-1]["access_id"] if more else None
    if as_json:
        emit({"accesses": rows, "total": total, "more": more, "next": next_one})
        return
    lines = [(row["item_id"], row["by"], row["at"], LOOKED_AT.get(row["what"], row["what"])) for row in rows]
    table("查看记录", ("编号", "经办人", "时间", "内容"), lines)
    tell_more(len(rows), total, next_one=next_one)
