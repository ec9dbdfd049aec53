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


class StayKind(StrEnum):
    """What a claim is about: one stay, a month of special outpatient care, a coverage period, or an event."""

    STAY = "stay"
    MONTH = "month"
    PERIOD = "period"
    EVENT = "event"


class PrefilledClaim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The latest version of a claim (预填申领). Its body is frozen in the outbox.

    `stay_digest` is the keyed digest of association, person, scheme and stay, by which a claim is found; what the stay
    is called stands in the sealed body alone. `stay`: its words where the row still has them, from before there were
    digests; such a row has neither digest nor kind until it is rewritten.

    `content` is the keyed digest of what the body says beside its version, in the form of a claim's content that `form`
    names. `payable` in fen; `updated_at` in milliseconds.
    """

    claim_id: str
    association: str
    person_id: int
    member_id: int
    scheme: str
    stay_kind: str
    stay_digest: bytes | None
    version: int
    status: str
    edition: str | None
    payable: int
    flags: str
    claim_by: str | None
    content: bytes
    updated_at: int
    form: int = 1
    stay: str = ""


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


HANDED_OVER: Final = "handed_over"
"""The code of an answer (UNKNOWN) where a claim lies with the association, whose word about it comes later."""


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


class WaitingDeliveries(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of an association that were tried and have not ended well: how many with this state and last code,
    and how often the one was tried that was tried most."""

    state: DeliveryState
    code: str
    count: int
    attempts: int
