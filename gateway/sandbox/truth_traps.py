"""Records that look like a member's and are not (陷阱): somebody else used the number, twins, namesakes, neighbours.

A trap takes a member and a stranger and writes the stranger's line. `review` says whether a person should look at
it: where a member's own number stands on it, or where nothing on it tells the two apart.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

import msgspec

from gateway.sandbox.people import Dice
from gateway.sandbox.truth_errors import (
    SpoiledLine,
    change,
    clean_line,
    number_15,
    number_check_wrong,
    number_masked,
    number_masked_more,
    number_missing,
    number_one_wrong,
    number_swapped,
    other_document,
)
from gateway.sandbox.truth_names import han_name, mongol_parts, surname_of
from gateway.sandbox.truth_people import TruthPerson, World, sibling_name

Person = TruthPerson
NO_NUMBERS: Final = ("0" * 18, "1" * 18, "9" * 18, "123456789012345678", "000000000000000", "-", "NULL")
NO_NAMES: Final = ("无名氏", "未知")
"""What stands in the place of a number and of a name where nobody asked for them."""

_PAIRS: Final = frozenset(("twins", "same_name_and_birth", "enrolled_twice"))


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Who plays: a member, a stranger, and the world they live in."""

    world: World
    dice: Dice
    member: TruthPerson
    stranger: TruthPerson
    settlement_no: str

    def line_of(self, person: TruthPerson) -> SpoiledLine:
        """What a league that makes no mistake writes about him; a stranger's person number is his own."""
        return change(clean_line(self.dice, person, self.settlement_no), person_no=self.stranger.person_no)

    def on_the_members_number(self, name: str) -> SpoiledLine:
        """The member's card in another's hand: the insurer's fields are the card's, the desk's are the other's."""
        line = change(clean_line(self.dice, self.member, self.settlement_no), name=name)
        if self.dice.below(2):
            return change(line, sex=self.stranger.sex, birth_date=self.stranger.birth_date)
        return line


def used_by_stranger(scene: Scene) -> SpoiledLine | None:
    """A stranger under the member's number."""
    if surname_of(scene.stranger.name) == surname_of(scene.member.name):
        return None
    return scene.on_the_members_number(scene.stranger.name)


def used_by_sibling(scene: Scene) -> SpoiledLine | None:
    """A brother or sister under the member's number."""
    name = sibling_name(scene.dice, scene.member.name, scene.stranger.sex)
    return scene.on_the_members_number(name)


def used_for_newborn(scene: Scene) -> SpoiledLine | None:
    """A newborn under its mother's number: named after her, or already with a name of its own."""
    mother, dice = scene.member, scene.dice
    if mother.sex != "F":
        return None
    line = clean_line(dice, mother, scene.settlement_no)
    admitted = line.admitted_on or date(2021, 6, 1)
    named = mother.name + dice.pick(("之子", "之女", "之婴", "之长女", "之次子", "婴", "(婴儿)"))
    own = han_name(dice, scene.stranger.sex, surname=surname_of(scene.stranger.name))
    born = admitted - timedelta(days=dice.below(20))
    name = own if dice.below(4) == 0 and own != mother.name else named
    return change(line, name=name, birth_date=born, sex=dice.pick(("M", "F")))


def hidden_sibling(scene: Scene) -> SpoiledLine | None:
    """A brother or sister under the member's number, the given name hidden: what is shown is the member's too."""
    name, member = sibling_name(scene.dice, scene.member.name, scene.member.sex), scene.member
    surname = surname_of(member.name)
    if surname_of(name) != surname or len(name) != len(member.name) or "·" in member.name:
        return None
    line = clean_line(scene.dice, member, scene.settlement_no)
    return change(line, name=surname + "*" * (len(name) - len(surname)))


def whole_name(scene: Scene) -> SpoiledLine | None:
    """Somebody whose whole name the member's begins with (包格日勒, 包格日勒图), under the member's number."""
    surname, first, last = mongol_parts(scene.member.name)
    whole = surname + first
    return scene.on_the_members_number(whole) if len(first) > 2 and last and len(whole) > 3 else None


def twin(scene: Scene) -> SpoiledLine | None:
    """The member's twin, no member himself, under his own number; sometimes it is written badly."""
    member, dice = scene.member, scene.dice
    sibling = _neighbour(scene, sibling_name(dice, member.name, member.sex), step=2)
    line = scene.line_of(change(sibling, phone=member.phone)) if sibling else None
    spoiled = dice.pick((None, None, number_check_wrong, number_one_wrong, number_masked, number_15))
    return (spoiled(dice, line) or line) if line and spoiled else line


def same_name_and_birth(scene: Scene) -> SpoiledLine | None:
    """Somebody born on the same day who bears the same name, under his own sound number."""
    return scene.line_of(_namesake(scene, scene.member.birth_date))


def same_name_and_birth_unproved(scene: Scene) -> SpoiledLine | None:
    """The same, and the number is missing or masked: nothing tells the two apart."""
    line = scene.line_of(_namesake(scene, scene.member.birth_date))
    return scene.dice.pick((number_missing, number_masked_more, other_document))(scene.dice, line)


