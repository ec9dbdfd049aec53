"""The code list of cuts (扣减代码表): why a fen of a bill is not paid, or is paid beyond the bill.

Every step between what was billed and what is payable has exactly one of these codes. A code that was released keeps
its meaning for ever; new ones may come, so whoever reads codes must know what to do with one it does not know.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from gateway.words.claims import NOT_PAID

CutGroup = Literal["fund", "outside", "share", "limit", "addition", "decision", "reason"]
"""医保已付 · 基数之外 · 分段与比例 · 限额 · 补助之外另加 · 协会核定 · 整体不予补助."""


class CutWords(msgspec.Struct, frozen=True):
    """What one code means: its group, and the sentence that is told where the scheme says nothing closer."""

    group: CutGroup
    text: str


_FUND: Final = {
    "pooled_fund": "统筹基金支付",
    "civil_servant": "公务员医疗补助支付",
    "large_amount_fund": "大额医疗补助支付",
    "enterprise": "企业补充医疗保险支付",
    "critical_illness": "大病保险支付",
    "medical_aid": "医疗救助支付",
    "other_fund": "其他基金支付",
    "fund_paid": "医保基金支付（结算单未列明分项）",
}
_OUTSIDE: Final = {
    "full_self": "全自费项目，不在医保范围之内，不计入补助基数",
    "over_limit": "超过医保限价的部分，不计入补助基数",
    "first_self": "乙类项目等先行自付的部分，不计入补助基数",
    "deductible": "起付线以内的部分，按规定不计入补助基数",
    "hospital_borne": "由医院承担的部分，不由个人负担",
    "not_itemised": "结算单未列明分项的政策范围外费用，不计入补助基数",
    "not_in_base": "按本方案的基数规定不计入补助基数",
    "sheet_difference": "结算单各项金额与总额不符的差额，不计入补助基数",
    "beyond_bill": "补助基数按规定高于结算单上个人负担的部分",
}
_SHARE: Final = {
    "scheme_deductible": "本方案的免补额以内的部分不予补助",
    "outside_bands": "未达到起付额或不在补助分段之内的部分不予补助",
    "above_bands": "超过最高分段的部分不予补助",
    "own_share": "自付部分中按规定比例由个人承担",
    "share_above_cost": "定额补助高于该段自付部分的差额",
    "counted_again": "同一费用由两项待遇分别计算的部分",
    "other_rest": "按本方案的基数规定不予补助的其余部分",
    "not_shared": "本方案对该费用不按比例补助",
}
_LIMIT: Final = {
    "uncovered_days": "不在保障期内的天数所对应的部分不予补助",
    "cap_reached": "超过最高补助限额的部分不予补助",
    "benefit_cap_reached": "超过本项待遇限额的部分不予补助",
}
_ADDITION: Final = {
    "daily_allowance": "住院补贴，按天数另加",
    "flat_amount": "定额补助，另加",
    "lump_sum": "一次性给付，另加",
    "consolation": "慰问金，另加",
    "floor": "不足最低补助额，补足至最低额",
    "benefit_floor": "不足本项待遇最低额，补足至最低额",
}
_DECISION: Final = {"decided": "协会核定金额与个人负担的差额"}
_REASON: Final = {
    **NOT_PAID,
    "nothing_owed": "没有达到补助条件的自付部分",
    "excluded": "属于本方案规定的不予补助情形",
}

_GROUPS: Final[dict[CutGroup, dict[str, str]]] = {
    "fund": _FUND,
    "outside": _OUTSIDE,
    "share": _SHARE,
    "limit": _LIMIT,
    "addition": _ADDITION,
    "decision": _DECISION,
    "reason": _REASON,
}

CUTS: Final[dict[str, CutWords]] = {
    code: CutWords(group, text) for group, texts in _GROUPS.items() for code, text in texts.items()
}
"""Code → its group and sentence."""

LINE_CUTS: Final = {
    "proration": "uncovered_days",
    "cap": "cap_reached",
    "benefit_cap": "benefit_cap_reached",
    "daily_allowance": "daily_allowance",
    "flat_amount": "flat_amount",
    "lump_sum": "lump_sum",
    "consolation": "consolation",
    "floor": "floor",
    "benefit_floor": "benefit_floor",
}
"""Rule of an estimate's line, where it shares no base → its code. Bands, decisions and `decided_before` go by rules of
their own."""

FUND_FIELDS: Final = {
    "pooled_fund_amount": "pooled_fund",
    "civil_servant_amount": "civil_servant",
    "large_amount_fund_amount": "large_amount_fund",
    "enterprise_amount": "enterprise",
    "critical_illness_amount": "critical_illness",
    "medical_aid_amount": "medical_aid",
    "other_fund_amount": "other_fund",
}
"""Field of a settlement that tells what one fund paid → its code."""
