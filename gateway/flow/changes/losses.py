"""What a conclusion takes away is remembered with its cause, so that nothing is taken in silence."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from gateway.core.changes import Batch
from gateway.core.changes.difference import ClaimChange, Difference
from gateway.flow.office import Office
from gateway.model.holds import Cause, CauseKind
from gateway.model.losses import LOWERED, ClaimLoss, LossCause
from gateway.store import claim_losses
from gateway.store.engine import Tx


def note_losses(tx: Tx, office: Office, batch: Batch, cause: Cause | None, difference: Difference) -> None:
    """Write what is withdrawn or lowered, by association and reason; nothing where nothing is. `cause`: what the batch
    is part of, where it is held back as a whole."""
    by_reason: dict[tuple[str, str], list[ClaimChange]] = defaultdict(list)
    for claim in difference.taken:
        # Of a withdrawal the flags are its reason alone.
        by_reason[claim.association, claim.why if claim.move == "withdrawn" else LOWERED].append(claim)
    what, page_seq = cause_of(batch, cause)
    losses = []
    for (association, why), claims in sorted(by_reason.items()):
        withdrawn, lowered = (sum(claim.move == move for claim in claims) for move in ("withdrawn", "lowered"))
        amount = sum((claim.was or 0) - (claim.becomes or 0) for claim in claims)
        losses.append(ClaimLoss(association, what, page_seq, why[:40], withdrawn, lowered, amount))
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
