"""What somebody at a terminal may see of a message: names of keys, amounts and codes; of a person only shapes.

Shown is only what is known to be harmless. An administrator who connects a league looks at columns that no mapping
names yet, so "hide what the mapping calls personal" would show a telephone number in a column nobody has named.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

PERSONAL: Final = frozenset((
    "name", "id_number", "birth_date", "person_no", "employer_name", "diagnosis_codes", "visit_no",
))  # fmt: skip
"""Fields of a record of which only the shape is shown (design §5.4; a visit leads to its patient)."""

_TEXT: Final = re.compile(r"[^\s,|;^\"'<>{}\[\]=&]+")
_KEY_OF_JSON: Final = re.compile(r"\s*\\?\"\s*:")
_NAME: Final = re.compile(r"[A-Za-z_@][A-Za-z0-9_:.#-]{0,40}")
_AMOUNT: Final = re.compile(r"-?[0-9]{0,9}[.][0-9]{1,2}")
_SMALL: Final = re.compile(r"[0-9]{1,3}|null|NULL|true|false")
_SHAPES: Final = (
    (re.compile("[0-9]"), "9"),
    (re.compile("[A-Z]"), "X"),
    (re.compile("[a-z]"), "x"),
    (re.compile(r"[^\W\d_A-Za-z]"), "某"),
)


def shape_of(text: str) -> str:
    """A text of which only the shape is left: digits as 9, letters as x, Chinese characters as 某."""
    for pattern, sign in _SHAPES:
        text = pattern.sub(sign, text)
    return text


def masked(
    text: str, *, names: Collection[str] = (), harmless: Collection[str] = (), personal: Collection[str] = ()
) -> str:
    """A message as it may be shown. Kept as they are: `names` of keys and columns, keys of JSON and XML, amounts with
    decimals, small numbers, and what stands in `harmless` values and in no `personal` one; of all else the shape."""
    shown = {word for value in (*names, *harmless) for word in _TEXT.findall(value)}
    shown -= {word for value in personal for word in _TEXT.findall(value)}

    def mask(match: re.Match[str]) -> str:
        word, before, behind = match[0], text[: match.start()][-2:], text[match.end() : match.end() + 8]
        is_tag = before.endswith("<") and _NAME.fullmatch(word.strip("/"))
        is_key = _NAME.fullmatch(word) and _KEY_OF_JSON.match(behind)
        if word in shown or is_tag or is_key or _AMOUNT.fullmatch(word) or _SMALL.fullmatch(word):
            return word
        # In a number of JSON the colon stands right before it.
        head, colon, tail = word.rpartition(":")
        if colon and (tail in shown or _AMOUNT.fullmatch(tail) or _SMALL.fullmatch(tail)):
            return shape_of(head) + colon + tail
        return shape_of(word)

    return _TEXT.sub(mask, text)
