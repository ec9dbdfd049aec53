"""An association that fetches its claims over the gateway's own API: nothing goes out, so there is nothing to reach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.model.claim import Answer, AnswerKind
from gateway.ports import DeliverySpec, DeliveryWay, Surroundings


class PullSpec(DeliverySpec, frozen=True, kw_only=True):
    """Claims that the association fetches: GET /api/v1/associations/{name}/claims lists them behind a cursor,
    POST …/claims/ack says version by version that they were taken in, or refused and why. A claim is delivered once it
    is acknowledged; `answer_days`: after so many days without that, a finding says so.
    """

    answer_days: Annotated[int, msgspec.Meta(ge=1, le=60)] = 3

    def pulled_within_days(self) -> int | None:
        """Nothing is sent."""
        return self.answer_days

    def unreachable(self, site: Path) -> Sequence[str]:
        """Nobody is called."""
        return []


class Pull:
    """A Sender that sends nothing: the claim waits until it is fetched."""

    def __init__(self, spec: PullSpec, around: Surroundings) -> None:
        self.name = around.name

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        """Nothing goes out. See `gateway.ports.Sender`."""
        return Answer(kind=AnswerKind.UNAVAILABLE, code="waits_to_be_fetched")

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        """Nobody can be asked."""
        return Answer(kind=AnswerKind.UNAVAILABLE, code="waits_to_be_fetched")


WAY = DeliveryWay(spec=PullSpec, make=Pull)
