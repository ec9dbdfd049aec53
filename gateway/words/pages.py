"""The pages for clerks and administrators: what they are called and in which order they stand."""

from __future__ import annotations

from typing import Final

import msgspec


class PageWords(msgspec.Struct, frozen=True):
    """A page: its address, what it is called, and the code of the right that it wants."""

    address: str
    words: str
    right: str


NAVIGATION: Final = (
    PageWords("/today", "今日要办", "today"),
    PageWords("/night", "夜间运行", "night"),
    PageWords("/reviews", "待核", "reviews"),
    PageWords("/quarantine", "待修", "quarantine"),
    PageWords("/holds", "待放行", "holds"),
    PageWords("/claims", "申领", "claims"),
    PageWords("/desk", "核定", "claims"),
    PageWords("/payments", "付款", "claims.pay"),
    PageWords("/deliveries", "投递", "deliveries"),
    PageWords("/feeds", "数据源", "feeds"),
    PageWords("/members", "名册", "roster"),
    PageWords("/schemes", "方案", "schemes"),
    PageWords("/second", "双人确认", "export.second"),
    PageWords("/audit", "审计", "audit"),
    PageWords("/accounts", "账号", "accounts"),
    PageWords("/about", "关于", "own"),
)
"""Every page of the bar, in order."""

FEED_STATES: Final = {"good": "好", "retrying": "正在重试", "person": "要人看", "stopped": "停"}
"""How a feed stands, at a glance."""
