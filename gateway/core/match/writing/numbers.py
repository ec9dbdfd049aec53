"""How far two document numbers agree: the level of their evidence, and which parts of a number can be read.

A number whose check digit is right is taken at its word: if it is not the member's, it is somebody else's, however
few digits differ. One whose check digit is wrong was written wrongly, and a single slip can be undone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

import msgspec
from rapidfuzz.distance import OSA

from gateway.model.national_id import birth_date_of, checksum_ok, in_18, sex_of

_RESIDENTS: Final = re.compile(r"[1-9][0-9]{15,17}[0-9X]")
_UNSOUND: Final = re.compile(r"[0-9]{13,19}[0-9X]|[0-9]{17}[^0-9]|[0-9]{16}X[0-9]")
_BETWEEN: Final = re.compile(
    r"[-./\\|_'\"`´=()\[\]:;,，。、·\s\x00-\x1f\x7f-\x9f\u00ad\u02bc\u200b-\u200f\u2010-\u2015\u2018-\u201f"
    r"\u202a-\u202e\u2060-\u2069\u2212\ufeff]"
)
_PERMIT: Final = re.compile(r"([HM][0-9]{8})([0-9]{2})?(\([0-9A-Z]+\))?")
_TAIWAN: Final = re.compile(r"([0-9]{8})([0-9]{2})?(\([A-Z]\))?")
_MASKS: Final = "*#?_-~.•●○■□×＊Xx"
_HIDING: Final = frozenset("*#?•●○■□×")
_MASKED: Final = re.compile(rf"([0-9]*)([{re.escape(_MASKS)}]+)([0-9{re.escape(_MASKS)}]*?)([0-9]*[0-9Xx]?)")
_NOT_WRITING: Final = re.compile(r"[^0-9A-Z]")
_COUNTED: Final = "12345678901234567890"
# Letters typed for digits, of the Latin alphabet, the Cyrillic and the Greek, and Chinese noughts. What also hides
# digits (○, ×) is read as none.
_LOOKALIKES: Final = str.maketrans("OILОΟ〇零ІΙХΧ", "0110000" + "11XX")
_DIGITS: Final = "0123456789X"
_LEAST_VISIBLE: Final = 7
"""So many digits of a masked number, the last four among them, make it evidence of its own."""


class Number(msgspec.Struct, frozen=True, gc=False):
    """A record's number as far as it can be read. kind: sound | old | masked | unsound | other | missing.

    old: an intact one of before 1999, `text` brought to 18 characters; no check digit proved it.
    `born`, `sex`: what it says of its bearer, None where it says nothing or nothing sensible. `family`: 1 resident
    id, 8 residence permit of 港澳台 people, 9 foreigners' permit; only sound numbers have one.
    """

    text: str
    kind: str
    family: str = ""
    born: date | None = None
    sex: str | None = None


_MISSING: Final = Number("", "missing")


def read_number(text: str | None) -> Number:
    """What a normalised number is. Placeholders such as 无 or 0 count as missing."""
    if text is None:
        return _MISSING
    if checksum_ok(text):
        return _proved(text, "sound")
    if (whole := in_18(text)) != text and not _is_placeholder(text):
        return _proved(whole, "old")
    return _read_doubtful(text.upper())


def _read_doubtful(text: str) -> Number:
    bare = unmarked(text)
    repaired = bare.translate(_LOOKALIKES)
    if repaired != text and checksum_ok(repaired):
        # Letters typed for digits, or marks between them: the check digit proves what was meant.
        return _proved(repaired, "sound")
    if bare != text and not _is_placeholder(bare) and (whole := in_18(bare)) != bare:
        return _proved(whole, "old")
    if _is_placeholder(text):
        return _MISSING
    if _UNSOUND.fullmatch(text):
        return Number(text, "unsound", born=_born_beside_slip(text))
    # Digits, then marks, then digits; an X at the very end is a check digit, and one X in a short text is no mask.
    hidden = sum(not character.isdigit() for character in text[:-1])
    masks = hidden >= 2 or (hidden == 1 and (len(text) == 18 or not text[:-1].isalnum()))
    if masks and len(text) >= 6 and _MASKED.fullmatch(text):
        return Number(text, "masked", born=_born(text[6:14]) if len(text) == 18 else None)
    return Number(text, "other") if any(map(str.isdigit, text)) else _MISSING


def _born_beside_slip(text: str) -> date | None:
    """The birth date in an unsound number, to look for its bearer by: of 17 digits, or 19, the slip stands behind the
    date or else before it."""
    if len(text) == 18:
        return _born(text[6:14])
    if len(text) in (17, 19):
        moved = 6 + len(text) - 18
        return _born(text[6:14]) or _born(text[moved : moved + 8])
    return None


def swapped_across(number: Number) -> str:
    """The sound number of which the last digit of the birth date and the first of the order number stand swapped in an
    unsound one, "" where none does."""
    text = number.text
    if number.kind != "unsound" or len(text) != 18:
        return ""
    meant = text[:13] + text[14] + text[13] + text[15:]
    return meant if checksum_ok(meant) else ""


def _proved(text: str, kind: str) -> Number:
    return Number(text, kind, _family(text), birth_date_of(text), sex_of(text))


def _is_placeholder(text: str) -> bool:
    """What is typed to get past a field: one digit over and over, digits counted up, nobody's birth date."""
    uniform = len(set(text) - {"0"}) <= 1 and len(text) > 1
    return uniform or "0" * 8 in text or _COUNTED.startswith(text[:-1]) or text[6:17] == "19000101000"


