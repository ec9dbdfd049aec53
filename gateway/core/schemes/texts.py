"""The sentences a worker reads beside each line of an estimate (补助计算说明)."""

from __future__ import annotations

from gateway.core.schemes.edition import Band
from gateway.model.money import yuan


def band_text(base: int, band: Band, amount: int) -> str:
    """Why this band gives this much."""
    return f"自付{yuan(base)}元中{band.label}，按{band.percent}补助{yuan(amount)}元"


def proration_text(covered: int, total: int, amount: int) -> str:
    """Why part of the subsidy is taken off."""
    return f"住院{total}天中有{covered}天在保障期内，补助金按{covered}/{total}计算，减少{yuan(-amount)}元"


def allowance_text(days: int, years: int, per_day: int, amount: int) -> str:
    """Why the allowance is this much."""
    return f"本保障期首次住院，连续参互按第{years}年计，住院补贴每天{yuan(per_day)}元，{days}天共{yuan(amount)}元"


def floor_text(before: int, floor: int) -> str:
    """Why the amount is topped up."""
    return f"补助金和住院补贴合计{yuan(before)}元，不足{yuan(floor)}元，补足{yuan(floor - before)}元"


def cap_text(cap: int, left: int, amount: int) -> str:
    """Why part is not paid."""
    return f"一个保障期最高补助{yuan(cap)}元，尚余{yuan(left)}元，超出的{yuan(-amount)}元不予补助"


def decided_text(amount: int, refused: bool) -> str:
    """What the association has decided."""
    return "协会已核定不予补助" if refused else f"协会已核定补助{yuan(amount)}元"


def difference_text(whole: int, decided: int) -> str:
    """What a person must decide about settlements that came after a decision."""
    return (
        f"与已核定的住院合并计算应为{yuan(whole)}元，已核定{yuan(decided)}元，"
        f"相差{yuan(whole - decided)}元，须由经办人决定"
    )
