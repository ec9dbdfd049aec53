"""What waits for a person, and what people say about it, in words."""

from __future__ import annotations

from typing import Final

ITEM_KINDS: Final = {
    "match": "匹配",
    "takeback": "文件收回",
    "decided_before": "协会已决定",
    "contradiction": "资料矛盾",
    "refund": "退费无原结算",
    "repeat": "疑似重复结算",
    "hold": "待确认变更",
    "approval": "核定高于申领",
    "changed": "同号结算有异",
}

ITEM_STATES: Final = {
    "open": "待核",
    "decided": "已核定",
    "closed": "已了结",
    "superseded": "已被更新的记录取代",
    "expired": "原页已到期",
}

QUARANTINE_STATES: Final = {
    "open": "待处理",
    "closed": "已了结",
    "superseded": "已被更新的记录取代",
    "expired": "原页已到期",
}
"""Where a row or page stands that could not be read."""

ANSWERS: Final = {
    "same": "同一人",
    "different": "不是",
    "unsure": "不确定",
    "agree": "同意收回",
    "refuse": "不收回",
    "noted": "已阅",
    "original": "退的是所指结算",
    "none": "不退本会员的结算",
    "keep": "保留原有的",
    "take": "以后到的为准",
    "both": "是两笔不同的结算",
}
"""What people say about an item."""

_ANSWERS_OF_KIND: Final = {
    "repeat": {"same": "是同一笔，后一笔不计", "different": "是另一笔，两笔都计"},
    "approval": {"agree": "照协会所说记下", "refuse": "不认"},
}
"""What the same answers mean where bills look alike, and where an approval is above its claim."""


def answer_words(kind: str, answer: str) -> str:
    """What a person said about an item of this kind, in words."""
    return _ANSWERS_OF_KIND.get(kind, {}).get(answer) or ANSWERS.get(answer, answer)


SPOKEN: Final = {
    "noted": "记下",
    "proposed": "待另一人确认",
    "confirmed": "已由另一人确认",
    "overtaken": "已被取代",
    "done": "有效",
    "undone": "已撤回",
}
"""What became of what somebody said."""

REVIEW_OUTCOMES: Final = {
    "decided": "已核定 (decided)",
    "proposed": "待另一人确认 (another person must confirm)",
    "open": "仍待核 (still open)",
    "superseded": "已被更新的记录取代 (superseded)",
    "expired": "原页已到期 (expired)",
}
"""Where an item stands after an answer."""

LOOKED_AT: Final = {
    "reveal": "待核事项明文",
    "quarantine": "隔离的原行",
    "search": "按证件号码查找",
    "roster_lowered": "确认名册的终止与缩短",
    "roster_search": "名册查找",
    "roster_show": "名册会员",
    "roster_export": "名册导出",
    "feed_try": "试取来源",
    "feed_activate": "启用来源",
    "feed_back": "来源退回旧版",
    "feed_rewind": "来源回退重取",
    "feed_drift": "来源变动比对",
}
"""What somebody looked at in plain."""

SETTLEMENT: Final = {
    "facility": "机构",
    "care_type": "就医类别",
    "admitted_on": "入院",
    "discharged_on": "出院",
    "settled_at": "结算",
    "reversal": "退费",
    "total": "总费用",
}
"""What an item shows of its settlement."""
