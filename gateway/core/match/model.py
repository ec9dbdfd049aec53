"""Model: the numbers matching weighs evidence with. One version is one file of config/matching.

A file that was written before a level was known does not hold it: what a model does not know weighs nothing, for or
against, so a new level, or a new kind of evidence, changes no decision of an older model.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log2

import msgspec


class Level(msgspec.Struct, frozen=True, gc=False):
    """How often a level is seen among pairs that are the same person (m) and among pairs that are not (u)."""

    m: float
    u: float

    @property
    def weight(self) -> float:
        """Bits of evidence: log2(m / u)."""
        return log2(self.m / self.u)


class SameNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Records under a member's very number: the member's own (m), or of somebody who uses the card (u).

    Under one number the fields are not independent of it: a card that somebody else uses brings most of its owner's
    particulars along. `prior`: the share of such records that are the member's own. `levels`: only the fields that tell
    a member from somebody who uses the card.
    """

    prior: float
    levels: Mapping[str, Mapping[str, Level]]
    weights: Mapping[str, Mapping[str, float]] = {}

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "weights", _weights(self.levels))

    def weight(self, field: str, level: str) -> float:
        """Bits of evidence that a level is worth; 0 where this version does not know it."""
        return weight_in(self.weights, field, level)


class Frequencies(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of names in the population (0 to 1): whole names that are common, surnames, and given characters.

    `floor` is the share of a name nobody has counted; no name weighs more than it.
    """

    names: Mapping[str, float] = {}
    surnames: Mapping[str, float] = {}
    given: Mapping[str, float] = {}
    other_surname: float = 0.0005
    other_given: float = 0.0005
    single_given: float = 0.3
    floor: float = 0.0000005


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the model. `prior`: how probable a pair is the same person before anything is compared.

    `matched`, `review`: the posterior from which a pair may be matched (where the rules allow it) or is worth a
    person's eyes. `weights` follow from `levels`. `same_number`: what is weighed instead where the number is a
    member's; a model without it weighs every field alike.
    """

    version: str
    prior: float
    matched: float
    review: float
    levels: Mapping[str, Mapping[str, Level]]
    frequencies: Frequencies
    same_number: SameNumber | None = None
    weights: Mapping[str, Mapping[str, float]] = {}

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "weights", _weights(self.levels))

    def weight(self, field: str, level: str) -> float:
        """Bits of evidence that a level is worth; 0 where this version does not know it."""
        return weight_in(self.weights, field, level)

    def knows(self, field: str, level: str) -> bool:
        """Whether this version has a number for a level, and for exact agreement, which a name's frequency replaces."""
        levels = self.levels.get(field, {})
        return level in levels and "equal" in levels


def log_odds(share: float) -> float:
    """Bits for and against: log2(p / (1 - p))."""
    return log2(share / (1 - share))


def weight_in(weights: Mapping[str, Mapping[str, float]], field: str, level: str) -> float:
    """The weight of a level in a table that may be older than the level."""
    of_field = weights.get(field)
    return 0.0 if of_field is None else of_field.get(level, 0.0)


def _weights(levels: Mapping[str, Mapping[str, Level]]) -> dict[str, dict[str, float]]:
    """Worked out once, because every comparison adds them up."""
    return {field: {name: level.weight for name, level in of.items()} for field, of in levels.items()}
