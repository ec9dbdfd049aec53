"""How numbers and names come to be written otherwise, for the second truth: one table each, name → (how, how often in
ten thousand records of life and of the hard mix, whether a gateway may decide alone).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

from gateway.sandbox.second_people import ENDS, WORDS, Townsman

Line: TypeAlias = dict[str, Any]
Spoiling: TypeAlias = tuple[Callable[[Random, Townsman, Line], Line | None], int, int, bool]


def _number(write: Callable[[Random, str], str | None], **more: Any) -> Callable[[Random, Townsman, Line], Line | None]:
    """A spoiling of the number alone."""

    def spoil(dice: Random, person: Townsman, line: Line) -> Line | None:
        written = write(dice, person.number)
        return None if written is None or written == person.number else {**line, **more, "id_number": written}

    return spoil


def _name(write: Callable[[Random, str], str | None]) -> Callable[[Random, Townsman, Line], Line | None]:
    """A spoiling of the name alone."""

    def spoil(dice: Random, person: Townsman, line: Line) -> Line | None:
        written = write(dice, person.name)
        return None if not written or written == person.name else {**line, "name": written}

    return spoil


def wrong_digit(dice: Random, number: str) -> str:
    """Before the last four, where no twin and no namesake of the district could be meant."""
    at = dice.randrange(1, 14)
    return number[:at] + str((int(number[at]) + dice.randrange(1, 10)) % 10) + number[at + 1 :]


def wrong_check(dice: Random, number: str) -> str:
    """The last character is another."""
    return number[:17] + dice.choice([digit for digit in "0123456789" if digit != number[17]])


def swapped(dice: Random, number: str) -> str:
    """Two neighbours changed places, before the last four."""
    at = dice.randrange(1, 12)
    return number[:at] + number[at + 1] + number[at] + number[at + 2 :]


def across(_: Random, number: str) -> str:
    """The last digit of the birth date and the first of the order number changed places."""
    return number[:13] + number[14] + number[13] + number[15:]


def old(_: Random, number: str) -> str | None:
    """The number as it was before 1999."""
    return number[:6] + number[8:17] if number[6:8] == "19" else None


def mask(first: int, last: int) -> Callable[[Random, str], str]:
    """A number of which the first and last digits are shown."""
    return lambda dice, number: number[:first] + dice.choice("***×#") * (18 - first - last) + number[18 - last :]


def short(dice: Random, number: str) -> str:
    """A digit of the region or of the last four is missing."""
    at = dice.choice((1, 2, 4, 14, 16))
    return number[:at] + number[at + 1 :]


def scripts(dice: Random, number: str) -> str:
    """The digits of another script."""
    first = dice.choice((0x660, 0x6F0, 0x966, 0xFF10))
    return "".join(chr(first + int(digit)) if digit.isdigit() else digit for digit in number)


def hidden_both(dice: Random, person: Townsman, line: Line) -> Line | None:
    """Six digits and two, under a hidden name."""
    if person.transcribed or line["employer_name"] is None:
        return None
    return {
        **line,
        "name": person.name[0] + "*" * (len(person.name) - 1),
        "id_number": mask(6, 2)(dice, person.number),
    }


def written_numbers() -> dict[str, Spoiling]:
    """What happens to numbers."""
    return {
        "hyphens": (_number(lambda _, n: f"{n[:6]}-{n[6:14]}-{n[14:]}"), 3, 120, True),
        "an apostrophe": (_number(lambda _, n: f"'{n}"), 3, 120, True),
        "marks not to be seen": (_number(lambda d, n: n[:6] + d.choice("\u200b\ufeff\u00a0") + n[6:]), 3, 120, True),
        "O for nought": (_number(lambda d, n: n.replace("0", d.choice("OО"))), 3, 120, True),
        "digits of other scripts": (_number(scripts), 2, 80, True),
        "NUL behind the number": (_number(lambda _, n: n + "\0"), 2, 80, True),
        "a small x": (_number(lambda _, n: n.lower()), 20, 100, True),
        "fifteen digits": (_number(old), 20, 200, True),
        "a wrong digit": (_number(wrong_digit), 20, 300, True),
        "a wrong check digit": (_number(wrong_check), 5, 100, True),
        "two digits swapped": (_number(swapped), 8, 150, True),
        "swapped across the birth date": (_number(across, birth_date=None), 1, 60, False),
        "seventeen digits": (_number(short, birth_date=None), 1, 60, False),
        "mask 6 and 4": (_number(mask(6, 4)), 30, 300, True),
        "mask 3 and 4, no birth date": (_number(mask(3, 4), birth_date=None), 1, 60, False),
        "mask 4 and 4, no birth date": (_number(mask(4, 4), birth_date=None), 1, 60, False),
        "mask 6 and 2, hidden name": (hidden_both, 1, 60, False),
    }


def _replaced(pairs: str) -> Callable[[Random, str], str]:
    table = {ord(pair[0]): pair[1] for pair in pairs.split()}
    return lambda _, name: name.translate(table)


def _is_rare(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return character != "·"
    return False


def _rare(write: Callable[[Random, str], str]) -> Callable[[Random, str], str]:
    """Every character that GB 2312 does not hold, written so."""
    return lambda dice, name: "".join(
        write(dice, character) if _is_rare(character) else character for character in name
    )


def clan(dice: Random, name: str) -> str | None:
    """A clan or a father named before a dot."""
    own = name in ("其其格", "格日勒图", "苏日娜", "乌日娜", "巴雅尔", "吉日嘎拉")
    return f"{dice.choice(('土默特', '孛儿只斤', '巴雅尔图', '乌力吉'))}·{name}" if own else None


def surname(dice: Random, name: str) -> str | None:
    """A Han surname in front of a transcribed name."""
    return dice.choice("邰暴佟席邢") + name if name in ("其其格", "苏日娜", "乌日娜", "格日勒图") else None


def dropped(_: Random, name: str) -> str | None:
    """A rare character gone without a mark, two others left."""
    left = "".join(character for character in name if not _is_rare(character))
    return left if len(left) == 2 and "·" not in name else None


def hidden(dice: Random, name: str) -> str | None:
    """The given name hidden."""
    mark = dice.choice("*＊×")
    return name[0] + mark * (len(name) - 1) if len(name) < 4 and "·" not in name else None


def cut(_: Random, name: str) -> str | None:
    """After four characters (a field of eight bytes), inside a word: what ends with one is another's whole name."""
    left = name[:4]
    return left if "·" not in name and len(name) > 4 and not left.endswith((*WORDS, *ENDS)) else None


