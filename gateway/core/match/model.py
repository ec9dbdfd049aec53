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
    person's eyes. `weights` follow from `levels`.
    """

    version: str
    prior: float
    matched: float
    review: float
    levels: Mapping[str, Mapping[str, Level]]
    frequencies: Frequencies
    weights: Mapping[str, Mapping[str, float]] = {}

    def __post_init__(self) -> None:
        # Worked out once, because every comparison adds them up.
        weights = {field: {name: level.weight for name, level in of.items()} for field, of in self.levels.items()}
        msgspec.structs.force_setattr(self, "weights", weights)
