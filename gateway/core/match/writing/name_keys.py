"""The keys a name is found by. A record asks for one, so it must survive what happens to names on their way: another
script, lost and misheard characters, a surname in front, a middle dot, a field too short.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from gateway.core.match.writing.latin import is_latin, latin_words
from gateway.core.match.writing.name_tables import FRONT_SURNAMES, PARTS, TRANSCRIBING
from gateway.core.match.writing.names import composed, without_surname
from gateway.core.match.writing.spelling import DOT, folded, plain_name, sound

_MOST_KEYS: Final = 5
_ODD: Final = re.compile(r"[\x00-\x7f]")
_PIECES: Final = re.compile(r"[A-Z]+|[^\x00-\x7f]")
_ONE_WAY: Final[set[str]] = set()
_DESCRIBING: Final = frozenset(described[0] for described in PARTS)
"""What the description of a character by its parts may begin with."""


def name_keys(name: str) -> tuple[str, ...]:
    """The keys a member's name is found by: every pair of the first characters' sounds, in order."""
    whole = _quick_core(name)
    if not whole:
        plain = plain_name(name)
        if is_latin(plain):
            return tuple(dict.fromkeys(word[:3] for word in latin_words(name)))[:_MOST_KEYS]
        whole = _core(plain)
    bare = _bare(whole)
    keys = _pairs(bare) if bare == whole else [*_pairs(bare), *_pairs(whole)]
    return tuple(dict.fromkeys(keys))[:_MOST_KEYS]


def name_key(name: str) -> str:
    """The one key a record's name asks for, "" where too little of it can be read."""
    core = _quick_core(name)
    if core:
        core = _bare(core)
        return sound(core[0]) + sound(core[1]) if len(core) > 1 else sound(core)
    plain = plain_name(name)
    if is_latin(plain):
        words = latin_words(name)
        return words[0][:3] if words else ""
    core = without_surname(_core(plain))
    visible = _spelt(core) if _ODD.search(core) else [sound(character) for character in core[:2]]
    return "".join(visible[:2])


def _quick_core(name: str) -> str:
    """What `_core` makes of a Chinese name whose characters are all written in one way, as nearly every name's are, in
    a quarter of its time; "" for any other name."""
    plain = name.replace(DOT, "")
    if len(plain) < 2 or not (_ONE_WAY.issuperset(plain) or all(map(_is_one_way, plain))):
        return ""
    return plain if _DESCRIBING.isdisjoint(plain[1:]) else composed(plain)


def _bare(core: str) -> str:
    """A core name without the surname in front of it."""
    in_front = core[:1] in FRONT_SURNAMES and (len(core) > 4 or core[1:2] in TRANSCRIBING)
    return without_surname(core) if in_front else core


@cache
def _is_one_way(character: str) -> bool:
    """Whether a character is Chinese and stands for itself in a folded name. Those that do are remembered."""
    one_way = "\u4e00" <= character <= "\u9fff" and folded(plain_name(character)) == character
    if one_way:
        _ONE_WAY.add(character)
    return one_way


def _spelt(core: str) -> list[str]:
    """The sounds of a name with lost characters, and with letters that stand for a character each."""
    pieces = (piece.lower() if piece.isascii() else sound(piece) for piece in _PIECES.findall(core))
    return [piece for piece in pieces if piece]


def _core(plain: str) -> str:
    """A folded name with described characters composed."""
    return composed(folded(plain))


def _pairs(name: str) -> list[str]:
    sounds = (_spelt(name) if _ODD.search(name) else [sound(character) for character in name[:3]])[:3]
    if len(sounds) < 3:
        return ["".join(sounds), *sounds] if len(sounds) > 1 else sounds
    first, second, third = sounds
    return [first + second, first + third, second + third]
