"""Every use case's only way to change what follows from records: gather what is known, conclude, write."""

from gateway.core.changes import Batch, Changes, conclude
from gateway.flow.changes.gather import gather
from gateway.flow.changes.rules import rules_of
from gateway.flow.changes.write import write
from gateway.flow.office import Office
from gateway.store.engine import Tx


def make_changes(tx: Tx, office: Office, batch: Batch) -> Changes:
    """One look, one conclusion, one writing. The caller holds the feed and the roster's version where rows are in the
    batch; people are locked here. Without the last line this is a preview."""
    changes = conclude(batch, gather(tx, office, batch), rules_of(office))
    write(tx, office, batch, changes)
    return changes


__all__ = ["Batch", "Changes", "gather", "make_changes", "rules_of"]
