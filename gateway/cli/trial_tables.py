"""What a try came to, as people read it: requests, pages, rows beside their records, sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.cli.output import say, table
from gateway.model.money import yuan
from gateway.words.records import field_in_words
from gateway.words.troubles import trouble_in_words

if TYPE_CHECKING:
    from gateway.core.studies.trial import TriedPage
    from gateway.flow.intake.trying import FeedTrial, SeenRequest

_SUMS: Final = {
    "i1": "I1 总额 = 全自费 + 超限价 + 先行自付 + 政策范围",
    "i2": "I2 总额 = 基金 + 个人 + 医院",
    "i3": "I3 个人 = 账户 + 共济 + 现金",
    "i4": "I4 基金 = 各项基金之和",
}


def show_trial(trial: FeedTrial) -> None:
    """The whole of it, and whether it passed."""
    for number, request in enumerate(trial.requests, 1):
        show_request(number, request)
    for page in trial.pages:
        show_page(page)
    if trial.error:
        say(f"✗ {trial.error}")
    if not trial.pages and not trial.error:
        say("对方没有新的内容 (nothing new on the other side)")
    if trial.more:
        say("后面还有页，未试；要多试几页加 --pages (there are further pages: --pages)")
    asked = f"，取数 {trial.asked_seconds:.2f} 秒" if trial.source == "line" else ""
    verdict = "✓ 通过 (passed)" if trial.sound else "✗ 未通过 (not passed)"
    say(f"{verdict}：{len(trial.pages)}页，映射 {trial.mapping}{asked}；什么也没有保存 (nothing was stored)")


def show_request(number: int, request: SeenRequest) -> None:
    """A request as it left, with the text that was signed for it."""
    answer = f" → {request.status}，{request.size} bytes" if request.status else "，应这样推送 (must come so)"
    say(f"── 请求 {number} (request)：{request.method} {request.address}{answer}")
    for name, value in request.headers.items():
        say(f"   {name}: {value}")
    for text in request.signed:
        say(f"   签名原文 (signed): {text}")
    if request.content:
        say(f"   {request.content}")


def show_page(page: TriedPage) -> None:
    """A page, some of its rows beside their records, and what is wrong in all of them."""
    say(f"── 第{page.page}页 (page)：{page.request}，{page.bytes}字节 (bytes)，解读 {page.seconds:.2f} 秒 (reading)")
    say(page.raw)
    if page.page_error is not None:
        say(f"✗ {page.page_error_code}: {page.page_error}")
        return
    say(
        f"{page.rows}行：{page.records}条记录，{page.quarantined}行隔离，{page.skipped}行跳过，其中退费{page.reversals}条，"
        f"总额 {yuan(page.total)} 元 (rows, records, quarantined, skipped, reversals, total)"
    )
    for row in page.shown:
        if row.fields:
            fields = [
                (field_in_words(part.field), "、".join(part.sources), part.came, part.value) for part in row.fields
            ]
            table(f"第{row.row}行 (row)", ("字段", "来源", "来的值", "记录"), fields)
        for wrong in (*row.errors, *row.warnings):
            say(f"   第{row.row}行 {wrong.code}: {wrong.message}")
    show_counts("错误 (errors)", page.errors)
    show_counts("提醒 (warnings)", page.warnings)
    for pair, many in page.unknown_codes.items():
        field, _, code = pair.partition(" ")
        say(f"不认识的代码 (unknown code)：{field_in_words(field)} {code}，{many}行")
    say(f"没有字段读的键 (keys no field reads)：{'、'.join(page.unused) or '无 (none)'}")
    lines = [(_SUMS[key], counts["agree"], counts["differ"], counts["open"]) for key, counts in page.sums.items()]
    table("核对 (sums)", ("等式", "相符", "不符", "缺金额"), lines)


def show_counts(words: str, counts: dict[str, int]) -> None:
    """What "code field" → rows says in words, the most first."""
    for pair, many in sorted(counts.items(), key=lambda entry: -entry[1]):
        code, _, field = pair.partition(" ")
        say(f"{words}：{many}× {code}  {trouble_in_words(field, code)}")
