"""Money: whole fen (分), never a float.

Amounts travel as text in yuan with at most two decimals (national interface: 数值型 16,2) and live as `Money`.
"""

from __future__ import annotations

import re
from typing import NewType

from gateway.errors import BadInput

Money = NewType("Money", int)
"""An amount in fen; negative for what is taken back."""

LARGEST = Money(10**14 - 1)
"""The largest amount accepted, 数值型 (16,2): 14 digits in fen would be a sum no bill reaches."""

_LONGEST = len("999999999999.99")
_YUAN = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,2}))?")


def parse_yuan(text: str) -> Money:
    """Yuan as text ("12", "-3.5", "3661.39") → fen. Raises BadInput("not_an_amount") for anything else."""
    # Nearly every amount has two decimals; of ASCII, only 0 to 9 are digits.
    if text[-3:-2] == "." and 3 < len(text) <= _LONGEST and text.isascii():
        digits = text[:-3] + text[-2:]
        if digits.isdigit():
            return Money(int(digits))
    match = _YUAN.fullmatch(text)
    if match is None or not text.isascii():
        raise BadInput("not_an_amount", "金额应为最多两位小数的数字 (an amount with at most two decimals)")
    sign, whole, part = match.groups()
    fen = int(whole) * 100 + int((part or "").ljust(2, "0"))
    return Money(-fen if sign else fen)


_CENTS = tuple(f".{part:02d}" for part in range(100))


def yuan(amount: int) -> str:
    """Fen → yuan as text with two decimals: 258000 → "2580.00"."""
    if amount < 0:
        return "-" + yuan(-amount)
    return f"{amount // 100}{_CENTS[amount % 100]}"
