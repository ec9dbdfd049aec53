"""Labelled truth (标注真值): a roster, records, and for every record whose it is and what happened to it.

For measuring and training the matching. Everything follows from the seed; the same plan gives the same files.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Final, Literal

import msgspec

from gateway.core.match.measuring.evaluating import Label
from gateway.errors import WrongUse
from gateway.sandbox.people import Dice
from gateway.sandbox.roster import HEADERS, ID_TYPES, SCHEME
from gateway.sandbox.truth_errors import KINDS, Kind, clean_line
from gateway.sandbox.truth_lines import SpoiledLine, change
from gateway.sandbox.truth_marks import slipped
from gateway.sandbox.truth_people import REGIONS, TruthPerson, World
from gateway.sandbox.truth_traps import TRAPS, Scene, Trap

Mix = Literal["life", "hard"]
CLEAN: Final = "clean"
STRANGER: Final = "stranger"
ROSTER_FILE: Final = "roster.csv"
RECORDS_FILE: Final = "records.jsonl"
TRUTH_FILE: Final = "truth.jsonl"

_NEAR_CHARACTERS: Final = str.maketrans("红伟华丽军志明玉建国梅兰", "虹玮桦莉君至鸣裕健帼媒岚")
_TRIES: Final = 60
_SHARES: Final = 10_000


class TruthPlan(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """How much truth of which mix. A quarter of the records are members'.

    life: 95 % of the members' records are clean, traps as rare as in life. hard: half of them are clean, and every
    kind of error and every trap comes far oftener. `regions`: the first six digits of the invented numbers.
    """

    members: int
    records: int
    mix: Mix = "life"
    seed: int = 1
    regions: tuple[str, ...] = REGIONS

    def __post_init__(self) -> None:
        if self.members < 10 or self.records < 1 or self.members + self.records >= self.world.most:
            most = f"会员至少10名，会员与记录之和小于{self.world.most}"
            raise WrongUse(f"{most} (10 members at least, members and records together below that)")

    @cached_property
    def world(self) -> World:
        """The people of this plan."""
        return World(self.seed, members=self.members, regions=self.regions)


def roster_of(plan: TruthPlan) -> Iterator[TruthPerson]:
    """The members, in order of their numbers, those who opted out too."""
    return map(plan.world.person, range(plan.members))


def truth_of(plan: TruthPlan) -> Iterator[tuple[SpoiledLine, Label]]:
    """The records with their labels."""
    errors, traps = _shares(KINDS, plan.mix), _shares(TRAPS, plan.mix)
    for index in range(plan.records):
        dice = Dice("truth record", plan.seed, plan.mix, index)
        if index % 4 == 0:
            yield _of_member(plan, dice, errors[dice.below(_SHARES)], f"T{index:010d}")
        else:
            yield _of_other(plan, dice, index, traps[dice.below(_SHARES)])


def write_truth(folder: Path, plan: TruthPlan) -> dict[str, int]:
    """Writes roster.csv, records.jsonl and truth.jsonl into the folder; returns how many records of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ROSTER_FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for person in roster_of(plan):
            writer.writerow(roster_row(as_on_roster(person), opted_out=plan.world.opted_out(person.index)))
    counts: dict[str, int] = {}
    encode = msgspec.json.Encoder().encode
    with (folder / RECORDS_FILE).open("wb") as records, (folder / TRUTH_FILE).open("wb") as labels:
        for line, label in truth_of(plan):
            records.write(encode(line) + b"\n")
            labels.write(encode(label) + b"\n")
            counts[label.kind] = counts.get(label.kind, 0) + 1
    return counts


def roster_row(person: TruthPerson, *, opted_out: bool) -> tuple[str, ...]:
    """A member as a row under the sandbox's HEADERS, covered for the year the records are of.

    Of those enrolled twice, half are so at one time; the others moved to their second unit that year.
    """
    moved = person.role == "enrolled_twice" and person.index // 1000 % 2
    year = 2020 if moved and person.index % 2 == 0 else 2021
    return (
        person.member_no,
        person.name,
        ID_TYPES[person.id_type],
        person.id_number,
        "男" if person.sex == "M" else "女",
        person.birth_date.isoformat(),
        person.phone,
        person.unit_no,
        person.unit_name,
        "乌海市",
        "在职",
        SCHEME,
        f"{year}-01-01",
        f"{year}-12-31",
        "是" if opted_out else "",
    )


