"""What a conclusion takes away is remembered with its cause, so that nothing is taken in silence."""

from __future__ import annotations

from typing import Final

from gateway.core.changes import Batch
from gateway.core.changes.difference import Difference
from gateway.flow.office import Office
from gateway.model.holds import Cause, CauseKind
from gateway.model.losses import LOWERED, ClaimLoss, LossCause
from gateway.store import claim_losses
from gateway.store.engine import Tx


def note_losses(tx: Tx, office: Office, batch: Batch, cause: Cause | None, difference: Difference) -> None:
    """Write which claims are withdrawn or lowered, and why; nothing where none is. `cause`: what the batch is part of,
    where it is held back as a whole."""
    what, page_seq = cause_of(batch, cause)
    losses = []
    for claim in difference.taken:
        is_gone, amount = claim.move == "withdrawn", (claim.was or 0) - (claim.becomes or 0)
        # Of a withdrawal the flags are its reason alone.
        why, counts = claim.why[:40] if is_gone else LOWERED, (int(is_gone), int(not is_gone))
        cause_and_why = (claim.association, what, page_seq, why)
        losses.append(ClaimLoss(*cause_and_why, *counts, amount, claim.claim_id, claim.was or 0))
    if losses:
        claim_losses.note(tx, losses, now=office.now())


_OF_KIND: Final[dict[CauseKind, LossCause]] = {
    "file": "page",
    "night": "page",
    "push": "page",
    "roster": "people",
    "rescan": "people",
    "replay": "again",
    "retry": "again",
}


def cause_of(batch: Batch, cause: Cause | None) -> tuple[LossCause, int | None]:
    """What a batch is, as a cause, and the page that made it."""
    if batch.page is not None:
        page_seq: int | None = batch.page.seq
    else:
        page_seq = batch.taken_back[0] if batch.taken_back else None
    if batch.taken_back:
        return "taken_back", page_seq
    if cause is not None:
        return _OF_KIND[cause.kind], page_seq
    return ("people" if page_seq is None else "again" if batch.again else "page"), page_seq
