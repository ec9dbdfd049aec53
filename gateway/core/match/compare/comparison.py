"""Comparison: all that matching knows of one kind of evidence, in one place.

Scoring, reasons, blocks, training, the check of model files and the page of a clerk walk over the list of comparisons
(`COMPARISONS`). They name a kind of evidence only where a rule is about that one and no other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from datetime import date
from typing import Final

import msgspec

from gateway.core.masks import mask_text, same_typing
from gateway.core.match.model import Model, SameNumber
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


class Comparison(ABC):
    """One kind of evidence: what it is called, how far two sides can agree in it, and what follows from that.

    `field`: what a model file, the evidence and the reasons call it. `levels`: best first. `record_field`,
    `member_field`: where it stands on either side, "" where a member has no such field.

    Weighing. `rare_levels`: those at which an agreement is worth more than its level says, by `rarity`.
    `echoes_number`: the number holds it, so its agreement says nothing new where the number agrees so far.
    `echoes_card`: a card that somebody else uses brings its owner's along. `of_same_number`: what tells a member from
    somebody who uses the card.

    Reasons. `always_said`: its level is a reason whatever it is. `supports`: the levels that are a reason else;
    `contradicts`: those at which the sides speak against each other.

    Finding members. `place`: when a record asks by it, 1 before 2; of one place only the first comparison that has a
    text is asked for; 0 where nothing is looked up by it. `told_by_feeds`: whether settlements carry it, so that a
    change of it can lead a stored settlement to another member.
    """

    field: str
    levels: tuple[str, ...]
    record_field: str
    member_field: str
    rare_levels: frozenset[str] = frozenset()
    echoes_number = False
    echoes_card = True
    of_same_number = False
    always_said = False
    supports: frozenset[str] = frozenset()
    contradicts: frozenset[str] = frozenset()
    place = 0
    told_by_feeds = True

    @abstractmethod
    def compare(self, record: RecordSide, member: Candidate) -> str:
        """The level at which a record agrees with a member."""

    def rarity(self, member: Candidate, model: Model) -> float:
        """Bits that an agreement with this member is worth beyond an average one."""
        return 0.0

    def by_chance(self, member: Candidate) -> Hashable:
        """The value whose distribution over a roster tells how often two members agree exactly; None: it tells none."""
        return None

    def member_blocks(self, person: Particulars, day: str) -> tuple[str, ...]:
        """The texts a person can be found under; `day`: the birth day in eight digits, "" where it is not known."""
        return ()

    def record_block(self, record: RecordSide) -> str:
        """The text a record asks for; "" where nothing could come of asking."""
        return ""

    def mask(self, text: str) -> str:
        """How much of a value a clerk sees unasked."""
        return mask_text(text)

    def same_text(self, record: str, member: str) -> bool:
        """Whether two values say the same to the eye."""
        return same_typing(record, member)

    def weight(self, level: str, member: Candidate, model: Model) -> float:
        """Bits of evidence that agreement at this level is worth, for or against this member."""
        weight = model.weight(self.field, level)
        if level in self.rare_levels and model.knows(self.field, level):
            weight += self.rarity(member, model)
        return weight

    def weight_under_number(self, level: str, same_number: SameNumber) -> float:
        """The same under a member's very number."""
        return same_number.weight(self.field, level)

    def reason(self, level: str) -> str:
        """The code of agreement at this level."""
        return f"{self.field}_{'agrees' if level in ('equal', 'similar') else level}"
