"""match explain and match blocks: why a stored row was decided as it was, and what looking people up costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import Json, emit, say, table
from gateway.cli.people import match
from gateway.cli.site import open_office
from gateway.errors import WrongUse
from gateway.words.evidence import (
    BLOCKS,
    FIELDS,
    LEVELS,
    MATCH_OUTCOMES,
    all_in_words,
    score_in_words,
    side_by_side_in_words,
)
from gateway.words.rows import CLASSES

if TYPE_CHECKING:
    from gateway.flow.reviewing.inspect import AssociationMatch, BlockReport


def register(_: typer.Typer) -> None:
    """Add these commands to those of `hubao match`."""
    match.command("explain")(match_explain)
    match.command("blocks")(match_blocks)


def match_explain(
    context: typer.Context,
    record: Annotated[str | None, typer.Argument(help="结算号 (settlement number).")] = None,
    feed: Annotated[str | None, typer.Option(help="只看这个盟市 (this feed only).")] = None,
    item: Annotated[int | None, typer.Option(help="待核事项编号，代替结算号 (a review item, instead).")] = None,
    as_json: Json = False,
) -> None:
    """一条记录为何如此匹配：逐项证据，姓名号码打码 (decided again, as a waterfall; names and numbers masked)."""
    from gateway.flow.reviewing.inspect import explain, explain_item

    if (record is None) is (item is None) or (item is not None and feed is not None):
        raise WrongUse("请给结算号，或用 --item 给待核事项编号 (a settlement number, or --item alone)")
    office = open_office(context)
    records = explain_item(office, item) if item is not None else explain(office, record or "", feed)
    if as_json:
        emit({"records": records})
        return
    for explained in records:
        asked = "、".join(BLOCKS.get(kind, kind) for kind in explained.asked) or "–"
        sort = "退费 (reversal)，" if explained.reversal else ""
        kind = CLASSES.get(explained.kind, explained.kind)
        place = f"盟市 {explained.feed}，报文 {explained.page}，第{explained.row}行"
        say(f"{place}：{sort}{kind}；查找依据 (asked by)：{asked}")
        if not explained.decisions:
            say("  名册中没有可能的会员 (no candidate on the roster)")
        for decision in explained.decisions:
            _show_decision(decision)


def _show_decision(decision: AssociationMatch) -> None:
    from msgspec.structs import asdict

    score, reasons = score_in_words(decision.score), all_in_words(decision.reasons)
    say(
        f"协会 {decision.association}：{MATCH_OUTCOMES[decision.outcome]}，候选{decision.candidates}人，"
        f"得分 {score}，模型 {decision.model or '–'}；理由 (reasons)：{reasons}"
    )
    if decision.member_no is None:
        return
    table(
        f"记录与会员 {decision.member_no} (record and member)",
        ("项目", "记录", "会员", "对照"),
        [side_by_side_in_words(**asdict(pair)) for pair in decision.pairs],
    )
    if decision.evidence:
        table(
            "证据 (evidence, in bits)",
            ("项目", "程度", "权重", "累计"),
            [
                (
                    FIELDS.get(step.field, step.field),
                    LEVELS.get(step.level, step.level),
                    f"{step.weight:+.1f}",
                    f"{step.running:+.1f}",
                )
                for step in decision.evidence
            ],
        )


def match_blocks(
    context: typer.Context,
    sample: Annotated[int, typer.Option(min=0, help="取样的最新行数 (newest rows to sample).")] = 10_000,
    as_json: Json = False,
) -> None:
    """号码索引与各类索引块的宽度，及查找代价 (how wide the index of numbers and each kind of block is, and its cost).

    类别 (kinds)：number 证件号码，nb 姓名+出生日期，bl 出生日期+末四位，rl 地区+末四位，be 出生日期+单位，ph 手机，
    pn 医保人员编号。
    """
    from gateway.flow.reviewing.inspect import block_report, expected_candidates

    report = block_report(open_office(context), sample=sample)
    if as_json:
        kinds = [
            {
                "kind": width.kind,
                "rows": width.rows,
                "members": width.members,
                "distinct": width.distinct,
                "widest": width.widest,
                "candidates_per_stranger": round(expected_candidates(width), 4),
            }
            for width in report.kinds
        ]
        emit({"kinds": kinds, "sample": report.sample})
        return
    _show_blocks(report, sampled=sample > 0)


def _show_blocks(report: BlockReport, *, sampled: bool) -> None:
    from gateway.flow.reviewing.inspect import expected_candidates

    rows = [
        (
            width.kind,
            BLOCKS.get(width.kind, width.kind),
            width.members,
            width.rows,
            width.distinct,
            width.widest,
            f"{expected_candidates(width):.4f}",
        )
        for width in report.kinds
    ]
    table(
        "号码与索引块 (numbers and blocks)", ("类别", "依据", "会员", "条目", "不同的块", "最宽", "生人平均候选"), rows
    )
    sample = report.sample
    if not sampled:
        say("未取样 (no sample was asked for)")
        return
    if sample is None:
        say("还没有报文可取样 (no page to sample yet)")
        return
    say(
        f"最新{sample.rows}行：号码即会员{sample.by_number}行，各查找1次，候选{sample.candidates_per_member:g}人"
        f"（最多{sample.most_by_number}人）；每行查找{sample.lookups_per_record:g}次，"
        f"号码非会员者{sample.lookups_per_stranger:g}次（最多{sample.most_lookups}次），"
        f"候选{sample.candidates_per_stranger:g}人（最多{sample.most_candidates}人）"
    )
