"""What was paid and is to come back, told to the association: the claim's next version is the recovery notice."""

from __future__ import annotations

import msgspec

from gateway.core.changes.values import Changes
from gateway.core.claims import kept
from gateway.core.claims.content import FORMS
from gateway.core.claims.drafting import recovery_of
from gateway.core.claims.told import Recovery
from gateway.flow.changes.rules import rules_of
from gateway.flow.changes.write import write_claims
from gateway.flow.office import Office, delivery_context
from gateway.flow.opening import DOES_NOT_OPEN
from gateway.model.claim import ClaimStatus, PrefilledClaim
from gateway.store import deliveries
from gateway.store.engine import Tx
from gateway.store.values import to_ms


def send_recovery(tx: Tx, office: Office, row: PrefilledClaim, recovery: Recovery) -> int | None:
    """Put the claim's next version in the outbox: what it told before, and what is to come back. Returns the version;
    None where its latest body is gone, does not open, or is from before bodies told what they change.

    The caller holds the person.
    """
    sealed = deliveries.body_of(tx, row.claim_id, row.version)
    if sealed is None:
        return None
    try:
        stored = office.vault.open(sealed, delivery_context(f"{row.claim_id}/{row.version}"))
        content = kept.changed_again(stored, recovery_of(row, recovery))
    except DOES_NOT_OPEN:
        return None
    if content is None:
        return None
    withdrawn = row.status == ClaimStatus.WITHDRAWN
    claim = msgspec.structs.replace(
        row,
        version=rules_of(office).next_version(row.version),
        status=ClaimStatus.WITHDRAWN if withdrawn else ClaimStatus.AMENDED,
        # No draft says the same: whatever is proposed after this is another version.
        content=office.vault.digest_content(content),
        updated_at=to_ms(office.now()),
        form=FORMS.newest,
    )
    changes = Changes()
    changes.changed_claims.append(claim)
    changes.outgoing.append((claim, content))
    write_claims(tx, office, changes)
    return claim.version
