"""Amounts in capital characters (金额大写), as forms and cheques ask for them."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ("", "拾", "佰", "仟")
_GROUPS: Final = ("", "万", "亿")


def capital_yuan(fen: int) -> str:
    """An amount in fen in capital characters: 258005 → 贰仟伍佰捌拾元零伍分 (《正确填写票据和结算凭证的基本规定》).

    Up to a trillion yuan. Raises ValueError beyond.
    """
    if abs(fen) >= 10**14:
        raise ValueError("too large for a form (金额过大)")
    sign = "负" if fen < 0 else ""
    yuan, cents = divmod(abs(fen), 100)
    jiao, rest = divmod(cents, 10)
    text = f"{_whole(yuan)}元" if yuan or not cents else ""
    if not cents:
        return f"{sign}{text}整"
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif yuan:
        text += "零"
    return sign + text + (f"{_DIGITS[rest]}分" if rest else "整")


def _whole(number: int) -> str:
    """A whole number, four places at a time; zeros between figures are said once."""
    if not number:
        return _DIGITS[0]
    text, waits = "", False
    for place in range(len(str(number)) - 1, -1, -1):
        digit = number // 10**place % 10
        if digit:
            text += (_DIGITS[0] if waits else "") + _DIGITS[digit] + _PLACES[place % 4]
            waits = False
        else:
            waits = bool(text)
        if place % 4 == 0 and number // 10**place % 10**4:
            text += _GROUPS[place // 4]
    return text
