"""The outbox as people look at it: deliveries by state and association, newest first, without personal data."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from gateway.core.claims.line import Line
from gateway.flow.office import Office
from gateway.model.claim import Delivery
from gateway.store import deliveries, lines

UNENDED: Final = ("pending", "leased", "unknown", "dead", "refused")
"""The states that somebody may have to see to."""


class OutboxPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of deliveries, how many there are in all, and the number to go on behind, None at the end."""

    deliveries: list[Delivery]
    total: int
    next: int | None


class LineStanding(msgspec.Struct, frozen=True, kw_only=True):
    """The line to an association: how many deliveries wait or came to nothing, by state, and whether nothing is sent
    over it now."""

    association: str
    states: dict[str, int]
    closed: bool


def list_deliveries(
    office: Office,
    *,
    state: str | None,
    association: str | None,
    below: int | None = None,
    limit: int = 100,
    count_at_most: int | None = None,
) -> OutboxPage:
    """Deliveries newest first, from behind number `below` on; with `count_at_most`, no more are counted."""
    with office.store.read() as tx:
        rows = deliveries.listing(tx, state=state, association=association, below=below, limit=limit + 1)
        total = deliveries.count(tx, state=state, association=association, at_most=count_at_most)
    more = len(rows) > limit
    return OutboxPage(deliveries=rows[:limit], total=total, next=rows[limit - 1].delivery_id if more else None)


def lines_of(office: Office, associations: Collection[str]) -> list[LineStanding]:
    """How the lines to these associations stand."""
    with office.store.read() as tx:
        return [
            LineStanding(
                association=name,
                states={state: deliveries.count(tx, state=state, association=name) for state in UNENDED},
                closed=_is_closed(lines.read(tx, name)),
            )
            for name in associations
        ]


def _is_closed(line: Line) -> bool:
    return line.disabled_at is not None or line.open_until is not None
