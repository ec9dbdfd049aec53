"""Masks (脱敏): how much of a person's value is shown unasked; and whether two values are typed alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Final


def mask_name(name: str) -> str:
    """张建国 → 张*国; of two characters, and of one, only the first or none stays."""
    if len(name) < 3:
        return name[:1] + "*" if len(name) == 2 else "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_number(number: str) -> str:
    """The region and the last four of a number of 15 characters or more; less of a shorter one."""
    return _middle(number, 6, 4) if len(number) >= 15 else mask_text(number)


def mask_phone(phone: str) -> str:
    """138****1234."""
    return _middle(phone, 3, 4) if len(phone) >= 11 else mask_text(phone)


def mask_date(day: str) -> str:
    """1980-05-01 → 1980-**-**."""
    return day[:4] + "-**-**"


def mask_text(text: str) -> str:
    """At most two characters at each end; at least half stays hidden."""
    ends = min(2, len(text) // 4)
    return _middle(text, ends, ends)


def _middle(text: str, first: int, last: int) -> str:
    return text[:first] + "*" * (len(text) - first - last) + (text[-last:] if last else "")


def same_typing(one: str, other: str) -> bool:
    """Whether two texts are the same but for width, case and spaces."""
    return _typed(one) == _typed(other)


def _typed(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


_PERSONAL: Final = re.compile(r"(?<![0-9])(?:[0-9]{17}[0-9Xx]|[0-9]{15}|1[3-9][0-9]{9})(?![0-9])")
"""What may be a number of an identity card or a mobile phone."""


def mask_personal(text: str, *, mark: Callable[[str], str] = lambda _: "") -> str:
    """A number of a settlement or the name of a file, with whatever in it may be a person's number masked: a card's
    number has a day in its middle, of a birth. `mark` of a number is put behind its mask, so that two which are masked
    alike can be told apart."""

    def masked(number: re.Match[str]) -> str:
        hidden = _masked_where_personal(number[0])
        return hidden if hidden == number[0] else hidden + mark(number[0])

    return _PERSONAL.sub(masked, text)


def _masked_where_personal(number: str) -> str:
    if len(number) == 11:
        return mask_phone(number)
    born = number[6:14] if len(number) == 18 else "19" + number[6:12]
    try:
        return mask_number(number) if date(int(born[:4]), int(born[4:6]), int(born[6:])).year >= 1900 else number
    except ValueError:
        return number
