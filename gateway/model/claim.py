"""How a pre-filled claim (预填申领) stands, and Delivery: how it got to the association."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class ClaimStatus(StrEnum):
    """What the gateway says about a claim's latest version."""

    PROPOSED = "proposed"
    AMENDED = "amended"
    WITHDRAWN = "withdrawn"


class PrefilledClaim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The latest version of a claim (预填申领). Its body is frozen in the outbox.

    `content` is the keyed digest of what the body says beside its version, in the form of a claim's content that `form`
    names. `payable` in fen; `updated_at` in milliseconds.
    """

    claim_id: str
    association: str
    person_id: int
    member_id: int
    scheme: str
    stay: str
    version: int
    status: str
    edition: str | None
    payable: int
    flags: str
    claim_by: str | None
    content: bytes
    updated_at: int
    form: int = 1


class DeliveryState(StrEnum):
    """Where a delivery stands. `overtaken`: a newer version went instead, before this one was ever sent."""

    PENDING = "pending"
    LEASED = "leased"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    DEAD = "dead"
    OVERTAKEN = "overtaken"


class AnswerKind(StrEnum):
    """What came of one attempt to send or to ask."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"
    ABSENT = "absent"


UNPROVEN: Final = "unproven/"
"""How the code of an answer begins that came, and says neither yes nor no to the claim it was about."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The association's answer. ABSENT only to a question: it does not have that claim version.

    `shape`, of an answer that proves nothing: status, content type, and the names and types of its fields, never a
    value.
    """

    kind: AnswerKind
    code: str = ""
    retry_after: float | None = None
    reference: str | None = None
    shape: str = ""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One claim version on its way. Instants are aware; `attempts` counts leases that sent something."""

    delivery_id: int
    claim_id: str
    version: int
    association: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    lease_until: datetime | None = None
    last_code: str = ""

    @property
    def idempotency_key(self) -> str:
        """The same at every attempt of the same version."""
        return f"{self.claim_id}-v{self.version}"
