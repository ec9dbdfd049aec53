"""Named parser `yuan`: yuan as a JSON number or text → whole fen, exactly."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from gateway.core.normalise.problems import Wrong
from gateway.model.money import LARGEST

_AMOUNT: Final = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,30}))?")
_GROUPED: Final = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_LARGEST_WHOLE: Final = LARGEST // 100


def yuan_parser(empty: frozenset[str], *, thousands: bool) -> Callable[[Any], int | None]:
    """Value → fen (Money), or None where there is none.

    Accepts binary noise (38.61000000000001) within a millionth of a yuan; refuses exponents, NaN, Infinity,
    full-width digits and underscores. Thousands separators only where the mapping says so.
    """

    def slow(text: str) -> int | None:
        text = text.strip()
        if text in empty:
            return None
        if thousands and _GROUPED.fullmatch(text):
            text = text.replace(",", "")
        return _exactly(text)

    def parse(value: Any) -> int | None:
        # This runs 20 times a row, and more than half of what it meets is this.
        if value == "0.00":
            return 0
        if type(value) is str:
            # Two decimals, then one, without a regular expression; at most twelve digits before the point.
            if 3 < len(value) < 16:
                digits = value.replace(".", "", 1)
                if digits.isdigit() and digits.isascii():
                    if value[-3] == ".":
                        return int(digits)
                    if value[-2] == "." and len(value) < 15:
                        return int(digits) * 10
            return slow(value)
        if type(value) is int and -_LARGEST_WHOLE <= value <= _LARGEST_WHOLE:
            return value * 100
        if value is None:
            return None
        raise Wrong("not_an_amount" if type(value) is int else "wrong_type")

    return parse


def _exactly(text: str) -> int:
    amount = _AMOUNT.fullmatch(text)
    if amount is None:
        raise Wrong("not_an_amount")
    sign, whole, part = amount.groups()
    part = part or ""
    fen = int(whole) * 100 + int(part[:2].ljust(2, "0"))
    if len(part) > 2:
        unit: int = 10 ** (len(part) - 2)
        rest = int(part[2:])
        off = min(rest, unit - rest)
        # A millionth of a yuan is a ten-thousandth of a fen.
        if off * 10_000 > unit:
            raise Wrong("not_an_amount")
        fen += rest != off
    return -fen if sign else fen
