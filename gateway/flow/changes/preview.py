"""What would follow, without writing it: people concluded about as if their enrolments said something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from gateway.core.changes import Batch, conclude
from gateway.core.changes.difference import Difference, difference_of
from gateway.flow.changes.gather import gather
from gateway.flow.changes.rules import rules_of
from gateway.flow.office import Office
from gateway.model.member import Member
from gateway.store.engine import Tx

_AT_ONCE = 500


def preview(tx: Tx, office: Office, association: str, enrolments: Mapping[int, Sequence[Member]]) -> Difference:
    """What would become of the claims of these people (person → *all* enrolments, as they would be; an empty list: none
    is left). Their records and facts are those that are stored; nothing is written. Rows that a changed name or number
    would find or lose are not looked for: that only reading the pages again could tell.

    In a transaction that writes nobody changes these people meanwhile; for a `--dry-run` one that reads will do.
    """
    rules, difference = rules_of(office), Difference()
    ids = sorted(enrolments)
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        batch = Batch(
            people=dict.fromkeys(some, association),
            members={person_id: list(enrolments[person_id]) for person_id in some},
        )
        # Whoever waits for a hold already is told of too: what would change is what stands.
        knowledge = msgspec.structs.replace(gather(tx, office, batch), held={})
        difference = difference.plus(difference_of(knowledge, conclude(batch, knowledge, rules)))
    return difference
