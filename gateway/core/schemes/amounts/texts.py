"""The sentences a worker reads beside each line of an estimate (补助计算说明)."""

from __future__ import annotations

from gateway.core.schemes.language.bands import Band
from gateway.model.money import yuan

PER_TEXT = {"stay": "每次", "period": "一个保障期", "year": "一年", "lifetime": "累计"}


def of_base(base: int, deducted: int) -> str:
    """How the sentence of every band of one base begins, after a deductible (起付) or without one."""
    if deducted:
        return f"自付{yuan(base + deducted)}元减去起付{yuan(deducted)}元后，{yuan(base)}"
    return f"自付{yuan(base)}"


def band_text(before: str, band: Band, amount: int) -> str:
    """Why this band gives this much; `before` is how the sentence begins."""
    return f"{before}{band.middle}{yuan(amount)}元"


def whole_text(base: int, band: Band, amount: int) -> str:
    """Why the band the whole base falls in gives this much."""
    how = "定额" if band.amount is not None else f"全额按{band.percent}"
    return f"基数{yuan(base)}元，属{band.label.removesuffix('部分')}档，{how}补助{yuan(amount)}元"


def proration_text(covered: int, total: int, amount: int) -> str:
    """Why part of the subsidy is taken off."""
    return f"住院{total}天中有{covered}天在保障期内，补助金按{covered}/{total}计算，减少{yuan(-amount)}元"


def allowance_text(days: int, years: int, per_day: int, amount: int) -> str:
    """Why the allowance is this much."""
    return f"本保障期首次住院，连续参互按第{years}年计，住院补贴每天{yuan(per_day)}元，{days}天共{yuan(amount)}元"


def daily_text(title: str, days: int, per_day: int, amount: int) -> str:
    """Why an allowance that asks for no years is this much."""
    return f"{title}每天{yuan(per_day)}元，{days}天共{yuan(amount)}元"


def flat_text(title: str, amount: int) -> str:
    """Why a fixed amount is paid."""
    return f"{title}，定额{yuan(amount)}元"


def lump_sum_text(title: str, what: str, shares: int, amount: int) -> str:
    """Why a sum is paid at an event."""
    by_shares = f"，{shares}份" if shares > 1 else ""
    return f"{title}（{what}）{by_shares}，给付{yuan(amount)}元"


def consolation_text(title: str, day: int, shares: int, amount: int) -> str:
    """Why a smaller sum is paid for an early diagnosis."""
    by_shares = f"，{shares}份" if shares > 1 else ""
    return f"{title}：生效后第{day}天首次确诊{by_shares}，给付慰问金{yuan(amount)}元"


def benefit_floor_text(title: str, before: int, floor: int) -> str:
    """Why one benefit is topped up."""
    return f"{title}{yuan(before)}元，不足{yuan(floor)}元，补足{yuan(floor - before)}元"


def benefit_cap_text(title: str, cap: int, amount: int) -> str:
    """Why part of one benefit is not paid."""
    return f"{title}每次最高{yuan(cap)}元，超出的{yuan(-amount)}元不予补助"


def floor_text(before: int, floor: int) -> str:
    """Why the amount is topped up."""
    return f"补助金和住院补贴合计{yuan(before)}元，不足{yuan(floor)}元，补足{yuan(floor - before)}元"


def cap_text(cap: int, left: int, amount: int, per: str = "period", recovering: int = 0) -> str:
    """Why part is not paid, and how much of what used the cap up is to be recovered."""
    used = f"（已用额度中{yuan(recovering)}元为待追回的补助）" if recovering else ""
    return f"{PER_TEXT[per]}最高补助{yuan(cap)}元，尚余{yuan(left)}元{used}，超出的{yuan(-amount)}元不予补助"


def decided_text(amount: int, refused: bool) -> str:
    """What the association has decided."""
    return "协会已核定不予补助" if refused else f"协会已核定补助{yuan(amount)}元"


def difference_text(whole: int, decided: int) -> str:
    """What a person must decide about settlements that came after a decision."""
    return (
        f"与已核定的住院合并计算应为{yuan(whole)}元，已核定{yuan(decided)}元，"
        f"相差{yuan(whole - decided)}元，须由经办人决定"
    )
