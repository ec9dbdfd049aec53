"""Names of other languages written in Chinese characters: how they are known, and what they are made of."""

from __future__ import annotations

from typing import Final

from gateway.core.match.writing.name_tables import (
    DOUBLE_SURNAMES,
    HAN_SURNAMES,
    NAME_WORDS,
    RARER_SURNAMES,
    SHORT_TRANSCRIBED,
    TRANSCRIBING,
)

SHORTEST_OWN: Final = 3
"""So many characters at least a name has that stands without its clan, father or surname."""


def looks_transcribed(name: str, *, dotted: bool = False) -> bool:
    """Whether a folded name is one of another language written in Chinese characters."""
    if dotted or len(name) > 4:
        return True
    transcribing = sum(character in TRANSCRIBING for character in name)
    if len(name) == 4:
        return transcribing >= 3 and name[:2] not in DOUBLE_SURNAMES
    if len(name) == 2 and name[0] in HAN_SURNAMES:
        # 金龙, 林海, 白云 are surname and given name; 王金龙 is somebody else.
        return name in SHORT_TRANSCRIBED
    return transcribing == len(name) > 1 or name in SHORT_TRANSCRIBED


def has_surname_in_front(longer: str, name: str) -> bool:
    """Whether one is the other, a transcribed name of three characters or more, behind a Han surname."""
    surname = longer[:1] in HAN_SURNAMES or longer[:1] in RARER_SURNAMES
    return surname and longer[1:] == name and len(name) >= SHORTEST_OWN and looks_transcribed(name)


def is_whole(name: str) -> bool:
    """Whether a transcribed name ends with a word: nothing shows then that it was cut, and it may be another's."""
    return any(name[start:] in NAME_WORDS for start in range(len(name) - 1))
