"""Bank accounts as somebody types them: checked for what a typing error breaks. Pure; no error holds a value."""

from __future__ import annotations

import re
from typing import Final

from gateway.errors import BadInput

_NUMBER: Final = re.compile(r"[0-9]{8,32}")
_CARD: Final = re.compile(r"62[0-9]{14,17}")
"""A card of the Chinese banks (银联卡): its last digit checks the others (ISO/IEC 7812-1, Luhn)."""


def account_number(text: str) -> str:
    """The digits of an account or card. Raises BadInput."""
    number = re.sub(r"[\s\u3000-]", "", text)
    if not _NUMBER.fullmatch(number) or not number.isascii():
        raise BadInput("not_an_account", "账号应为8至32位数字 (an account of 8 to 32 digits)")
    if _CARD.fullmatch(number) and not luhn_ok(number):
        raise BadInput("not_an_account", "卡号校验位不对，请核对 (the check digit of the card is wrong)")
    return number


def luhn_ok(number: str) -> bool:
    """Whether the last digit checks the others: every second one from the right is doubled, digits are summed."""
    doubled = "0246813579"
    digits = [doubled[int(digit)] if place % 2 else digit for place, digit in enumerate(reversed(number))]
    return sum(map(int, digits)) % 10 == 0


def account_text(text: str, what: str, *, longest: int) -> str:
    """A holder's or bank's name without needless space. Raises BadInput."""
    plain = " ".join(text.split())
    if not plain or len(plain) > longest or not plain.isprintable():
        raise BadInput("not_an_account", f"{what}应为1至{longest}个字 ({what}: its name)")
    return plain
