"""Names in Latin letters: order of family and given name, hyphens, accents, capitals, and fields too short."""

from __future__ import annotations

import re
import unicodedata
from itertools import permutations
from typing import Final

from gateway.core.match.writing.spelling import folded, in_latin, plain_name, sound

SHORTEST_LATIN_CUT: Final = 8
"""A cut Latin name keeps at least so many letters."""

_WORDS: Final = re.compile(r"[A-Z]+|\?+")
_MOST_WORDS: Final = 4


def is_latin(plain: str) -> bool:
    """Whether a plain name is written in Latin letters only (with marks, dots or digits between them)."""
    if plain.isascii():
        return any(letter.isalpha() for letter in plain)
    return all(letter < "\u0250" or not letter.isalpha() for letter in plain) and any(map(str.isalpha, plain))


def latin_words(name: str) -> tuple[str, ...]:
    """The words of a name as written, capitals without accents."""
    plain = in_latin(unicodedata.normalize("NFKD", name)).replace("'", "").replace("\u2019", "").upper()
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(_WORDS.findall(letters))


def compare_latin(record: str, member: str) -> str:
    """The level of two names of which one at least is in Latin letters, both as written."""
    recorded, enrolled = latin_words(record), latin_words(member)
    if not recorded or not enrolled or not is_latin(plain_name(record)) or not is_latin(plain_name(member)):
        # A Chinese name against its letters (ZHANG WEI for 张伟, in either order) is a homophone.
        latin, chinese = (record, member) if is_latin(plain_name(record)) else (member, record)
        spelt = [sound(character).upper() for character in folded(plain_name(chinese))]
        letters = "".join(latin_words(latin))
        return "homophone" if letters in ("".join(spelt), "".join(spelt[1:] + spelt[:1])) else "differs"
    written, orders = "".join(recorded), _orders(enrolled)
    if written in orders or (len(recorded) <= _MOST_WORDS and orders & _orders(recorded)):
        return "variant"
    if len(set(recorded) & set(enrolled)) >= 2 and (set(recorded) <= set(enrolled) or set(enrolled) <= set(recorded)):
        return "lost"
    visible = written.rstrip("?")
    cut_from = (
        order for order in orders if len(visible) < len(order) <= 2 * len(visible) and order.startswith(visible)
    )
    if len(written) >= SHORTEST_LATIN_CUT and any(cut_from):
        return "cut"
    as_long = (order for order in orders if len(order) == len(written))
    if len(written) > 5 and any(sum(a != b for a, b in zip(written, order, strict=True)) <= 1 for order in as_long):
        return "typo"
    return "surname" if set(recorded) & set(enrolled) else "differs"


def _orders(words: tuple[str, ...]) -> set[str]:
    """The ways the words can follow each other, written together."""
    return {"".join(order) for order in permutations(words[:_MOST_WORDS])} | {"".join(words)}
