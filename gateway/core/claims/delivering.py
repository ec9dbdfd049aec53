"""delivery + answer + now → delivery: the state machine of the outbox.

The long schedule is 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h after the first try, each ±20 %, unless the association's
file says otherwise; its Retry-After wins where it is longer. What may have arrived is asked about, never sent again
blindly; nor is anything after the time for which the association knows an idempotency key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from gateway.model.claim import HANDED_OVER, UNPROVEN, Answer, AnswerKind, Delivery, DeliveryState, WaitingDeliveries

SCHEDULE: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 36000))
JITTER: Final = 0.2
LONGEST_WAIT: Final = timedelta(hours=24)
LATER_ANSWER_WAIT: Final = timedelta(minutes=30)
"""How long at most until an association that answers in its own time is looked at again."""


class RetryRules(msgspec.Struct, frozen=True, kw_only=True):
    """How long a delivery waits between its tries, and for how long the association knows its key (None: for ever).

    `answers_later`: what it was handed over, it answers in days; until then the claim is no dead letter.
    """

    schedule: tuple[timedelta, ...] = SCHEDULE
    jitter: float = JITTER
    idempotency_window: timedelta | None = None
    answers_later: bool = False


USUAL_RETRIES: Final = RetryRules()

UNPROVEN_BEFORE_STOP: Final = 20
"""So many claims with answers that prove nothing, and no more are sent to an association whose file does not say what
an answer must hold."""

CANNOT_BE_ASKED: Final = "cannot_be_asked"

_FINAL = {AnswerKind.ACCEPTED: DeliveryState.ACCEPTED, AnswerKind.REFUSED: DeliveryState.REFUSED}


def must_ask(first_at: datetime | None, rules: RetryRules, now: datetime) -> bool:
    """Whether a delivery that nobody took until now is asked about all the same: it was first tried before the time for
    which the association knows its key, so that the same key would be a new claim to it."""
    return first_at is not None and rules.idempotency_window is not None and now - first_at >= rules.idempotency_window


def after(
    delivery: Delivery,
    answer: Answer,
    *,
    asked_first: bool,
    now: datetime,
    jitter: float,
    rules: RetryRules = USUAL_RETRIES,
) -> Delivery:
    """What becomes of a delivery. `jitter` between -1 and 1; `asked_first`: it may have been sent before."""
    if answer.kind in _FINAL:
        return _ended(delivery, _FINAL[answer.kind], answer)
    patient = rules.answers_later and (asked_first or answer.code == HANDED_OVER)
    hopeless = answer.code == CANNOT_BE_ASKED or (delivery.attempts > len(rules.schedule) and not patient)
    if asked_first and delivery.last_code.startswith(UNPROVEN):
        # While nobody knows better, the answer that proved nothing stays the reason of the doubt.
        answer = msgspec.structs.replace(answer, code=delivery.last_code)
    if hopeless:
        return _ended(delivery, DeliveryState.DEAD, answer)
    may_have_arrived = asked_first or answer.kind is AnswerKind.UNKNOWN
    state = DeliveryState.UNKNOWN if may_have_arrived else DeliveryState.PENDING
    pause = wait(delivery.attempts, answer, jitter, rules)
    pause = min(pause, LATER_ANSWER_WAIT) if patient else pause
    return msgspec.structs.replace(delivery, state=state, next_at=now + pause, last_code=answer.code)


def _ended(delivery: Delivery, state: DeliveryState, answer: Answer) -> Delivery:
    return msgspec.structs.replace(delivery, state=state, last_code=answer.code)


def wait(attempts: int, answer: Answer, jitter: float, rules: RetryRules = USUAL_RETRIES) -> timedelta:
    """How long until the next try after `attempts` tries. `jitter` between -1 and 1."""
    planned = rules.schedule[min(max(attempts, 1), len(rules.schedule)) - 1] * (1 + rules.jitter * jitter)
    asked_for = timedelta(seconds=answer.retry_after or 0)
    return max(planned, min(asked_for, LONGEST_WAIT))


class DeliveryFault(StrEnum):
    """What keeps claims from an association; also the code of the finding that says so."""

    UNREACHABLE = "unreachable"
    ADDRESS = "address_refused"
    UNPROVEN = "answers_prove_nothing"


_OF_ADDRESS: Final = re.compile(r"http_(?!408|425|429)[1346-9][0-9]{2}")
_OF_NEITHER: Final = frozenset({"", "confirmed", "internal", "unreadable", CANNOT_BE_ASKED, HANDED_OVER})


def fault_of(code: str) -> DeliveryFault | None:
    """The fault behind the last answer of a delivery that waits; None where it is ours, or a person's to decide."""
    if code.startswith(UNPROVEN):
        return DeliveryFault.UNPROVEN
    code = code.partition("#")[0]
    if _OF_ADDRESS.fullmatch(code):
        return DeliveryFault.ADDRESS
    return None if code in _OF_NEITHER else DeliveryFault.UNREACHABLE


_OFTEN: Final = 3
"""Who could not be reached so many times (35 minutes), or so many at once, is a fault for a person to see to."""


def faults(waiting: Iterable[WaitingDeliveries], *, answered: bool) -> Mapping[DeliveryFault, int]:
    """Fault → how many claims wait because of it. `answered`: the association has just answered somebody, so that
    a connection that failed once is no news."""
    counted = dict.fromkeys(DeliveryFault, 0)
    for group in waiting:
        fault = fault_of(group.code)
        passing = fault is DeliveryFault.UNREACHABLE and answered and group.attempts < _OFTEN
        if fault is not None and not passing and group.state is not DeliveryState.DEAD:
            counted[fault] += group.count
    return {fault: count for fault, count in counted.items() if count}


def may_pass(waiting: Iterable[WaitingDeliveries]) -> bool:
    """Whether it may well be over by itself that the association cannot be reached: few wait, and were tried little."""
    unreached = [group for group in waiting if fault_of(group.code) is DeliveryFault.UNREACHABLE]
    few = sum(group.count for group in unreached) < _OFTEN
    return few and all(group.attempts < _OFTEN for group in unreached)


def unproven(waiting: Iterable[WaitingDeliveries]) -> int:
    """How many claims were answered with something that proves nothing, and nobody knows more since."""
    return sum(group.count for group in waiting if fault_of(group.code) is DeliveryFault.UNPROVEN)
