"""How a league takes a settlement back: by a flag, as a pair of rows, or by a flag that it is void."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.core.studies.infer.names import Belief
from gateway.core.studies.infer.samples import Remark, Sample, SampleColumn
from gateway.core.studies.infer.values import fen

_YES = frozenset(("1", "2", "是", "退费", "Y", "y", "true"))
_NO = frozenset(("0", "否", "正常", "N", "n", "false"))


class Turning(msgspec.Struct, frozen=True, kw_only=True):
    """`style` of `[reversals]`; the column of the flag, where one was found by its values alone; `codes` of a flag that
    are not the usual ones."""

    style: str
    remark: Remark
    own: bool = True
    column: SampleColumn | None = None
    belief: Belief = (0.0, "")
    codes: dict[str, str] = {}

    def table(self) -> dict[str, Any]:
        """The `[reversals]` table."""
        return {"style": self.style, "reverses": "own" if self.own else "unnamed"}


def reversals_of(sample: Sample, by_field: Mapping[str, SampleColumn]) -> Turning:
    """What the signs of the totals and the flag say together."""
    total, flag, number = (by_field.get(field) for field in ("total_amount", "reversal", "settlement_no"))
    signs = [((fen(value) or 0) < 0) if value else False for value in total.values] if total else []
    own = names_its_own(number, signs) if number is not None else True
    if flag is None and any(signs):
        flag = flag_of(sample, {column.place for column in by_field.values()}, signs)
        if flag is not None:
            belief = (0.9, "恰好在金额为负的行上不同")
            return _by_flag(flag, signs, own, column=flag, belief=belief)
    if flag is not None:
        return _by_flag(flag, signs, own)
    if any(signs):
        return Turning(style="pair", own=own, remark=Remark(0.9, f"{sum(signs)}行总额为负，没有退费标志"))
    return Turning(style="pair", own=own, remark=Remark(0.4, "样本里没有退费，也没有退费标志：请问对方怎样退费"))


def _by_flag(
    flag: SampleColumn,
    signs: Sequence[bool],
    own: bool,
    *,
    column: SampleColumn | None = None,
    belief: Belief = (0.0, ""),
) -> Turning:
    """A flag: on the negative rows alone, on both rows of a pair, or of being valid."""
    on_negative = {value for value, sign in zip(flag.values, signs, strict=False) if sign and value is not None}
    on_positive = {value for value, sign in zip(flag.values, signs, strict=False) if not sign and value is not None}
    valid = "vali" in flag.name.lower() or "有效" in flag.name
    if valid and not on_negative - {"0", "2"}:
        return Turning(
            style="vanish", own=own, remark=Remark(0.9, "有效标志：无效的行就是退费"), column=column, belief=belief
        )
    if on_negative and on_negative <= on_positive:
        words = "标志在正负两行上都有，只看金额的正负"
        return Turning(style="pair", own=own, remark=Remark(0.85, words))
    codes = {}
    if on_negative and not (on_negative <= _YES and on_positive - on_negative <= _NO):
        codes = {**dict.fromkeys(sorted(on_positive - on_negative), "no"), **dict.fromkeys(sorted(on_negative), "yes")}
    sure, words = (0.95, "退费标志与负金额一致") if on_negative else (0.6, "有退费标志，样本里没有退费")
    return Turning(style="flag", own=own, remark=Remark(sure, words), column=column, belief=belief, codes=codes)


def names_its_own(number: SampleColumn, signs: Sequence[bool]) -> bool:
    """Whether a refund stands under the number of what it takes back."""
    back = {value for value, sign in zip(number.values, signs, strict=False) if sign}
    settled = {value for value, sign in zip(number.values, signs, strict=False) if not sign}
    return not back or bool(back & settled)


def flag_of(sample: Sample, taken: set[int], signs: Sequence[bool]) -> SampleColumn | None:
    """A column of two values that says of each row whether its total is below zero."""
    for column in sample.columns:
        if column.place in taken or not 2 <= len(column.distinct) <= 3:
            continue
        on = {value for value, sign in zip(column.values, signs, strict=True) if sign}
        off = {value for value, sign in zip(column.values, signs, strict=True) if not sign}
        if on and off and not on & off and max(map(len, column.distinct)) <= 4:
            return column
    return None
