"""What needs a person now, counted: each number is of a list that shows its rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from gateway.flow.findings import book
from gateway.flow.office import Office
from gateway.model.holds import HoldState
from gateway.model.states import QuestionKind
from gateway.store import deliveries, holds, quarantine, reviews

COUNTED: tuple[QuestionKind, ...] = (
    "match",
    "repeat",
    "refund",
    "changed",
    "contradiction",
    "decided_before",
    "approval",
    "takeback",
)
"""The questions that a person answers one by one; rows of a hold wait with it."""

_OPEN_HOLDS: Final[tuple[HoldState, ...]] = ("open",)


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a person. `reviews`: kind → open questions of the associations asked for; `dead` and `unknown`:
    deliveries that came to nothing, and those of which nobody knows; `findings`: those to act on first."""

    reviews: dict[QuestionKind, int]
    holds: int
    quarantined: int
    dead: int
    unknown: int
    findings: list[book.FindingReport]

    @property
    def in_review(self) -> int:
        """The open questions of every kind."""
        return sum(self.reviews.values())


def today(office: Office, associations: Collection[str]) -> Today:
    """What waits, of these associations; findings and quarantine are the site's."""
    with office.store.read() as tx:
        counted = {
            kind: sum(reviews.count(tx, state="open", association=name, kind=kind) for name in associations)
            for kind in COUNTED
        }
        dead = sum(deliveries.count(tx, state="dead", association=name) for name in associations)
        unknown = sum(deliveries.count(tx, state="unknown", association=name) for name in associations)
        waiting_holds = len(holds.listing(tx, states=_OPEN_HOLDS))
        quarantined = quarantine.count(tx)
    reports = book.show(office)
    return Today(
        reviews={kind: many for kind, many in counted.items() if many},
        holds=waiting_holds,
        quarantined=quarantined,
        dead=dead,
        unknown=unknown,
        findings=sorted(reports, key=lambda report: (not report.counts, report.level != book.ACT, report.since)),
    )
