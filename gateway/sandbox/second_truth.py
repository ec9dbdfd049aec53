"""A second labelled truth (第二份标注真值), written from the list of what happens to records and rosters and from the
text of the rules alone. It shares nothing with the first but the form of its files: what one overlooks, or takes for
granted, the other need not.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from gateway.sandbox.second_people import HEADER, Town, Townsman, roster_lines, town_of
from gateway.sandbox.second_writings import Line, spelt_otherwise, written_numbers

_Spoil = Callable[[Random, Townsman, Line], Line | None]


class Happening(msgspec.Struct, frozen=True):
    """What happens to a record: how, how often in ten thousand (life, hard), and whether a gateway may decide alone."""

    spoil: _Spoil
    life: int
    hard: int
    automatic: bool


def _without(field: str) -> _Spoil:
    return lambda _, __, line: {**line, field: None}


def other_sex(_: Random, person: Townsman, line: Line) -> Line:
    """The sex field says otherwise than the number."""
    return {**line, "sex": "F" if person.sex == "M" else "M"}


def other_birth(dice: Random, person: Townsman, line: Line) -> Line:
    """The birth date field says another year than the number."""
    return {**line, "birth_date": f"{int(person.born[:4]) + dice.choice((-10, -1, 1, 10))}{person.born[4:]}"}


def no_number(dice: Random, person: Townsman, line: Line) -> Line:
    """No number, or one typed for none; the employer is known."""
    return {**line, "id_number": dice.choice((None, "", "无", "0", "1" * 18)), "employer_name": person.unit}


def passport(dice: Random, person: Townsman, line: Line) -> Line:
    """Enrolled with the number of a resident, in hospital with a passport."""
    return {**line, "id_type": "16", "id_number": f"E{dice.randrange(10**8):08d}", "employer_name": person.unit}


def other_character(dice: Random, person: Townsman, line: Line) -> Line | None:
    """The last character of the name is another."""
    name = person.name
    return {**line, "name": name[:-1] + dice.choice("亿仑弘帛庭彻")} if len(name) == 3 and "·" not in name else None


HAPPENINGS: Final[dict[str, Happening]] = {
    **{
        name: Happening(spoil, life, hard, automatic)
        for table in (written_numbers(), spelt_otherwise())
        for name, (spoil, life, hard, automatic) in table.items()
    },
    "no birth date": Happening(_without("birth_date"), 10, 150, True),
    "no sex": Happening(_without("sex"), 10, 150, True),
    "another sex": Happening(other_sex, 2, 50, False),
    "another birth date": Happening(other_birth, 2, 50, False),
    "no number": Happening(no_number, 4, 120, False),
    "a passport": Happening(passport, 3, 80, False),
    "another character": Happening(other_character, 3, 100, False),
}
"""What happens to members' records; what is left of ten thousand is as it should be."""

_Trap = Callable[[Random, Town, Townsman], Line | None]


def brother(dice: Random, town: Town, member: Townsman) -> Line | None:
    """The member's card in a brother's hand."""
    line = town.plain(dice, member)
    return {**line, "name": town.sibling(dice, member)} if town.sibling(dice, member) else None


def hidden_brother(dice: Random, town: Town, member: Townsman) -> Line | None:
    """The same, and the feed hides given names: what is left of both names is the same."""
    if "·" in member.name or member.transcribed:
        return None
    shown = member.name[0] + "*" * (len(member.name) - 1)
    line = {**town.plain(dice, member), "name": shown}
    if dice.random() < 0.5:
        line["id_number"] = f"{member.number[:6]}********{member.number[14:]}"
    return line


def whole_name(dice: Random, town: Town, member: Townsman) -> Line | None:
    """包格日勒 under the number of 包格日勒图."""
    line = town.plain(dice, member)
    return {**line, "name": member.name[:-1]} if member.name.endswith("格日勒图") and len(member.name) > 4 else None


def newborn(dice: Random, town: Town, member: Townsman) -> Line | None:
    """A newborn under its mother's number."""
    if member.sex != "F":
        return None
    return {
        **town.plain(dice, member),
        "name": member.name + dice.choice(("之子", "之女", "婴")),
        "birth_date": "2021-03-04",
    }


def namesake(dice: Random, town: Town, member: Townsman) -> Line | None:
    """Somebody of the same name and day with a number of his own."""
    number = town.free_number(dice, member.born, member.sex)
    return {**town.plain(dice, member), "id_number": number, "employer_name": None, "phone": None, "person_no": None}


def namesake_by_default(dice: Random, town: Town, member: Townsman) -> Line | None:
    """The same with a slip, and what a feed fills in by itself: the member's roster knows it of many."""
    line = namesake(dice, town, member)
    defaults = {"employer_name": "灵活就业人员", "phone": "04735550000", "person_no": "0000000000"}
    return None if line is None else {**line, **defaults, "id_number": None}


def neighbour(dice: Random, town: Town, member: Townsman) -> Line | None:
    """Another name under the number that stands beside the member's."""
    stranger = town.stranger(dice)
    return {
        **town.plain(dice, stranger),
        "id_number": town.free_number(dice, member.born, member.sex),
        "birth_date": member.born,
    }


def household(dice: Random, town: Town, member: Townsman) -> Line | None:
    """Who lives with a member, under a number that is nobody's."""
    return {**town.plain(dice, town.stranger(dice)), "phone": member.phone, "employer_name": member.unit}


