"""What a password must be, as practice for 等保三级 wants it; the standard itself names no numbers."""

from __future__ import annotations

import unicodedata
from typing import Final

from gateway.errors import BadInput
from gateway.model.account import EXCLUSIVE, Role

SHORTEST: Final = 8
SHORTEST_EXCLUSIVE: Final = 12
LONGEST: Final = 128
FORMER: Final = 5
"""So many of before may not be taken again, the present one among them."""

_KINDS: Final = 3
_OFTEN_TRIED: Final = (
    "password",
    "qwerty",
    "admin",
    "hubao",
    "123456",
    "abc123",
    "111111",
    "000000",
    "888888",
    "woaini",
)


def normal(password: str) -> str:
    """A password as it is compared: one form for what keyboards write in two. Too long a one is nobody's."""
    return unicodedata.normalize("NFKC", password[: LONGEST + 1])


def check_password(password: str, *, account: str, roles: frozenset[Role]) -> None:
    """Raises BadInput("weak_password") that says what is wanted, where a new password is not good enough."""
    shortest = SHORTEST_EXCLUSIVE if roles & EXCLUSIVE else SHORTEST
    text = normal(password)
    if not shortest <= len(text) <= LONGEST:
        raise BadInput("weak_password", f"密码应为{shortest}至{LONGEST}位 (so many characters)")
    if len({_kind(character) for character in text}) < _KINDS:
        raise BadInput(
            "weak_password",
            "密码应含大写字母、小写字母、数字、符号中的三种 (three of: capitals, small letters, digits, signs)",
        )
    plain = text.casefold()
    if account.casefold() in plain or any(word in plain for word in _OFTEN_TRIED):
        raise BadInput("weak_password", "密码不能含账号或常见口令 (not the account's name, nothing often tried)")
    if len(set(text)) <= shortest // 2:
        raise BadInput("weak_password", "密码重复的字符太多 (too few different characters)")


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    if character.isupper():
        return "capital"
    return "small" if character.islower() else "sign"