def as_on_roster(person: TruthPerson) -> TruthPerson:
    """A member as an office wrote the roster: of some the number or a column is wrong, and of those enrolled twice one
    unit in two spells the name by its sound."""
    dice = Dice("truth roster", person.index)
    if person.role == "number_miswritten":
        return change(person, id_number=slipped(dice, person.id_number))
    if person.role == "column_miswritten":
        if dice.below(2):
            return change(person, sex="F" if person.sex == "M" else "M")
        return change(person, birth_date=person.birth_date + timedelta(days=dice.pick((-1, 9, 30, 365))))
    if person.role == "enrolled_twice" and person.index % 4 == 1:
        return change(person, name=person.name.translate(_NEAR_CHARACTERS))
    return person


def spoil(
    dice: Dice, kind: str, draw: Callable[[Dice, Kind], TruthPerson | None], no: str
) -> tuple[SpoiledLine, TruthPerson]:
    """A line with this error, about the first person drawn to whom it can happen; KeyError where there is nobody."""
    chosen = KINDS[kind]
    for _ in range(_TRIES):
        person = draw(dice, chosen)
        line = chosen.error(dice, clean_line(dice, person, no)) if person else None
        if person and line:
            return line, person
    raise KeyError(kind)


def member_for(world: World, dice: Dice, kind: Kind | Trap) -> TruthPerson | None:
    """A member to whom this can happen, as far as his role says; None where a small roster seems to hold none."""
    return world.in_role(dice, dice.pick(kind.roles)) if kind.roles else world.enrolled(dice)


def _shares(kinds: Mapping[str, Kind] | Mapping[str, Trap], mix: Mix) -> tuple[str, ...]:
    """Ten thousand draws: every kind as often as its share, the rest without a name."""
    drawn = [name for name, kind in kinds.items() for _ in range(kind.life if mix == "life" else kind.hard)]
    return tuple(drawn + [""] * (_SHARES - len(drawn)))


def _of_member(plan: TruthPlan, dice: Dice, kind: str, number: str) -> tuple[SpoiledLine, Label]:
    """A member's record. An error that can happen to nobody here leaves it clean."""
    person = None
    if kind:
        try:
            line, person = spoil(dice, kind, partial(member_for, plan.world), number)
        except KeyError:
            kind = ""
    if person is None:
        person = plan.world.enrolled(dice)
        line = clean_line(dice, person, number)
    partner = person.partner if person.role == "enrolled_twice" else None
    also = () if partner is None or partner >= plan.members else (plan.world.person(partner).member_no,)
    # A spoiled number could be either of two people with one name and birth date.
    ambiguous = person.role == "same_name_and_birth" and kind.startswith("number")
    # Coverage plays no part in matching, so that two member numbers are one person only a person can say.
    automatic = not also and (not kind or (KINDS[kind].automatic and not ambiguous))
    label = Label(
        settlement_no=number,
        member_no=person.member_no,
        kind=kind or CLEAN,
        automatic=automatic,
        review=not automatic,
        also=also,
    )
    return line, label


def _of_other(plan: TruthPlan, dice: Dice, index: int, kind: str) -> tuple[SpoiledLine, Label]:
    """A record of somebody who is no member. A trap that cannot be laid here leaves an ordinary stranger."""
    number = f"T{index:010d}"
    stranger = plan.world.person(plan.members + plan.members % 2 + index)
    line: SpoiledLine | None = None
    for _ in range(_TRIES if kind else 0):
        member = member_for(plan.world, dice, TRAPS[kind])
        if member is not None:
            scene = Scene(world=plan.world, dice=dice, member=member, stranger=stranger, settlement_no=number)
            line = TRAPS[kind].write(scene)
        if line is not None:
            break
    if line is None:
        kind, line = STRANGER, clean_line(dice, stranger, number)
    review = kind != STRANGER and TRAPS[kind].review
    return line, Label(settlement_no=number, member_no=None, kind=kind, automatic=False, review=review)
