"""How far two ways of writing a name agree: the level of their evidence.

Han names, Mongolian and other names transcribed into Chinese, and (in latin.py) names in Latin letters. A level
says which known way leads from one to the other; what may follow from it is decided in deciding.py.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.match.writing.hidden_names import compare_shown
from gateway.core.match.writing.latin import compare_latin, is_latin
from gateway.core.match.writing.name_tables import (
    FOLK_SURNAMES,
    FRONT_SURNAMES,
    PARTS,
)
from gateway.core.match.writing.near_names import how_near
from gateway.core.match.writing.spelling import (
    DOT,
    LOST,
    folded,
    hides,
    is_rare,
    plain_name,
    sound,
    sound_alike,
    tone_alike,
    transcribed_sound,
)
from gateway.core.match.writing.transcribed_names import SHORTEST_OWN, is_whole, looks_transcribed

SHORTEST_CUT: Final = 4
"""A cut name keeps at least so many characters (a field of 8 bytes), or three and a mark: three alone, or the part
before a middle dot, are somebody else's whole name too often."""

_PARTS_PATTERN: Final = re.compile(rf"[(\[]?({'|'.join(sorted(PARTS, key=len, reverse=True))})[)\]]?")
_LETTERS: Final = re.compile(r"[(\[]?([A-ZÜ]+)[0-9]?[)\]]?")
_REMARKS: Final = "本人|先生|女士|汉|汉族|蒙|蒙古族|回族|满族|在职|退休|离休|职工|居民|门诊|住院|门特|慢病|特病|医保"
_NOTED: Final = re.compile(rf"([^()\[\]]{{2,}}?)(?:[(\[](?:{_REMARKS})[)\]]|先生|女士|同志)")
_ANOTHERS: Final = re.compile(r"([^()\[\]]{2,}?)[(\[][^()\[\]]*[)\]]?")
_MARKS: Final = re.compile(r"\?+")
_NEWBORN: Final = re.compile(
    r"(之(长|次|幼)?[子女]|之?[男女]?婴儿?|[大小毛]毛|新生儿|[(\[].*[婴儿宝孩子女].*[)\]]|(之子|之女|毛|婴)[大小甲乙一二三0-9A-C]+)$"
)


def compare_names(record: str, member: str) -> str:
    """The level at which a record's name agrees with a member's, both as written."""
    plain, members_plain = plain_name(record), plain_name(member)
    if plain == members_plain:
        return "equal"
    if hides(plain) or hides(members_plain):
        return compare_shown(folded(plain), folded(members_plain))
    if is_latin(plain) or is_latin(members_plain):
        return compare_latin(record, member)
    recorded, enrolled = folded(plain), folded(members_plain)
    if recorded == enrolled:
        return "transcribed" if (DOT in plain) != (DOT in members_plain) else "variant"
    level = None
    if DOT in members_plain and DOT in plain:
        # Cut at a field's length, the dot among what is left.
        cut = len(plain) >= SHORTEST_CUT and members_plain.startswith(plain)
        level = ("typo" if is_whole(plain.rpartition(DOT)[2]) else "cut") if cut else None
    elif DOT in members_plain:
        # Only the part before the dot, which may be a name of its own.
        level = "typo" if recorded == folded(members_plain.partition(DOT)[0]) else _behind_dot(members_plain, recorded)
    elif DOT in plain:
        level = _behind_dot(plain, enrolled)
    if level is None and recorded and enrolled:
        bare = members_plain.replace(DOT, "")
        dotted = DOT in plain + members_plain
        writing = bare if len(bare) == len(enrolled) else enrolled
        level = _known_writing(recorded, enrolled, writing, dotted) or how_near(recorded, enrolled, writing)
    return level or "differs"


def _behind_dot(dotted: str, undotted: str) -> str | None:
    """Whether a name is what stands behind the dot of another, in front of which a clan or a father is named."""
    own = folded(dotted.rpartition(DOT)[2])
    return "family_in_front" if own == undotted and len(own) >= SHORTEST_OWN else None


def without_surname(name: str) -> str:
    """A transcribed name without the Han surname in front of it, if one is there."""
    return name[1:] if len(name) > 2 and name[0] in FRONT_SURNAMES and looks_transcribed(name[1:]) else name


def composed(name: str) -> str:
    """A folded name in which described characters (吉吉 for 喆) stand as the character meant."""
    # 王月 alone is a surname and a given name, not 玥.
    return name[:1] + _PARTS_PATTERN.sub(lambda found: PARTS[found[1]], name[1:])


def _known_writing(recorded: str, enrolled: str, bare: str, dotted: bool) -> str | None:
    """The level of two names of which one is known to be written for the other, or for somebody who belongs to the one
    named. `enrolled` is the member's folded name, `bare` the same characters as the member writes them."""
    if _NEWBORN.search(recorded) and not _NEWBORN.search(enrolled):
        return "newborn"
    if (noted := _NOTED.fullmatch(recorded)) and noted[1] == enrolled:
        return "variant"
    if (noted := _ANOTHERS.fullmatch(recorded)) and noted[1] == enrolled:
        # A remark nobody knows may say that it is another: 王丽（双胞胎）, 王丽（家属）, 王丽（张伟代）.
        return "newborn"
    level = _same_length(recorded, enrolled, bare, dotted) if len(recorded) == len(enrolled) else None
    level = level or _respelt(recorded, enrolled, bare)
    if level is None and (looks_transcribed(enrolled, dotted=dotted) or looks_transcribed(recorded, dotted=dotted)):
        level = _transcribed(recorded, enrolled, bare)
    return level


