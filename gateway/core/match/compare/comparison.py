"""Comparison: all that matching knows of one kind of evidence, in one place.

Scoring, reasons, blocks, training, the check of model files and the page of a clerk walk over the list of comparisons
(`COMPARISONS`). They name a kind of evidence only where a rule is about that one and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import msgspec

from gateway.core.masks import mask_text, same_typing
from gateway.core.match.model import Model
from gateway.core.match.writing.numbers import Number, read_number
from gateway.model.decision import Candidate
from gateway.model.person import Particulars, Subject

EARLIEST_BIRTH: Final = 1905
"""An earlier birth date is a placeholder (1900-01-01) and says nothing."""


class RecordSide(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record as it is compared: its particulars, its number as far as that can be read, and the birth date that
    stands in its own field."""

    subject: Subject
    number: Number
    written_birth: date | None

    @property
    def born(self) -> date | None:
        """The birth date, of the field or else of whatever the number shows."""
        return self.written_birth or self.number.born


def record_side(subject: Subject) -> RecordSide:
    """Read a record's number and birth date once, for all the members it is compared with."""
    born = subject.birth_date
    written = born if born is not None and born.year >= EARLIEST_BIRTH else None
    return RecordSide(subject=subject, number=read_number(subject.id_number), written_birth=written)


def day_of(born: date) -> str:
    """A birth date as the texts of blocks write it: eight digits."""
    return born.isoformat().replace("-", "")


class Blocking(msgspec.Struct, frozen=True, kw_only=True):
    """Under which texts a member can be found by this kind of evidence, and the one a record asks for.

    `place`: when a record asks, 1 before 2; of one place only the first comparison that has a text is asked for.
    `of_member` is given the member's birth day in eight digits, "" where it is not known; `of_record` gives "" where
    nothing could come of asking.
    """

    place: int
    of_member: Callable[[Particulars, str], tuple[str, ...]]
    of_record: Callable[[RecordSide], str]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of evidence: what it is called, how far two sides can agree in it, and what follows from that.

    `field`: what a model file, the evidence and the reasons call it. `levels`: best first. `record_field`,
    `member_field`: where it stands on either side, "" where a member has no such field.

    Weighing. `rarity`: bits that an agreement at one of `rare_levels` is worth beyond its level, for this member;
    `rare_levels` take the place of the average share of exact agreement. `echoes_number`: the number holds it, so its
    agreement says nothing new where the number agrees so far. `echoes_card`: a card that somebody else uses brings its
    owner's along. `of_same_number`: what tells a member from somebody who uses the card. `by_chance`: the value whose
    distribution over the roster tells how often two members agree exactly.

    Reasons. `always_said`: its level is a reason whatever it is. `supports`: level → what a reason says of it;
    `contradicts`: the levels at which two people speak against each other.

    Finding members. `blocking`: None where nothing is looked up by it. `told_by_feeds`: whether settlements carry it,
    so that a change of it can lead a stored settlement to another member.

    Showing. `mask`: how much of a value a clerk sees unasked; `same_text`: whether two values say the same to the eye.
    """

    field: str
    levels: tuple[str, ...]
    compare: Callable[[RecordSide, Candidate], str]
    record_field: str
    member_field: str
    rarity: Callable[[Candidate, Model], float] | None = None
    rare_levels: frozenset[str] = frozenset()
    echoes_number: bool = False
    echoes_card: bool = True
    of_same_number: bool = False
    by_chance: Callable[[Candidate], Hashable] | None = None
    always_said: bool = False
    supports: Mapping[str, str] = MappingProxyType({})
    contradicts: frozenset[str] = frozenset()
    blocking: Blocking | None = None
    told_by_feeds: bool = True
    mask: Callable[[str], str] = mask_text
    same_text: Callable[[str, str], bool] = same_typing

    def weight(self, level: str, member: Candidate, model: Model) -> float:
        """Bits of evidence that agreement at this level is worth, for or against this member."""
        weight = model.weight(self.field, level)
        if self.rarity is not None and level in self.rare_levels and model.knows(self.field, level):
            weight += self.rarity(member, model)
        return weight

    def reason(self, level: str) -> str:
        """The code of agreement at this level, where it is always said."""
        return f"{self.field}_{'agrees' if level == 'equal' else level}"
