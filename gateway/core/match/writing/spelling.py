"""Characters of names: one way of writing each (异体字, 繁体), how they sound, and which of them old systems lose.

Everything known of a character is worked out once and kept: there are some thirty thousand of them, and no name.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from html import unescape
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Final, Protocol

import opencc

from gateway.core.match.writing.name_tables import MIXED_SOUNDS, VARIANTS

FIRST_HAN: Final = "\u3400"

LOST: Final = "?"
"""What every mark that stands for a lost character becomes in a folded name."""

HIDDEN: Final = "*"
"""What every mark becomes that somebody set on purpose in the place of a character. A lost character is one that some
system could not write, so a common one is not lost; a hidden one may be any."""

DOT: Final = "·"

# The middle dot of a transcribed name (额尔敦·朝鲁) is typed in many ways; all are one letter here.
# U+119E is what NFKC makes of the Korean dot U+318D; U+1427 is a syllabic letter that is only a dot.
_DOT_KINDS: Final = "·•‧∙⋅・･.．。｡●․⸱⸳⦁᛫\u0307\u1427\u119e"
_DOT_LETTER: Final = "\u1427"
# Nothing to be seen: soft hyphen, zero-width and direction marks, variation selectors.
_INVISIBLE: Final = (0xAD, *range(0x180B, 0x180F), *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF)
_SELECTORS: Final = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
_WRITTEN: Final[dict[int, str | None]] = {
    **dict.fromkeys(map(ord, _DOT_KINDS), DOT),
    **dict.fromkeys((*_INVISIBLE, *_SELECTORS), None),
}
_LOST_MARKS: Final = frozenset(map(ord, "?□■〓\ufffd"))
_HIDING: Final = frozenset("*_#×✕✖∗⁎○◎◯◇◆▯▢△▲☆★※")
_HIDING_MARKS: Final = frozenset(map(ord, _HIDING))
_NOISE: Final = frozenset(map(ord, "'\"`´,;:!|/\\-–—~^=+、\u2018\u2019\u201c\u201d"))
_PRIVATE: Final = range(0xE000, 0xF900)


# Radicals that look like the character and are none (CJK Radicals Supplement; NFKC knows only two of them), as fonts
# and copied PDF files bring them: where each is the whole of a character that names hold.
_RADICALS: Final = str.maketrans(
    "⺁⺄⺈⺊⺌⺎⺒⺓⺗⺟⺠⺥⺧⺩⺫⺬⺮⺯⺰⺲⺶⺷⺹⺼⻁⻄⻅⻆⻉⻋⻌⻐⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻮⻯⻰⻳",
    "厂乙刀卜小兀巳幺心母民爪牛王目示竹糹纟网羊羊老月虎西见角贝车辶钅長长门雨青韦页风飞食马骨鬼鱼鸟卤麦黄黾斉齐齿竜龙龟",
)

# Letters of other alphabets that look like Latin ones and are typed for them.
_LOOKALIKES: Final = str.maketrans(
    "АВСЕНІЈКМОРЅТХУҮԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧавсеніјкморѕтхуүοιν",
    "ABCEHIJKMOPSTXYYQWABEZHIKMNOPTYXABCEHIJKMOPSTXYYOIV",
)


class _Converter(Protocol):
    def convert(self, text: str) -> str: ...


def plain_name(name: str) -> str:
    """One spelling of a name: NFKC, no space or invisible mark, one kind of middle dot, characters for the entities and
    radicals that stand for them, Latin letters for those of other alphabets that look like them, upper case."""
    if name.isalnum() and name > FIRST_HAN and _DOT_LETTER not in name and unicodedata.is_normalized("NFKC", name):
        return name.upper()
    written = unescape(name) if "&" in name else name
    spelt = unicodedata.normalize("NFKC", written.translate(_RADICALS)).translate(_WRITTEN)
    return in_latin("".join(spelt.split())).upper()


def in_latin(text: str) -> str:
    """Latin letters in the place of Cyrillic and Greek ones that look like them."""
    return text if text.isascii() else text.translate(_LOOKALIKES)


def folded(plain: str) -> str:
    """A plain name without dots and marks, in simplified characters and usual variants, every lost character as `?`
    and every hidden one as `*`."""
    return plain.translate(_FOLDS)


@cache
def sound(character: str) -> str:
    """The first reading without tone of a folded character; a letter's own capital, and "" for a lost or hidden one."""
    if character in (LOST, HIDDEN):
        return ""
    readings = tones(character)
    return _toneless(readings[0]) if readings else character


@cache
def tones(character: str) -> tuple[str, ...]:
    """The readings of a character with their tones, usual one first; none for what is no Chinese character."""
    readings = _readings().get(ord(character), "")
    return tuple(readings.split(",")) if readings else ()


@cache
def _readings() -> dict[int, str]:
    """pypinyin's table of single characters, loaded by the first run that meets a name that needs it."""
    package = find_spec("pypinyin")
    # Importing it from its package loads the package's table of phrases too: 43 MB that no name needs.
    spec = PathFinder.find_spec("pinyin_dict", package.submodule_search_locations if package else None)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("pypinyin.pinyin_dict", name="pypinyin")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    readings: dict[int, str] = module.pinyin_dict
    return readings


def sound_alike(character: str, counterpart: str) -> bool:
    """Whether the usual reading of one character is a reading of the other, tones apart."""
    return sound(character) in _sounds(counterpart) or sound(counterpart) in _sounds(character)


def tone_alike(character: str, counterpart: str) -> bool:
    """Whether the usual readings of both characters are the same, tone and all."""
    first, second = tones(character), tones(counterpart)
    return bool(first and second) and first[0] == second[0]


@cache
def _sounds(character: str) -> frozenset[str]:
    return frozenset(map(_toneless, tones(character)))


@cache
def transcribed_sound(character: str) -> str:
    """The sound of a character in a transcribed name, where neighbouring sounds are written for each other."""
    plain_sound = sound(character)
    return MIXED_SOUNDS.get(plain_sound, plain_sound)


@cache
def is_rare(character: str) -> bool:
    """Whether GB2312 does not hold a character, so that old systems lose it and clerks look for another."""
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return True
    return False


@cache
def _toneless(reading: str) -> str:
    letters = unicodedata.normalize("NFD", reading.replace("ü", "v"))
    return "".join(letter for letter in letters if letter.isalpha() and letter.isascii())


def hides(plain: str) -> bool:
    """Whether a plain name holds a mark in the place of a character that somebody did not want to show."""
    return not plain.isalnum() and not _HIDING.isdisjoint(plain)


class _Folds(dict[int, str | None]):
    """Code point → what it becomes in a folded name, worked out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        if character == DOT or code in _NOISE:
            folds_to = None
        elif code in _LOST_MARKS or code in _PRIVATE:
            # Old systems keep characters of their own making in the private area, which nobody else can read.
            folds_to = LOST
        elif code in _HIDING_MARKS:
            folds_to = HIDDEN
        else:
            usual = _usual().get(character, character)
            simple = _converter().convert(usual) if usual > "\u2e80" else usual
            folds_to = simple if len(simple) == 1 else usual
        self[code] = folds_to
        return folds_to


@cache
def _usual() -> dict[str, str]:
    return {variant: group[0] for group in VARIANTS.split() for variant in group[1:] if variant != group[0]}


@cache
def _converter() -> _Converter:
    converter: _Converter = opencc.OpenCC("t2s")
    return converter


_FOLDS: Final = _Folds()
