"""A scheme's rules and limits in words, and what a simulation rests on."""

from __future__ import annotations

from typing import Final

RULES: Final = {
    "band": "分段补助",
    "proration": "按天数比例",
    "daily_allowance": "住院补贴",
    "flat_amount": "定额补助",
    "lump_sum": "一次性给付",
    "consolation": "慰问金",
    "benefit_cap": "单项限额",
    "floor": "补足",
    "cap": "最高限额",
}
"""What each rule of a line is called in a table; the order of the table too."""

LIMITS: Final = {"cap": "最高补助", "deductible": "起付额"}
"""Kinds of limits in a member's ledger."""

LIMIT_SPANS: Final = {"stay": "每次", "period": "保障期", "year": "年度", "lifetime": "终身"}
"""What a limit holds for."""

TAKE_UP: Final = {
    "today": "现在",
    "published": "各盟市公布",
    "all_stored": "所存结算全部申领",
    "hospital_rate": "在职住院率（2023）",
}
"""Where a forecast's number of claims comes from."""

PAID_BASIS: Final = {"decided": "协会核定", "proposed": "网关拟付"}
"""What counts as paid, as a reader of the yearly table sees it."""
