"""delivery + answer + now → delivery: the state machine of the outbox.

The long schedule is 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h after the first try, each ±20 %; the association's
Retry-After wins where it is longer. What may have arrived is asked about, never sent again blindly.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.model.claim import Answer, AnswerKind, Delivery, DeliveryState

SCHEDULE: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 36000))
JITTER: Final = 0.2
LONGEST_WAIT: Final = timedelta(hours=24)

_FINAL = {AnswerKind.ACCEPTED: DeliveryState.ACCEPTED, AnswerKind.REFUSED: DeliveryState.REFUSED}


def after(delivery: Delivery, answer: Answer, *, asked_first: bool, now: datetime, jitter: float) -> Delivery:
    """What becomes of a delivery. `jitter` between -1 and 1; `asked_first`: it may have been sent before."""
    if answer.kind in _FINAL:
        return _ended(delivery, _FINAL[answer.kind], answer)
    if answer.code == "cannot_be_asked" or delivery.attempts > len(SCHEDULE):
        return _ended(delivery, DeliveryState.DEAD, answer)
    may_have_arrived = asked_first or answer.kind is AnswerKind.UNKNOWN
    state = DeliveryState.UNKNOWN if may_have_arrived else DeliveryState.PENDING
    return msgspec.structs.replace(
        delivery, state=state, next_at=now + wait(delivery.attempts, answer, jitter), last_code=answer.code
    )


def _ended(delivery: Delivery, state: DeliveryState, answer: Answer) -> Delivery:
    return msgspec.structs.replace(delivery, state=state, last_code=answer.code)


def wait(attempts: int, answer: Answer, jitter: float) -> timedelta:
    """How long until the next try after `attempts` tries."""
    planned = SCHEDULE[min(max(attempts, 1), len(SCHEDULE)) - 1] * (1 + JITTER * jitter)
    asked_for = timedelta(seconds=answer.retry_after or 0)
    return min(max(planned, asked_for), LONGEST_WAIT)
