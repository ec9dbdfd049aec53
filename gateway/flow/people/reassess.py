"""People are assessed again: the roster changed, a fact was told or withdrawn, two members are one person or two."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.flow.changes import Batch, make_changes
from gateway.flow.office import Office
from gateway.model.holds import Cause
from gateway.store.engine import Tx


def reassess(
    tx: Tx,
    office: Office,
    association: str,
    person_ids: Iterable[int],
    *,
    withdrawal_reason: str | None = None,
    cause: Cause | None = None,
) -> None:
    """Work out anew what these people's records repeat and what they are worth, and write what differs. The caller
    holds the roster; the people are locked here, in order of id. `withdrawal_reason`: as for `conclude`; `cause`: as
    for `make_changes`."""
    people = dict.fromkeys(sorted(person_ids), association)
    make_changes(tx, office, Batch(people=people, withdrawal_reason=withdrawal_reason), cause)
