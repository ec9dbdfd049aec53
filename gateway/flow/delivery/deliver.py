"""Deliver claims (design §2): lease → send, with no transaction open → settle. Exactly once in effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec

from gateway.core.claims.delivering import after
from gateway.flow.office import Office
from gateway.model.claim import Answer, AnswerKind, Delivery
from gateway.ports import Sender
from gateway.store import deliveries
from gateway.store.deliveries import HeldDelivery


class DeliveryReport(msgspec.Struct, kw_only=True):
    """What a sitting of deliveries came to: attempts by the state they ended in."""

    attempts: int = 0
    states: dict[str, int] = msgspec.field(default_factory=dict)


def deliver_due(
    office: Office,
    association: str,
    sender: Sender,
    *,
    jitter: Callable[[], float],
    new_lease: Callable[[], str],
    stopping: Callable[[], bool] = lambda: False,
) -> DeliveryReport:
    """Send everything that is due to an association now, a lease at a time, until nothing is due.

    Once `stopping` says so, nothing more is leased; what is in hand is settled first.
    """
    report = DeliveryReport()
    many = office.associations[association].parallel
    with ThreadPoolExecutor(many, thread_name_prefix="deliver") as pool:
        while not stopping() and (held := _lease(office, association, lease := new_lease(), many * 4)):
            answers = list(pool.map(lambda each: attempt(office, sender, each), held))
            _settle(office, held, answers, lease, jitter)
            for answer, _ in answers:
                report.attempts += 1
                kind = answer.kind.value
                report.states[kind] = report.states.get(kind, 0) + 1
    return report


def _lease(office: Office, association: str, lease: str, many: int) -> list[HeldDelivery]:
    with office.store.write() as tx:
        return deliveries.lease(
            tx, association, lease=lease, now=office.now(), seconds=office.gateway.lease_seconds, many=many
        )


def attempt(office: Office, sender: Sender, held: HeldDelivery) -> tuple[Answer, bool]:
    """One attempt: ask first where it may have been sent before; send where the association does not have it.

    Returns the answer, and whether the delivery may by now have arrived without our knowing.
    """
    delivery = held.delivery
    if held.asks_first:
        answer = sender.ask(delivery.claim_id, version=delivery.version, now=office.now())
        if answer.kind is not AnswerKind.ABSENT:
            return answer, True
    body = office.claim_body(held.sealed, delivery.claim_id, delivery.version)
    answer = sender.send(
        body,
        claim_id=delivery.claim_id,
        version=delivery.version,
        idempotency_key=delivery.idempotency_key,
        now=office.now(),
    )
    return answer, False


def _settle(
    office: Office,
    held: Sequence[HeldDelivery],
    answers: Sequence[tuple[Answer, bool]],
    lease: str,
    jitter: Callable[[], float],
) -> None:
    now: datetime = office.now()
    done: list[tuple[Delivery, str | None]] = [
        (after(each.delivery, answer, asked_first=doubt, now=now, jitter=jitter()), answer.reference)
        for each, (answer, doubt) in zip(held, answers, strict=True)
    ]
    with office.store.write() as tx:
        deliveries.record_answers(tx, done, lease=lease)