def spelt_otherwise() -> dict[str, Spoiling]:
    """What happens to names."""
    dots = "•・．\u1427\u318d‧"
    return {
        "NUL behind the name": (_name(lambda d, n: n + d.choice(("\0", "\0\0", "\x03"))), 3, 100, True),
        "radicals": (_name(_replaced("龙⻰ 马⻢ 黄⻩ 风⻛ 贝⻉ 见⻅")), 2, 60, True),
        "entities": (_name(_rare(lambda _, c: f"&#{ord(c)};")), 2, 60, True),
        "lost": (_name(_rare(lambda d, _: d.choice(("?", "□", "〓", "■", "\ufffd", "\ue5e5")))), 15, 200, True),
        "traditional": (
            _name(_replaced("伟偉 国國 东東 丽麗 娟娟 凤鳳 兰蘭 红紅 强強 军軍 华華 飞飛 颖穎 张張 刘劉")),
            15,
            200,
            True,
        ),
        "another dot": (_name(lambda d, n: n.replace("·", d.choice(dots))), 10, 150, True),
        "no dot": (_name(lambda _, n: n.replace("·", "")), 10, 150, True),
        "a clan before a dot": (_name(clan), 2, 80, True),
        "a surname in front": (_name(surname), 2, 80, True),
        "transcriptions": (_name(lambda _, n: _SOUNDS.get(n)), 2, 80, True),
        "a rare character dropped": (_name(dropped), 2, 80, True),
        "hidden": (_name(hidden), 1, 60, False),
        "cut": (_name(cut), 5, 100, True),
        "a remark": (_name(lambda d, n: n + d.choice(("(本人)", "（职工）"))), 5, 100, True),
    }


_SOUNDS = {"其其格": "琪琪格", "琪琪格": "其其格", "阿不都": "阿卜杜", "旦增": "丹增", "格日勒": "格日乐"}