def compare_numbers(record: Number, member: str) -> str:
    """The level at which a record's number agrees with a member's."""
    if record.text == member:
        return "other_document" if hides_digits(member) else "equal"
    if record.kind == "missing":
        return "missing"
    if record.kind in ("sound", "old"):
        return _compare_sound(record, member)
    if record.kind == "masked":
        return _compare_masked(record, member)
    if record.kind == "unsound" and (checksum_ok(member) or looks_like_residents(member)):
        return _compare_unsound(record.text, member)
    return _compare_documents(record.text, member)


def _compare_masked(record: Number, member: str) -> str:
    level = _compare_visible(record.text, member, 4)
    if level == "masked_differs" and not checksum_ok(member) and looks_like_residents(member):
        # The digit that differs may be the one that the roster has wrong.
        meant = (_compare_visible(record.text, near, 4) for near in sound_numbers_near(member))
        return "masked_part" if any(seen != "masked_differs" for seen in meant) else level
    # A mask of fewer than 18 characters hides any number, or the 15 digits of before 1999.
    if level == "masked_differs" and len(record.text) == 15 and checksum_ok(member) and member[6:8] == "19":
        level = _compare_visible(record.text, member[:6] + member[8:17], 3)
    return level


def sound_numbers_near(number: str) -> tuple[str, ...]:
    """The sound numbers from which one slip makes this one: those that a resident may have whose number stands wrong on
    a roster. Of each place at most one digit passes the check, so they are about twenty."""
    places = range(len(number))
    near: Iterable[str] = ()
    if len(number) == 18:
        changed = (number[:at] + digit + number[at + 1 :] for at in places for digit in _DIGITS)
        swapped = (number[:at] + number[at + 1] + number[at] + number[at + 2 :] for at in places[:-1])
        near = (*changed, *swapped)
    elif len(number) == 17:
        near = (number[:at] + digit + number[at:] for at in range(18) for digit in _DIGITS)
    elif len(number) == 19:
        near = (number[:at] + number[at + 1 :] for at in places)
    return tuple(sorted({possible for possible in near if checksum_ok(possible)}))


def unmarked(text: str) -> str:
    """A resident's number without the marks and spaces that stand in it, its digits in ours of every script."""
    bare = _BETWEEN.sub("", text)
    return bare if bare.isascii() else "".join(str(unicodedata.decimal(digit, digit)) for digit in bare)


def covers_birth(level: str) -> bool:
    """Whether agreement at this level already holds the birth date. What a masked number is worth is counted from its
    ends: a birth date that it shows is worth what it is worth beside one that hides it."""
    return level in ("equal", "one_digit", "swapped", "digit_missing", "digit_doubled", "two_digits")


@lru_cache(maxsize=4096)
def _born(digits: str) -> date | None:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return born if 1880 <= born.year <= 2199 else None


def _family(text: str) -> str:
    return text[0] if text[0] in "89" else "1"


def _compare_sound(record: Number, member: str) -> str:
    if not checksum_ok(member):
        # A roster's number that is not sound was written wrongly there: the same slips, the other way round.
        wrong_on_roster = looks_like_residents(member) and record.family == "1"
        return _compare_unsound(member, record.text) if wrong_on_roster else _compare_documents(record.text, member)
    if _family(member) != record.family:
        return "other_document"
    places = _differing(record.text[:17], member[:17])
    near = len(places) == 1 or _is_swap(record.text, member, places)
    if near and record.kind == "old":
        return "two_digits"
    return "sound_near" if near else "sound_differs"


