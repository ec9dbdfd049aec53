"""Errors over a roster that is given: what records of these very members look like when each thing goes wrong.

For training. Nothing leaves the process, and no number is invented: the members' own are spoiled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import Final

import msgspec

from gateway.core.roster import RosterMember
from gateway.model.national_id import birth_date_of, checksum_ok, sex_of
from gateway.sandbox.people import Dice
from gateway.sandbox.truth import CLEAN, spoil
from gateway.sandbox.truth_errors import KINDS, Kind, SpoiledLine, clean_line
from gateway.sandbox.truth_names import fits, mongol_parts
from gateway.sandbox.truth_people import TruthPerson, World
from gateway.sandbox.truth_traps import MISUSED, TRAPS, Scene

_WHOLE: Final = 10_000


class Spoiled(msgspec.Struct, frozen=True, kw_only=True):
    """A record about one member: the kind of error, his place on the roster, and the share of life it stands for."""

    kind: str
    line: SpoiledLine
    place: int
    weight: float


def spoiled_records(people: Sequence[RosterMember], *, seed: int, of_each: int) -> Iterator[Spoiled]:
    """So many records of every kind of error that can happen to somebody here, and ten times as many clean ones.

    The weights add up to 1: those of life, and what cannot happen here goes to the clean ones.
    """
    cast = _Cast(people)
    left = _WHOLE
    for kind, chosen in KINDS.items():
        made = []
        # An error that can happen to few or nobody ends in fewer records, or none.
        with suppress(KeyError):
            for index in range(of_each):
                line, person = spoil(Dice("spoiled", seed, kind, index), kind, cast.draw, f"{kind}{index}")
                made.append((line, person.index))
        left -= chosen.life if made else 0
        for line, place in made:
            yield Spoiled(kind=kind, line=line, place=place, weight=chosen.life / _WHOLE / len(made))
    for index in range(10 * of_each):
        dice = Dice("spoiled", seed, CLEAN, index)
        person = cast.anybody(dice)
        line = clean_line(dice, person, f"C{index}")
        yield Spoiled(kind=CLEAN, line=line, place=person.index, weight=left / _WHOLE / (10 * of_each))


def misused_records(people: Sequence[RosterMember], *, seed: int, of_each: int) -> Iterator[Spoiled]:
    """So many records of each way of using a member's card, under his number; `place` is his. The weights are shares
    of all records that are not members'."""
    cast, world = _Cast(people), World(seed, members=len(people))
    for kind in MISUSED:
        made = []
        for index in range(of_each):
            dice = Dice("misused", seed, kind, index)
            member, stranger = cast.anybody(dice), cast.anybody(dice)
            # Who uses another's card needs no seat in an invented world: both are on the roster.
            scene = Scene(world=world, dice=dice, member=member, stranger=stranger, settlement_no=f"{kind}{index}")
            line = TRAPS[kind].write(scene)
            if line is not None:
                made.append((line, member.index))
        for line, place in made:
            yield Spoiled(kind=kind, line=line, place=place, weight=TRAPS[kind].life / _WHOLE / len(made))


class _Cast:
    """The members who take part, and which of them can play the parts that not everybody can."""

    def __init__(self, people: Sequence[RosterMember]) -> None:
        self._people = people
        self._all: list[int] = []
        self._roles: defaultdict[str, list[int]] = defaultdict(list)
        for place, member in enumerate(people):
            if not member.opt_out:
                self._all.append(place)
                self._roles[_role(member)].append(place)

    def anybody(self, dice: Dice) -> TruthPerson:
        """Any member."""
        return self._person(dice.pick(self._all))

    def draw(self, dice: Dice, kind: Kind) -> TruthPerson | None:
        """Any member to whom this kind of error may happen."""
        if not kind.roles:
            return self.anybody(dice)
        places = self._roles[dice.pick(kind.roles)]
        return self._person(dice.pick(places)) if places else None

    def _person(self, place: int) -> TruthPerson:
        member = self._people[place]
        resident = checksum_ok(member.id_number) and member.id_type == "01"
        born = birth_date_of(member.id_number) if resident else member.birth_date
        return TruthPerson(
            index=place,
            role=_role(member),
            name=member.name,
            id_type=member.id_type,
            id_number=member.id_number,
            sex=sex_of(member.id_number) if resident else member.sex or "",
            birth_date=born or date.min,
            phone=member.phone or "",
            unit_no=member.unit_no or "",
            unit_name=member.unit_name or "",
        )


def _role(member: RosterMember) -> str:
    if member.id_type != "01":
        return "foreign" if member.name.isascii() else "permit"
    if "·" in member.name:
        return "dotted"
    if mongol_parts(member.name)[1] and len(member.name) > 3:
        return "mongol"
    return "plain" if all(fits(character, "gb2312") for character in member.name) else "rare"
