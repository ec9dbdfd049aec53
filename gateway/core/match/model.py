"""Model: the numbers matching weighs evidence with. One version is one file of config/matching."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2
from typing import Final

import msgspec

LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "id_number": (
        "equal",
        "same_document",
        "one_digit",
        "swapped",
        "digit_missing",
        "digit_doubled",
        "masked",
        "masked_part",
        "two_digits",
        "unsound_differs",
        "sound_near",
        "sound_differs",
        "masked_differs",
        "other_document",
        "missing",
    ),
    "name": (
        "equal",
        "variant",
        "transcribed",
        "cut",
        "rare_lost",
        "rare_homophone",
        "rare_spelt",
        "folk_surname",
        "lost",
        "homophone",
        "typo",
        "surname",
        "newborn",
        "differs",
        "missing",
    ),
    "birth_date": ("equal", "swapped", "year", "differs", "missing"),
    "sex": ("equal", "differs", "missing"),
    "employer": ("equal", "similar", "differs", "missing"),
    "phone": ("equal", "differs", "missing"),
    "person_no": ("known", "missing"),
}
"""Every field of the evidence and the levels it can agree at, best first."""


class Level(msgspec.Struct, frozen=True, gc=False):
    """How often a level is seen among pairs that are the same person (m) and among pairs that are not (u)."""

    m: float
    u: float

    @property
    def weight(self) -> float:
        """Bits of evidence: log2(m / u)."""
        return log2(self.m / self.u)


SAME_NUMBER_FIELDS: Final = ("name", "birth_date", "sex")
"""What tells a member from somebody who uses his card; employer and telephone of a record are the card's."""


class SameNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Records under a member's very number: his own (m), or of somebody who uses his card (u).

    Under one number the fields are not independent of it: a card that somebody else uses brings most of its owner's
    particulars along. `prior`: the share of such records that are the member's own. `levels`: SAME_NUMBER_FIELDS only.
    """

    prior: float
    levels: Mapping[str, Mapping[str, Level]]
    weights: Mapping[str, Mapping[str, float]] = {}

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "weights", _weights(self.levels))


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

    A file that was written before a level was known does not hold it. `weights` has every level all the same: what a
    model does not know weighs nothing, for or against, so a new level changes no decision of an older model.
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
        unknown = {field: dict.fromkeys(levels, 0.0) for field, levels in LEVELS.items()}
        known = _weights(self.levels)
        weights = {field: {**levels, **known.get(field, {})} for field, levels in unknown.items()}
        msgspec.structs.force_setattr(self, "weights", weights)

    def knows(self, field: str, level: str) -> bool:
        """Whether this version has a number for a level, and for exact agreement, which a name's frequency replaces."""
        levels = self.levels.get(field, {})
        return level in levels and "equal" in levels


def log_odds(share: float) -> float:
    """Bits for and against: log2(p / (1 - p))."""
    return log2(share / (1 - share))


def _weights(levels: Mapping[str, Mapping[str, Level]]) -> dict[str, dict[str, float]]:
    """Worked out once, because every comparison adds them up."""
    return {field: {name: level.weight for name, level in of.items()} for field, of in levels.items()}