def _compare_unsound(text: str, member: str) -> str:
    if len(text) in (14, 15, 16):
        # The form of before 1999 has neither century nor check digit.
        level = _one_slip(text, member[:6] + member[8:17]) if member[6:8] == "19" else None
        return level or ("masked_part" if len(text) > 14 and member.startswith(text) else "unsound_differs")
    level = _one_slip(text, member)
    if level is None and OSA.distance(text, member, score_cutoff=2) == 2:
        level = "two_digits"
    return level or "unsound_differs"


def _one_slip(text: str, member: str) -> str | None:
    """One wrong digit, two neighbours swapped, one missing or one too many."""
    if len(text) == len(member):
        places = _differing(text, member)
        if len(places) == 1:
            return "one_digit"
        return "swapped" if _is_swap(text, member, places) else None
    if len(text) == len(member) - 1 and _without_one(member, text):
        return "digit_missing"
    return "digit_doubled" if len(text) == len(member) + 1 and _without_one(text, member) else None


def _differing(text: str, number: str) -> list[int]:
    return [at for at, (a, b) in enumerate(zip(text, number, strict=True)) if a != b]


def _is_swap(text: str, number: str, places: list[int]) -> bool:
    if len(places) != 2 or places[1] - places[0] != 1:
        return False
    first, second = places
    return text[first] == number[second] and text[second] == number[first]


def _without_one(longer: str, shorter: str) -> bool:
    at = next((at for at, (a, b) in enumerate(zip(longer, shorter, strict=False)) if a != b), len(shorter))
    return longer[at + 1 :] == shorter[at:]


def _compare_visible(text: str, whole: str, ending: int) -> str:
    seen = _visible(text, whole)
    if seen is None:
        return "masked_differs"
    last = text[-ending:]
    ends = last[:-1].isdigit() and (last[-1].isdigit() or (last[-1] == "X" and whole.endswith("X")))
    return "masked" if ends and seen >= _LEAST_VISIBLE else "masked_part"


def _visible(text: str, whole: str) -> int | None:
    """How many digits can be seen and agree; None where one does not."""
    if len(text) == len(whole):
        shown = [(a, b) for a, b in zip(text[:-1], whole[:-1], strict=True) if a.isdigit()]
        if text[-1].isdigit() or (text[-1] == whole[-1] == "X"):
            shown.append((text[-1], whole[-1]))
        return len(shown) if all(a == b for a, b in shown) else None
    parts = _MASKED.fullmatch(text)
    head, tail = (parts[1], parts[4]) if parts else ("", "")
    agrees = len(head) + len(tail) <= len(whole) and whole.startswith(head) and whole.endswith(tail.upper())
    return len(head) + len(tail) if agrees else None


def looks_like_residents(number: str) -> bool:
    """Whether a number has the form of a resident's, or lacks a digit of it, or has one too many."""
    return _RESIDENTS.fullmatch(number) is not None


def hides_digits(text: str) -> bool:
    """Whether a document's number, here or there, holds a mark in the place of a digit; what it hides may be any."""
    return not text.isalnum() and not _HIDING.isdisjoint(text)


def _compare_documents(text: str, member: str) -> str:
    if hides_digits(text) or hides_digits(member):
        return "other_document"
    return "same_document" if _document(text) == _document(member) else "other_document"


def _document(text: str) -> str:
    """One writing of a document number: capitals and digits only, the issue number of a travel permit left off."""
    permit = _PERMIT.fullmatch(text.upper()) or _TAIWAN.fullmatch(text.upper())
    if permit:
        return permit[1]
    written = _NOT_WRITING.sub("", text.upper())
    return written.translate(_LOOKALIKES) if len(written) == 18 and written[:6].isdigit() else written


def permit_of(record: Number) -> str:
    """A travel permit's number without its issue number, "" for any other document."""
    permit = _PERMIT.fullmatch(record.text) or _TAIWAN.fullmatch(record.text)
    return permit[1] if permit and record.kind == "other" else ""


def visible_ends(record: Number) -> tuple[str, str]:
    """The region (first six) and the last four as far as they can be read, "" where they cannot."""
    text = record.text
    region, last = text[:6], text[-4:]
    return (
        region if region.isdigit() else "",
        last if last[:-1].isdigit() and (last[-1].isdigit() or last[-1] == "X") else "",
    )