def hidden_stranger(dice: Random, town: Town, member: Townsman) -> Line | None:
    """A stranger of whom a feed shows a part only."""
    stranger = town.stranger(dice)
    line = town.plain(dice, stranger)
    return {
        **line,
        "name": stranger.name[0] + "**",
        "id_number": f"{stranger.number[:6]}********{stranger.number[14:]}",
    }


def placeholder(dice: Random, town: Town, member: Townsman) -> Line | None:
    """What is typed to get past the desk."""
    numbers = ("0" * 18, "1" * 15, "123456789012345678", "无", "-")
    return {**town.plain(dice, town.stranger(dice)), "id_number": dice.choice(numbers), "phone": "13800000000"}


def opted_out(dice: Random, town: Town, member: Townsman) -> Line | None:
    """Who stands on the roster and takes no part."""
    return town.plain(dice, dice.choice(town.out)) if town.out else None


SNARES: Final[dict[str, tuple[_Trap, int, int, bool]]] = {
    "a brother on the card": (brother, 3, 90, True),
    "a hidden brother on the card": (hidden_brother, 1, 50, True),
    "another's whole name on the card": (whole_name, 1, 25, True),
    "a newborn on the card": (newborn, 2, 60, True),
    "a namesake of the day": (namesake, 3, 300, False),
    "a namesake by default": (namesake_by_default, 1, 30, True),
    "a neighbour's number": (neighbour, 3, 300, False),
    "the household": (household, 10, 200, False),
    "a hidden stranger": (hidden_stranger, 10, 300, False),
    "nobody's number": (placeholder, 5, 100, False),
    "who opted out": (opted_out, 5, 60, False),
}
"""What is laid for the matching among others' records: how, how often in ten thousand, whether a person should look."""


def second_truth(
    members: int, records: int, mix: str, seed: int
) -> tuple[list[list[str]], Iterator[tuple[Line, Line]]]:
    """The lines of a roster, header first, and the records with their labels."""
    town = town_of(members, seed)
    return [list(HEADER), *roster_lines(town, seed)], _records(town, records, mix, seed)


def _records(town: Town, records: int, mix: str, seed: int) -> Iterator[tuple[Line, Line]]:
    hard = mix == "hard"
    kinds = [(name, what.hard if hard else what.life) for name, what in HAPPENINGS.items()]
    traps = [(name, trap[2] if hard else trap[1]) for name, trap in SNARES.items()]
    for index in range(records):
        dice = Random(f"{seed} record {index}")  # noqa: S311 - invented, no secret
        line, label = _members(dice, town, kinds) if index % 4 == 0 else _others(dice, town, traps)
        number = f"Z{index:09d}"
        yield {**line, "settlement_no": number}, {**label, "settlement_no": number}


def _members(dice: Random, town: Town, kinds: list[tuple[str, int]]) -> tuple[Line, Line]:
    """A member's record; one about somebody whom the roster has wrong is spoiled no further."""
    member = dice.choice(town.members)
    line, kind = town.plain(dice, member), _drawn(dice, kinds)
    for _ in range(200 if kind else 0):
        member = dice.choice(town.members)
        spoiled = HAPPENINGS[kind].spoil(dice, member, town.plain(dice, member)) if not member.slip else None
        if spoiled is not None and spoiled != town.plain(dice, member):
            line = spoiled
            break
    else:
        kind = ""
        member = dice.choice(town.members)
        line = town.plain(dice, member)
    automatic = (not kind or HAPPENINGS[kind].automatic) and member.slip not in ("number", "near name")
    label = {
        "member_no": member.member_no,
        "kind": kind or (f"the roster: {member.slip}" if member.slip else "as it should be"),
        "automatic": automatic,
        "review": not automatic,
        "also": [member.twin_no] if member.twin_no else [],
    }
    return line, label


def _others(dice: Random, town: Town, traps: list[tuple[str, int]]) -> tuple[Line, Line]:
    name = _drawn(dice, traps)
    for _ in range(200 if name else 0):
        member = dice.choice(town.members)
        line = None if member.slip else SNARES[name][0](dice, town, member)
        if line is not None:
            return line, {"member_no": None, "kind": name, "automatic": False, "review": SNARES[name][3]}
    stranger = town.plain(dice, town.stranger(dice))
    return stranger, {"member_no": None, "kind": "a stranger", "automatic": False, "review": False}


def _drawn(dice: Random, shares: list[tuple[str, int]]) -> str:
    """One of the names by its share of ten thousand, or none."""
    left = dice.randrange(10_000)
    for name, share in shares:
        left -= share
        if left < 0:
            return name
    return ""


def write_second_truth(folder: Path, *, members: int, records: int, mix: str, seed: int) -> dict[str, int]:
    """Writes roster.csv, records.jsonl and truth.jsonl into the folder; returns how many records of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    roster, lines = second_truth(members, records, mix, seed)
    with (folder / "roster.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(roster)
    counts: dict[str, int] = {}
    encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode
    with (folder / "records.jsonl").open("wb") as told, (folder / "truth.jsonl").open("wb") as labels:
        for line, label in lines:
            told.write(encode({field: value for field, value in line.items() if value is not None}) + b"\n")
            labels.write(encode(label) + b"\n")
            counts[str(label["kind"])] = counts.get(str(label["kind"]), 0) + 1
    return counts
