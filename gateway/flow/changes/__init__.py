"""Every use case's only way to change what follows from records: gather what is known, conclude, write."""

import msgspec

from gateway.core.changes import Batch, Changes, Known, Rules, conclude
from gateway.core.changes.difference import difference_of_changed
from gateway.core.changes.earlier import EarlierAssessments
from gateway.core.changes.holding import people_taken_from, takes_part
from gateway.flow.changes.gather import gather
from gateway.flow.changes.losses import note_losses
from gateway.flow.changes.rules import rules_of
from gateway.flow.changes.write import write
from gateway.flow.office import Office
from gateway.model.holds import Cause
from gateway.store.engine import Tx


def make_changes(
    tx: Tx,
    office: Office,
    batch: Batch,
    cause: Cause | None = None,
    *,
    judged: bool = False,
    since: int | None = None,
) -> Changes:
    """One look, one conclusion, one writing. The caller holds the feed and the roster's version where rows are in the
    batch; people are locked here. Without the last line this is a preview.

    Where a `cause` is told, whom it would take something away from is held: what stands stays, and what is put aside
    waits until the cause is known as a whole. `since`: a claim made later (in milliseconds) is the cause's own, which
    may take it back. `judged`: that was decided, so only others' holds are waited for. What a person did (no cause)
    holds at once.
    """
    known, rules = gather(tx, office, batch), rules_of(office)
    if known.held:
        waiting = {person: hold for person, hold in known.held.items() if cause and takes_part(known, person)}
        known = msgspec.structs.replace(known, held=waiting)
    changes = (
        conclude(batch, known, rules) if cause is None or judged else _held_where_taken(batch, known, rules, since)
    )
    write(tx, office, batch, changes, cause)
    if changes.changed_claims:
        note_losses(tx, office, batch, cause, difference_of_changed(known, changes))
    return changes


def conclude_only(tx: Tx, office: Office, batch: Batch) -> tuple[Known, Changes]:
    """What is known and what would follow, with nobody held; nothing is written. Locks as `make_changes` does."""
    known = msgspec.structs.replace(gather(tx, office, batch), held={})
    return known, conclude(batch, known, rules_of(office))


def _held_where_taken(batch: Batch, known: Known, rules: Rules, since: int | None) -> Changes:
    """What changes, or what is left of it once nothing is taken away from anybody any more."""
    earlier = EarlierAssessments() if known.claims else None
    changes = conclude(batch, known, rules, earlier)
    while taken_from := people_taken_from(known, changes, since) - known.held.keys():
        known = msgspec.structs.replace(known, held={**dict.fromkeys(taken_from, 0), **known.held})
        changes = conclude(batch, known, rules, earlier)
    return changes


__all__ = ["Batch", "Changes", "conclude_only", "gather", "make_changes", "rules_of"]
