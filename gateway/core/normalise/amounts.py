"""Named parser `yuan`: yuan as a JSON number or text → whole fen, exactly."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from gateway.core.normalise.problems import Wrong
from gateway.model.money import LARGEST

# Java writes exponents with a capital letter and their sign; a small letter only stands in binary noise near zero.
_DECIMAL: Final = re.compile(
    r"([+-]?)(?:([0-9]{1,20})(?:\.([0-9]{0,30}))?|\.([0-9]{1,30}))(?:E([+-][0-9]{1,2})|e(-[0-9]{1,2}))?"
)
_GROUPED: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_LARGEST_WHOLE: Final = LARGEST // 100


def yuan_parser(empty: frozenset[str], *, thousands: bool, exponents: bool = False) -> Callable[[Any], int | None]:
    """Value → fen (Money), or None where there is none.

    Takes `.50`, `20000.` and `+3.00` as databases and Java write them. Accepts binary noise (38.61000000000001) within
    a millionth of a yuan; refuses NaN, Infinity, full-width digits and underscores. Thousands separators only where
    the mapping says so. `exponents` (1E+2, 0E-10) are exact in JSON, where Java writes them so; in a CSV file a
    spreadsheet made them, and digits are lost.
    """

    def slow(text: str) -> int | None:
        text = text.strip()
        if text in empty:
            return None
        if thousands and _GROUPED.fullmatch(text):
            text = text.replace(",", "")
        return _exactly(text, exponents=exponents)

    def parse(value: Any) -> int | None:
        # This runs 20 times a row, and more than half of what it meets is this.
        if value == "0.00" or value == "0.0":  # noqa: PLR1714 - a set would ask for a hash, which a list has not.
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


def _exactly(text: str, *, exponents: bool) -> int:
    parts = decimal_parts(text, exponents=exponents)
    if parts is None:
        raise Wrong("not_an_amount")
    number, places = parts
    fen: int = abs(number)
    if places <= 2:
        fen *= 10 ** (2 - places)
    else:
        unit: int = 10 ** (places - 2)
        fen, rest = divmod(fen, unit)
        off = min(rest, unit - rest)
        # A millionth of a yuan is a ten-thousandth of a fen.
        if off * 10_000 > unit:
            raise Wrong("not_an_amount")
        fen += rest != off
    if fen > LARGEST:
        raise Wrong("not_an_amount")
    return -fen if number < 0 else fen


def decimal_parts(text: str, *, exponents: bool) -> tuple[int, int] | None:
    """A decimal as (all its digits, how many of them stand behind the point; negative: zeros that follow).

    None where the text is no decimal in ASCII digits, or has an exponent although there may be none.
    """
    written = _DECIMAL.fullmatch(text)
    if written is None:
        return None
    sign, whole, part, bare, exponent, noise = written.groups()
    exponent, part = exponent or noise, part or bare or ""
    if exponent and not exponents:
        return None
    digits = int((whole or "") + part)
    return (-digits if sign == "-" else digits), len(part) - int(exponent or 0)
