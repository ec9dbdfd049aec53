"""National id numbers (居民身份证号码, GB 11643): one way of writing each, proved by its check digit.

The number is the strongest evidence a match has, so every door of the gateway (records, roster) brings it
to the same 18 characters here. Nothing in this module ever puts a number into a message.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from operator import mul
from typing import Final

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS: Final = "10X98765432"
_EIGHTEEN: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
_FIFTEEN: Final = re.compile(r"[1-9][0-9]{14}")
_SPACES: Final = re.compile(r"\s+")
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
    return _CHECK_DIGITS[(_weighed(first17[:6], 0) + _weighed(first17[6:14], 6) + _weighed(first17[14:], 14)) % 11]


def checksum_ok(text: str) -> bool:
    """Whether these are 18 normalised characters with a right check digit and a birth date that exists."""
    if len(text) != 18 or _EIGHTEEN.fullmatch(text) is None:
        return False
    return check_digit(text[:17]) == text[17] and _date_written(text[6:14]) is not None


def to_18(text: str) -> str:
    """The 18-character form of a normalised 15-digit (born in 19xx) or 18-character number.

    Raises ValueError for anything else, for a wrong check digit and for a birth date that does not exist.
    """
    if len(text) == 15 and _FIFTEEN.fullmatch(text):
        first17 = text[:6] + "19" + text[6:]
        text = first17 + check_digit(first17)
    if not checksum_ok(text):
        raise ValueError("身份证号码无效 (not a valid id number)")
    return text


def birth_date_of(id18: str) -> date:
    """The birth date a valid 18-character number carries. Raises ValueError where there is none."""
    found = _date_written(id18[6:14])
    if found is None:
        raise ValueError("身份证号码中的出生日期无效 (no such birth date in the id number)")
    return found


def sex_of(id18: str) -> str:
    """M or F: the 17th digit of a valid 18-character number is odd for men."""
    return "M" if int(id18[16]) % 2 else "F"


# Numbers are checked for every row of every page. Regions, days and sequence numbers repeat, whole numbers
# do not: these two caches make the check four times quicker and never hold a whole number.
@lru_cache(maxsize=65_536)
def _weighed(digits: str, first: int) -> int:
    return sum(map(mul, map(int, digits), _WEIGHTS[first:]))


@lru_cache(maxsize=65_536)
def _date_written(digits: str) -> date | None:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return born if born.year in _YEARS else None
