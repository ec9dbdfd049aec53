"""Plans: the benefits of an edition that are left once a unit's kind of care, and whether it is the first, is known.

Most conditions ask just that, and a member has one stay at a time; so they are asked once, when the file is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from gateway.core.schemes.language.conditions import narrowed
from gateway.core.schemes.language.rules import Benefit
from gateway.model.record import CARE_TYPES

Plans: TypeAlias = Mapping[tuple[str | None, bool], tuple[Benefit, ...]]
"""(kind of care, first of its kind in the period) → the benefits that can apply, with what is left to be asked."""


def plans_of(benefits: Sequence[Benefit]) -> Plans:
    """The plan of every kind of care there is, and of none; a kind that is not there asks all conditions."""
    return {
        (care, first): tuple(
            msgspec.structs.replace(benefit, conditions=left)
            for benefit in benefits
            if (left := narrowed(benefit.conditions, care, first)) is not None
        )
        for care in (None, *CARE_TYPES)
        for first in (True, False)
    }
