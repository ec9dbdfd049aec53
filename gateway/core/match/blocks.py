"""Under which texts a member can be found besides his number, and which of them a record asks for.

A record asks for two at most, so each text must survive what happens to records: the name key survives another
script, lost and misheard characters, a surname in front, a middle dot, a field too short.

nb|birth date|name key · bl|birth date|last four · rl|region|last four · dc|permit · be|birth date|employer ·
ph|phone · pn|person number (given to a member by the flow when it is learnt)
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import Final

from gateway.core.match.weighing import EARLIEST_BIRTH, written_birth
from gateway.core.match.writing.contacts import employer_core, phone_digits
from gateway.core.match.writing.latin import is_latin, latin_words
from gateway.core.match.writing.name_tables import FRONT_SURNAMES, PARTS, TRANSCRIBING
from gateway.core.match.writing.names import composed, without_surname
from gateway.core.match.writing.numbers import Number, permit_of, read_number, visible_ends
from gateway.core.match.writing.spelling import DOT, folded, plain_name, sound
from gateway.model.decision import Candidate, Subject
from gateway.model.national_id import checksum_ok

_MOST_KEYS: Final = 5
_ODD: Final = re.compile(r"[\x00-\x7f]")
_PIECES: Final = re.compile(r"[A-Z]+|[^\x00-\x7f]")
_ONE_WAY: Final[set[str]] = set()
_DESCRIBING: Final = frozenset(described[0] for described in PARTS)
"""What the description of a character by its parts may begin with."""


def member_blocks(candidate: Candidate) -> tuple[str, ...]:
    """The block texts a member is indexed under besides his number; each begins with its kind."""
    number, born = candidate.id_number, candidate.birth_date
    sound_number = checksum_ok(number)
    day = number[6:14] if sound_number else _day(born) if born is not None else ""
    found: list[str] = []
    if day:
        found += [f"nb|{day}|{key}" for key in name_keys(candidate.name)]
        employer = employer_key(candidate.unit_name)
        found += [f"be|{day}|{employer}"] if employer else []
    if sound_number:
        found += [f"bl|{day}|{number[14:]}", f"rl|{number[:6]}|{number[14:]}"]
    permit = permit_of(read_number(number)) if candidate.id_type != "01" else ""
    found += [f"dc|{permit}"] if permit else []
    phone = phone_digits(candidate.phone) if candidate.phone else ""
    return (*found, f"ph|{phone}") if len(phone) > 6 else tuple(found)


def record_blocks(subject: Subject, *, sound_too: bool = True) -> tuple[str, ...]:
    """At most two further texts to look up when the exact number found nobody; none where nothing could come of it.

    `sound_too`: also for a resident's number that is sound, which is nearly always another person's: at most a review
    follows. A permit changes with its form or its issue, so a sound one says nothing against a member's older one.
    """
    if not subject.name:
        return ()
    text, written = subject.id_number, written_birth(subject)
    number = read_number(text)
    if text is not None and number.kind == "sound" and number.family == "1":
        return _named(subject.name, written or number.born) if sound_too else ()
    born = written or number.born
    named = _named(subject.name, born)
    other = _by_digits(number, born)
    if not other and born and not subject.person_no and (employer := employer_key(subject.employer_name)):
        other = f"be|{_day(born)}|{employer}"
    return _two(named, other, subject)


def sound_block(number: str, name: str | None, born: date | None) -> str:
    """The one text `record_blocks` gives for a number that was proved already, as nearly everybody's is, in less time;
    "" for none."""
    key = name_key(name) if name else ""
    if not key:
        return ""
    day = _day(born) if born is not None and born.year >= EARLIEST_BIRTH else number[6:14]
    return f"nb|{day}|{key}"


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


def employer_key(name: str | None) -> str:
    """The first two characters of an employer's core name."""
    return employer_core(name)[:2] if name else ""


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
    """Whether a character is Chinese and stands for itself in a folded name. Who does is remembered."""
    found = "\u4e00" <= character <= "\u9fff" and folded(plain_name(character)) == character
    if found:
        _ONE_WAY.add(character)
    return found


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


def _named(name: str | None, born: date | None) -> tuple[str, ...]:
    key = name_key(name) if name and born else ""
    return (f"nb|{_day(born)}|{key}",) if key and born else ()


def _day(born: date) -> str:
    return born.isoformat().replace("-", "")


def _by_digits(number: Number, born: date | None) -> str:
    """By birth date and last four where the digits shown are right; by region and last four where one is wrong, which
    the birth date may have been taken from; a permit by its number; "" for other documents.

    The check digit of an old number was worked out from digits that may be wrong: it leads nowhere.
    """
    if number.kind in ("other", "missing", "old", "sound"):
        permit = permit_of(number)
        return f"dc|{permit}" if permit else ""
    region, last = visible_ends(number)
    if number.kind == "masked" and born is not None and last:
        return f"bl|{_day(born)}|{last}"
    return f"rl|{region}|{last}" if region and last else ""


def _two(named: tuple[str, ...], other: str, subject: Subject) -> tuple[str, ...]:
    """The name's block and another; person number and phone take a place that neither of them could."""
    found = (*named, other) if other else named
    if subject.person_no and len(found) < 2:
        found = (*found, f"pn|{subject.person_no}")
    phone = phone_digits(subject.phone) if subject.phone and len(found) < 2 else ""
    return (*found, f"ph|{phone}") if len(phone) > 6 else found