def _same_length(recorded: str, enrolled: str, bare: str, dotted: bool) -> str | None:
    """The level of two names that differ in some characters, none if in too many or in a way nobody knows."""
    places = [at for at, character in enumerate(enrolled) if recorded[at] != character]
    if all(recorded[at] == LOST or enrolled[at] == LOST for at in places):
        return _lost(recorded, enrolled, bare, places)
    if places == [0] and FOLK_SURNAMES.get(recorded[0], recorded[0]) == FOLK_SURNAMES.get(enrolled[0], enrolled[0]):
        return "folk_surname"
    # Tone and all: brothers and sisters get near sounds too, and a rare character is not typed for a common one.
    rare = all(is_rare(enrolled[at]) or is_rare(bare[at]) for at in places)
    if rare and all(tone_alike(recorded[at], enrolled[at]) for at in places):
        return "rare_homophone"
    # One character is another of the same sound in a transcribed name. With two, 图雅 would be 托娅.
    if len(places) == 1 and len(enrolled) > 3 and looks_transcribed(enrolled, dotted=dotted):
        at = places[0]
        if transcribed_sound(recorded[at]) == transcribed_sound(enrolled[at]):
            return "transcribed"
    if all(sound_alike(recorded[at], enrolled[at]) for at in places):
        transcribed = looks_transcribed(enrolled, dotted=dotted) or looks_transcribed(recorded, dotted=dotted)
        return "sounds_alike" if transcribed else "homophone"
    return None


def _lost(recorded: str, enrolled: str, bare: str, places: list[int]) -> str | None:
    """Marks where characters were lost: none that GB2312 holds is lost by accident, so those are weaker."""
    common = [at for at in places if enrolled[at] != LOST and not (is_rare(enrolled[at]) or is_rare(bare[at]))]
    seen = len(enrolled) - len(places)
    if not common and seen >= 1:
        return "rare_lost"
    if seen < 1:
        return None
    return "lost" if seen >= 2 and seen >= len(places) else "typo"


def _respelt(recorded: str, enrolled: str, bare: str) -> str | None:
    """A rare character described by its parts, by its letters, or lost as two marks."""
    if composed(recorded) == composed(enrolled):
        return "rare_spelt"
    if _LETTERS.search(recorded) and _fits_letters(recorded, enrolled):
        return "rare_spelt"
    once = _MARKS.sub(LOST, recorded)
    if len(once) == len(enrolled) != len(recorded):
        return _same_length(once, enrolled, bare, dotted=False)
    return None


def _fits_letters(recorded: str, enrolled: str) -> bool:
    """Whether every run of letters in the recorded name spells the character of the enrolled one it stands for."""
    at = 0
    for piece in filter(None, _LETTERS.split(recorded)):
        if piece.isascii() and piece.isalpha():
            spelt = piece.lower().replace("ü", "v")
            if at >= len(enrolled) or not is_rare(enrolled[at]) or sound(enrolled[at]) != spelt:
                return False
            at += 1
        elif enrolled.startswith(piece, at):
            at += len(piece)
        else:
            return False
    return at == len(enrolled)


def _transcribed(recorded: str, enrolled: str, bare: str) -> str | None:
    """A surname in front of one of the two, a field too short for the name, or both."""
    choices = [(recorded, enrolled, bare)]
    if recorded[0] in FRONT_SURNAMES and len(recorded) > 2:
        choices.append((recorded[1:], enrolled, bare))
    if enrolled[0] in FRONT_SURNAMES and len(enrolled) > 2:
        choices.append((recorded, enrolled[1:], bare[1:]))
    for part, name, writing in choices:
        if part == name:
            return "transcribed"
        alike = len(part) == len(name)
        level = _same_length(part, name, writing, dotted=True) if alike else _cut(part, name, writing)
        if level not in (None, "homophone"):
            return level if level in ("cut", "lost") else "transcribed"
    return None


def _cut(recorded: str, enrolled: str, bare: str) -> str | None:
    """Whether the recorded name is the enrolled one cut at a field's length, perhaps inside a character (which leaves
    a mark)."""
    visible = recorded.rstrip(LOST)
    shortest = SHORTEST_CUT if len(visible) == len(recorded) else SHORTEST_CUT - 1
    if not shortest <= len(visible) < len(enrolled) or len(recorded) > len(enrolled):
        return None
    if visible == recorded and is_whole(visible):
        # 包格日勒 is somebody's whole name, and 包格日勒图 is another's.
        return None
    if enrolled.startswith(visible):
        return "cut"
    level = _same_length(visible, enrolled[: len(visible)], bare[: len(visible)], dotted=True)
    return "cut" if level in ("transcribed", "rare_lost", "rare_homophone") else None
