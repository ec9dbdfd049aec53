"""National id numbers (居民身份证号码, GB 11643): one way of writing each, proved by its check digit.

The number is the strongest evidence a match has, so every door of the gateway (records, roster) brings it
to the same 18 characters here. Nothing in this module ever puts a number into a message.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from operator import mul
from typing import Final

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS: Final = "10X98765432"
_EIGHTEEN: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
_FIFTEEN: Final = re.compile(r"[1-9][0-9]{14}")
_SPACES: Final = re.compile(r"\s+")
_MOST_PARTS: Final = 65_536
_YEARS: Final = range(1850, 2200)


def normalise_id(text: str) -> str:
    """Full-width characters to half-width (NFKC), without any space, x as X. Says nothing about validity."""
    if text.isascii() and text.isalnum():
        return text.upper() if text.endswith("x") else text
    narrow = _SPACES.sub("", unicodedata.normalize("NFKC", text))
    return narrow[:-1] + "X" if narrow.endswith("x") else narrow


def looks_like_id(text: str) -> bool:
    """Whether a normalised text has the shape of a number of 18 or 15 characters."""
    return _EIGHTEEN.fullmatch(text) is not None or _FIFTEEN.fullmatch(text) is not None


def check_digit(first17: str) -> str:
    """The 18th character of a number whose first 17 digits are given (ISO 7064 MOD 11-2)."""
    return _CHECK_DIGITS[sum(map(mul, map(int, first17), _WEIGHTS)) % 11]


def checksum_ok(text: str) -> bool:
    """Whether these are 18 normalised characters with a right check digit and a birth date that exists."""
    if len(text) != 18:
        return False
    region, born, order = _REGIONS[text[:6]], _BIRTHS[text[6:14]], _ORDERS[text[14:17]]
    if region is None or born is None or order is None:
        return False
    return _CHECK_DIGITS[(region + born + order) % 11] == text[17]


def to_18(text: str) -> str:
    """The 18-character form of a normalised 15-digit (born in 19xx) or 18-character number.

    Raises ValueError for anything else, for a wrong check digit and for a birth date that does not exist.
    """
    text = in_18(text)
    if not checksum_ok(text):
        raise ValueError("身份证号码无效 (not a valid id number)")
    return text


def in_18(number: str) -> str:
    """A number that normalising let pass, an intact one of before 1999 in 18 characters; any other text as it is."""
    if len(number) == 15 and _FIFTEEN.fullmatch(number):
        whole = number[:6] + "19" + number[6:]
        whole += check_digit(whole)
        return whole if checksum_ok(whole) else number
    return number


def birth_date_of(id18: str) -> date:
    """The birth date a valid 18-character number carries. Raises ValueError where there is none."""
    written = _date_written(id18[6:14])
    if written is None:
        raise ValueError("身份证号码中的出生日期无效 (no such birth date in the id number)")
    return written


def sex_of(id18: str) -> str:
    """M or F: the 17th digit of a valid 18-character number is odd for men."""
    return "M" if int(id18[16]) % 2 else "F"


class _CheckShares(dict[str, int | None]):
    """Part of a number → its share of the check sum, None if it cannot be that part; remembered for the next row.

    Numbers are checked for every row of every page, and regions, birth dates and order numbers repeat while
    whole numbers do not: three look-ups are four times quicker than the sum, and no whole number is kept.
    """

    def __init__(self, first: int, is_sound: Callable[[str], bool]) -> None:
        super().__init__()
        self._first, self._is_sound = first, is_sound

    def __missing__(self, part: str) -> int | None:
        sound = part.isascii() and part.isdigit() and self._is_sound(part)
        share = sum(map(mul, map(int, part), _WEIGHTS[self._first :])) if sound else None
        if len(self) >= _MOST_PARTS:
            self.clear()
        self[part] = share
        return share


def _date_written(digits: str) -> date | None:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return born if born.year in _YEARS else None


_REGIONS: Final = _CheckShares(0, lambda region: region[0] != "0")
_BIRTHS: Final = _CheckShares(6, lambda born: _date_written(born) is not None)
_ORDERS: Final = _CheckShares(14, lambda order: True)
