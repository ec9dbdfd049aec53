"""Deliver claims (design §2): lease → send, with no transaction open → record the answer. Exactly once in effect."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec

from gateway.core.claims.delivering import LONGEST_WAIT, UNPROVEN_BEFORE_STOP, after
from gateway.core.personal_numbers import kept_reference
from gateway.flow.delivery.standing import must_prove, note_deliveries
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN, UNREADABLE
from gateway.model.claim import Answer, AnswerKind, Delivery, DeliveryState
from gateway.model.pieces import Piece
from gateway.ports import Sender
from gateway.store import deliveries, unreadable
from gateway.store.deliveries import HeldDelivery

log = logging.getLogger("hubao.deliver")


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

    Once `stopping` says so, nothing more is leased; what is in hand is finished first.
    """
    report = DeliveryReport()
    if office.associations[association].delivery.options.pulled_within_days() is not None:
        # It fetches them: what waits is sent by nobody.
        return report
    heard: dict[str, Answer] = {}
    many = office.associations[association].parallel
    with ThreadPoolExecutor(many, thread_name_prefix="deliver") as pool:
        while not stopping() and (leased := _lease(office, association, lease := new_lease(), many * 4)):
            attempts = list(pool.map(lambda delivery: _attempt_guarded(office, sender, delivery), leased))
            _record(office, leased, attempts, lease, jitter)
            for attempted in attempts:
                report.attempts += 1
                state = attempted[0].kind.value if attempted else UNREADABLE
                report.states[state] = report.states.get(state, 0) + 1
            heard |= {attempted[0].code: attempted[0] for attempted in attempts if attempted is not None}
    note_deliveries(office, association, list(heard.values()))
    return report


def _attempt_guarded(office: Office, sender: Sender, leased: HeldDelivery) -> tuple[Answer, bool] | None:
    """One attempt, that never costs another its answer."""
    try:
        return attempt(office, sender, leased)
    except Exception as error:  # noqa: BLE001 - one delivery's mistake must not lose the others' answers; it alarms.
        log.error("delivery %s failed: %s", leased.delivery.delivery_id, type(error).__name__)
        # Nobody knows how far it came.
        return Answer(kind=AnswerKind.UNKNOWN, code="internal"), True


def _lease(office: Office, association: str, lease: str, many: int) -> list[HeldDelivery]:
    with office.store.write() as tx:
        sends = True
        if must_prove(office, association):
            left = UNPROVEN_BEFORE_STOP - deliveries.count_unproven(tx, association)
            # Once it is stopped, what was sent is still asked about.
            sends, many = left > 0, min(many, left) if left > 0 else many
        seconds = office.gateway.lease_seconds
        return deliveries.lease(tx, association, lease=lease, now=office.now(), seconds=seconds, many=many, sends=sends)


def attempt(office: Office, sender: Sender, leased: HeldDelivery) -> tuple[Answer, bool] | None:
    """One attempt: ask first where it may have been sent before; send where the association does not have it.

    Returns the answer, and whether the delivery may by now have arrived without our knowing; None where its body does
    not open, so that nothing was sent.
    """
    delivery = leased.delivery
    if leased.asks_first:
        answer = sender.ask(delivery.claim_id, version=delivery.version, now=office.now())
        if answer.kind is not AnswerKind.ABSENT:
            return answer, True
    try:
        body = office.claim_body(leased.sealed, delivery.claim_id, delivery.version)
    except DOES_NOT_OPEN:
        return None
    answer = sender.send(
        body,
        claim_id=delivery.claim_id,
        version=delivery.version,
        idempotency_key=delivery.idempotency_key,
        now=office.now(),
    )
    return answer, False


def _record(
    office: Office,
    batch: Sequence[HeldDelivery],
    attempts: Sequence[tuple[Answer, bool] | None],
    lease: str,
    jitter: Callable[[], float],
) -> None:
    """Write what came of a lease. A version whose body does not open waits a day at a time, until it does."""
    now: datetime = office.now()
    done: list[tuple[Delivery, str | None]] = []
    unsent: list[tuple[Delivery, DeliveryState]] = []
    for leased, attempted in zip(batch, attempts, strict=True):
        if attempted is None:
            # What was asked about first may have arrived, and is asked about again.
            waits = DeliveryState.UNKNOWN if leased.asks_first else DeliveryState.PENDING
            unsent.append((leased.delivery, waits))
        else:
            answer, doubt = attempted
            result = after(leased.delivery, answer, asked_first=doubt, now=now, jitter=jitter())
            done.append((result, kept_reference(answer.reference, office.vault.fingerprinter("reference"))))
    with office.store.write() as tx:
        deliveries.record_answers(tx, done, lease=lease)
        if unsent:
            deliveries.put_back(tx, unsent, lease=lease, code=UNREADABLE, next_at=now + LONGEST_WAIT)
            pieces = [
                Piece(kind="body", name=f"{delivery.claim_id}/{delivery.version}", subject=delivery.association)
                for delivery, _ in unsent
            ]
            unreadable.note(tx, pieces, now=now)