def one_digit_away(scene: Scene) -> SpoiledLine | None:
    """Another's sound number that differs from the member's in one digit and the check digit."""
    number, dice = scene.member.id_number, scene.dice
    names = (scene.member.name, scene.stranger.name, scene.stranger.name)
    neighbours = [_neighbour(scene, dice.pick(names), step=step) for step in (1, 2, 3)]
    near = [person for person in neighbours if person and person.id_number[:16] == number[:16]]
    return scene.line_of(dice.pick(near)) if near else None


def unsound_beside_member(scene: Scene) -> SpoiledLine | None:
    """Another's number, written so that one digit more would make it the member's."""
    line = scene.line_of(scene.stranger)
    wrong = number_one_wrong(scene.dice, change(line, id_type="01", id_number=scene.member.id_number))
    return change(wrong, name=scene.stranger.name) if wrong else None


def father_and_son(scene: Scene) -> SpoiledLine | None:
    """The member's father or son, who bears his name and shares telephone and employer."""
    years, member = scene.dice.between(22, 34), scene.member
    born = date(member.birth_date.year - years, member.birth_date.month, min(member.birth_date.day, 28))
    return scene.line_of(change(_namesake(scene, born), phone=member.phone, unit_name=member.unit_name))


def household(scene: Scene) -> SpoiledLine | None:
    """Wife or husband: the member's telephone and employer, and nothing else."""
    member = scene.member
    return scene.line_of(change(scene.stranger, phone=member.phone, unit_name=member.unit_name))


def placeholder(scene: Scene) -> SpoiledLine | None:
    """Nobody's number, typed to get past the desk; under a stranger's name, or nobody's."""
    number = scene.dice.pick(NO_NUMBERS)
    name = scene.dice.pick((*NO_NAMES, scene.stranger.name, None))
    return change(scene.line_of(scene.stranger), id_type="01", id_number=number, name=name)


def stranger_spoiled(scene: Scene) -> SpoiledLine | None:
    """A stranger with an error of his own: unsound, masked, missing, old."""
    errors = (number_one_wrong, number_swapped, number_masked, number_masked, number_missing, number_15, other_document)
    return scene.dice.pick(errors)(scene.dice, scene.line_of(scene.stranger))


def opted_out(scene: Scene) -> SpoiledLine | None:
    """Somebody on the roster who does not take part."""
    return clean_line(scene.dice, scene.member, scene.settlement_no)


class Trap(msgspec.Struct, frozen=True):
    """A trap: how it is written, how often in ten thousand records of others, whether a person should look, and
    which members it is laid for where it is not any; whether the sandbox's leagues write it."""

    write: Callable[[Scene], SpoiledLine | None]
    life: int
    hard: int
    review: bool = False
    roles: tuple[str, ...] = ()
    at_night: bool = True


TRAPS: Final = {
    "used_by_stranger": Trap(used_by_stranger, 2, 90, True),
    "used_by_sibling": Trap(used_by_sibling, 2, 80, True),
    "used_for_newborn": Trap(used_for_newborn, 3, 70, True),
    "hidden_sibling": Trap(hidden_sibling, 1, 30, True, at_night=False),
    "whole_name": Trap(whole_name, 1, 25, True, ("mongol",), at_night=False),
    "twin": Trap(twin, 5, 250),
    "same_name_and_birth": Trap(same_name_and_birth, 3, 250),
    "same_name_and_birth_unproved": Trap(same_name_and_birth_unproved, 1, 20, True),
    "one_digit_away": Trap(one_digit_away, 3, 250),
    "unsound_beside_member": Trap(unsound_beside_member, 1, 60),
    "father_and_son": Trap(father_and_son, 3, 150),
    "household": Trap(household, 10, 200),
    "placeholder": Trap(placeholder, 5, 60),
    "opted_out": Trap(opted_out, 5, 50, roles=("opted_out",)),
    "stranger_spoiled": Trap(stranger_spoiled, 80, 1200),
}
"""Every kind of trap. What is left of ten thousand records of others is strangers' without an error."""

MISUSED: Final = ("used_by_stranger", "used_by_sibling", "used_for_newborn")
"""The traps in which somebody else used the member's number."""


def _neighbour(scene: Scene, name: str, step: int) -> TruthPerson | None:
    """Somebody of the member's day and region with a number of his seat that is nobody's."""
    member = scene.member
    if member.id_type != "01" or (member.role in _PAIRS):
        return None
    number = scene.world.neighbour_number(member, step)
    sex = "M" if int(number[16]) % 2 else "F"
    return change(
        scene.stranger, name=name, id_type="01", id_number=number, sex=sex, birth_date=member.birth_date, partner=None
    )


def _namesake(scene: Scene, born: date) -> TruthPerson:
    member = scene.member
    number = scene.world.outside_number(scene.dice, born, member.sex)
    return change(
        scene.stranger, name=member.name, id_type="01", id_number=number, sex=member.sex, birth_date=born, partner=None
    )
