"""Further errors: marks and other alphabets in numbers and names, what is hidden on purpose, names that families and
clerks write otherwise, and digits whose place leads nowhere; and the slips of the roster itself.
"""

from __future__ import annotations

from gateway.sandbox.people import Dice
from gateway.sandbox.truth_lines import SpoiledLine, change, is_chinese, other_digit, renamed, resident
from gateway.sandbox.truth_names import fits, mongol_parts, surname_of


def number_marked(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """Hyphens, an apostrophe in front, a mark nobody sees, full stops."""
    number = resident(line)
    if number is None:
        return None
    parts = (number[:6], number[6:14], number[14:])
    shapes = (
        "-".join(parts),
        f"'{number}",
        "\u200b".join(parts),
        f"\ufeff{number}",
        ".".join(parts),
        "\u2014".join(parts),
    )
    return change(line, id_number=dice.pick(shapes))


def number_letters(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """Letters for digits, of our alphabet or another, or the digits of another script."""
    number = resident(line)
    if number is None:
        return None
    arabic = number.translate({ord("0") + digit: 0x660 + digit for digit in range(10)})
    shapes = [number.replace("0", dice.pick("OoОΟ〇")), number.replace("1", dice.pick("IlІ")), arabic]
    return change(line, id_number=dice.pick([shape for shape in shapes if shape != number] or [arabic]))


def text_filled_up(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """A field filled up with NUL or another control character."""
    filled = dice.pick(("\0", "\0\0\0", "\x1a", "\x03"))
    return change(line, name=f"{line.name}{filled}") if line.name else None


def name_other_alphabet(_: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """Cyrillic letters that look like the Latin ones."""
    name = line.name or ""
    return renamed(line, name.translate(str.maketrans("ABCEHIKMOPTX", "АВСЕНІКМОРТХ"))) if name.isascii() else None


def name_radical(_: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """The radical in the place of the character, as a PDF file gives it."""
    return renamed(line, (line.name or "").translate(str.maketrans("龙马黄贝见风飞鱼", "⻰⻢⻩⻉⻅⻛⻜⻥")))


def name_entity(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """A rare character as a web page writes it."""
    shape = dice.pick(("&#{:d};", "&#x{:X};"))
    name = line.name or ""
    return renamed(line, "".join(c if fits(c, "gb2312") or c == "·" else shape.format(ord(c)) for c in name))


def name_dot_letter(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """A letter of another script that looks like the middle dot."""
    return renamed(line, (line.name or "").replace("·", dice.pick("\u1427\u318d")))


def name_behind_clan(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """The clan's name, or the father's, before a dot; or the member's own without it."""
    name = line.name or ""
    if "·" in name:
        own = name.rpartition("·")[2]
        return renamed(line, own) if len(own) > 2 else None
    clans = ("土默特", "孛儿只斤", "巴雅尔", "乌力吉", "科尔沁")
    return renamed(line, f"{dice.pick(clans)}·{name}") if mongol_parts(name)[1] and len(name) > 2 else None


def name_behind_surname(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """A Han surname in front of a transcribed name, of those that Mongolian families seldom bear."""
    surname, first, last = mongol_parts(line.name or "")
    return renamed(line, dice.pick("邰暴邢葛柴庞") + first + last) if first and last and not surname else None


def name_sounds_alike(_: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """A transcription in other characters of the same sounds."""
    name = line.name or ""
    respelt = name.translate(str.maketrans("其敦雅图那木", "琪顿亚涂纳目"))
    return renamed(line, respelt) if mongol_parts(name)[1] else None


def name_rare_dropped(_: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """A rare character gone without a mark, two others left; the record says sex and birth date."""
    name = line.name or ""
    left = "".join(character for character in name if fits(character, "gb2312"))
    return renamed(line, left) if len(left) == 2 and line.sex and line.birth_date else None


def name_hidden(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """The given name hidden on purpose: brothers and sisters are written so too."""
    name, mark = line.name or "", dice.pick("*＊×")
    surname = surname_of(name)
    return renamed(line, surname + mark * (len(name) - len(surname))) if is_chinese(line) and "·" not in name else None


def mask_without_birth(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """Three or four digits and the last four, and no birth date."""
    number = resident(line)
    first = dice.pick((3, 4))
    hidden = "*" * (14 - first)
    return change(line, id_number=number[:first] + hidden + number[14:], birth_date=None) if number else None


def mask_under_hidden_name(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """Six digits and the last two, under a hidden name."""
    number, hidden = resident(line), name_hidden(dice, line)
    if number is None or hidden is None or line.employer_name is None:
        return None
    return change(hidden, id_number=number[:6] + "*" * 10 + number[16:])


def number_short_without_birth(dice: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """A digit of the region or of the last four is missing, and so is the birth date."""
    number = resident(line)
    at = dice.pick((1, 3, 4, 14, 15, 16))
    return change(line, id_number=number[:at] + number[at + 1 :], birth_date=None) if number else None


def number_swapped_across(_: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """The last digit of the birth date and the first of the order number changed places; no birth date beside them."""
    number = resident(line) or " " * 18
    swapped = number[:13] + number[14] + number[13] + number[15:]
    return change(line, id_number=swapped, birth_date=None) if swapped != number else None


def slipped(dice: Dice, number: str) -> str:
    """A number with one slip in it that no other number explains better: a digit, two neighbours, the check digit."""
    shape = dice.below(3)
    at = dice.between(1, 15)
    if shape == 0 and number[at] != number[at + 1]:
        return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    return other_digit(dice, number, 17 if shape == 1 else at)


def on_the_roster(_: Dice, line: SpoiledLine) -> SpoiledLine | None:
    """Nothing is wrong with the record: it is the roster that says otherwise."""
    return line
