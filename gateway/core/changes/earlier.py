"""What a first conclusion of a batch found out about its people, for the second, in which some of them are held.

An assessment rests on what a person has and on nothing of anybody else's, so whoever has the same records both times
has the same claims both times. Only the few who are held, or share a row with them, are assessed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.core.changes.persons import HeldRecord
from gateway.core.changes.values import Changes

_ASSESSED: Final = ("new_claims", "changed_claims", "outgoing", "doubts", "bill_questions", "closed_reviews")
"""The lists an assessment adds to. What else grows with one, or with a count of repeats, is not simply repeated."""


class _Assessment(msgspec.Struct, frozen=True):
    standing: Sequence[HeldRecord]
    changes: Changes
    before: tuple[int, ...]
    after: tuple[int, ...]


class EarlierAssessments:
    """Person → the records an assessment rests on, and where in the changes stands what it added."""

    def __init__(self) -> None:
        self._of: dict[int, _Assessment] = {}

    @staticmethod
    def extent(changes: Changes) -> tuple[int, ...]:
        """How far everything reaches that an assessment may add to: the lists of `_ASSESSED`, then what is beside."""
        return (
            len(changes.new_claims),
            len(changes.changed_claims),
            len(changes.outgoing),
            len(changes.doubts),
            len(changes.bill_questions),
            len(changes.closed_reviews),
            len(changes.names_before),
            len(changes.asked_of),
            len(changes.marks),
            len(changes.moved),
        )

    def keep(self, person_id: int, standing: Sequence[HeldRecord], before: tuple[int, ...], changes: Changes) -> None:
        """Keep what was added since `before`, where it can be added again as it is."""
        after = self.extent(changes)
        if before[len(_ASSESSED) :] == after[len(_ASSESSED) :]:
            self._of[person_id] = _Assessment(standing, changes, before, after)

    def recall(self, person_id: int, standing: Sequence[HeldRecord], changes: Changes) -> bool:
        """Add what was added before, if the person has the same records; returns whether that is so."""
        assessment = self._of.get(person_id)
        if assessment is None or assessment.standing != standing:
            return False
        for name, start, end in zip(_ASSESSED, assessment.before, assessment.after, strict=False):
            getattr(changes, name).extend(getattr(assessment.changes, name)[start:end])
        return True
