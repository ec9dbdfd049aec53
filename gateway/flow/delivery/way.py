"""The way of a claim (申领的经过): prepared → sent → accepted → approved → paid, or refused, unknown, amended,
withdrawn; each with its instant and who did it.

Four sources tell it: the versions, what happened to them on the wire, what the association said, and what clerks did
at the desk of an association that decides here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from gateway.flow.office import Office
from gateway.model.claim import Delivery, DeliveryState, PrefilledClaim
from gateway.model.money import yuan
from gateway.store import claim_messages, confirmations, deliveries, delivery_events, desk
from gateway.store.delivery_events import DeliveryEvent, VersionInstants
from gateway.store.engine import Tx
from gateway.store.values import from_ms
from gateway.words.claims import WAY
from gateway.words.deliveries import code_in_words

Actor = Literal["gateway", "association", "clerk"]

NOT_KNOWN: Final = VersionInstants(made_at=None, first_at=None, answered_at=None)
_CONFIRMED: Final = "confirmed#"
_ANSWERED: Final = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.DEAD, DeliveryState.UNKNOWN)
_NOBODY_S_ANSWER: Final = ("dead", "unknown")
"""States that no word of the association made: the gateway came to them by itself."""


class WayEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the way. `at` is None where nobody noted it (versions of before); `by`: the clerk's name, else who.
    `amount` in yuan where the step names one; `state`: of a clerk's step whether it waits for a second person, or was
    overtaken; `detail`: a change or a code, in words, never free text."""

    version: int
    what: str
    words: str
    who: Actor
    by: str
    at: datetime | None
    amount: str | None = None
    state: str = "done"
    detail: str = ""


def way_of(tx: Tx, office: Office, row: PrefilledClaim, bodies: Mapping[int, Mapping[str, Any]]) -> list[WayEvent]:
    """The whole way of one claim, in the order of time. `bodies`: version → what it told, empty where it is gone."""
    sent = deliveries.of_claim(tx, row.claim_id)
    instants = delivery_events.instants_of(tx, row.claim_id)
    noted = delivery_events.of_claim(tx, row.claim_id)
    events: list[WayEvent] = []
    for delivery in sent:
        times = instants.get(delivery.version, NOT_KNOWN)
        if times.made_at is None and delivery.version == row.version:
            times = msgspec.structs.replace(times, made_at=from_ms(row.updated_at))
        of_version = [event for event in noted if event.version == delivery.version]
        events += _of_version(tx, delivery, times, of_version, bodies.get(delivery.version, {}))
    return _in_order([*events, *_of_association(tx, row.claim_id), *_of_desk(tx, row.claim_id)])


def _of_version(
    tx: Tx,
    delivery: Delivery,
    instants: VersionInstants,
    noted: Sequence[DeliveryEvent],
    body: Mapping[str, Any],
) -> Iterator[WayEvent]:
    """A version made, sent, and answered."""
    status = body.get("status") or ("proposed" if delivery.version == 1 else "amended")
    change = (body.get("change") or {}).get("text", "")
    what = {"proposed": "prepared"}.get(status, status)
    yield _event(delivery.version, what, at=instants.made_at, amount=body.get("payable"), detail=change)
    if instants.first_at is not None:
        yield _event(delivery.version, "sent", at=instants.first_at)
    for event in noted:
        actor: Actor = "clerk" if event.by else "gateway" if event.what in _NOBODY_S_ANSWER else "association"
        detail = code_in_words(event.code) if event.code else ""
        yield _event(event.version, event.what, actor=actor, by=event.by, at=event.at, detail=detail)
    if delivery.state is DeliveryState.OVERTAKEN:
        yield _event(delivery.version, "overtaken", at=None)
    elif delivery.state in _ANSWERED and all(event.what != delivery.state.value for event in noted):
        yield _last_answer(tx, delivery, instants)


def _last_answer(tx: Tx, delivery: Delivery, instants: VersionInstants) -> WayEvent:
    """How a version stands that nothing more was noted about."""
    what, code = delivery.state.value, delivery.last_code
    if code.startswith(_CONFIRMED):
        confirmed = confirmations.by_number(tx, int(code.removeprefix(_CONFIRMED)))
        if confirmed is not None:
            return _event(delivery.version, what, actor="clerk", by=confirmed[0], at=confirmed[1])
    actor: Actor = "gateway" if what in _NOBODY_S_ANSWER else "association"
    return _event(
        delivery.version, what, actor=actor, at=instants.answered_at, detail=code_in_words(code) if code else ""
    )


def _of_association(tx: Tx, claim_id: str) -> Iterator[WayEvent]:
    """What the association said; when it was so by its own clock, else when it was heard."""
    for message in claim_messages.of_claim(tx, claim_id):
        at = from_ms(message.said_at if message.said_at is not None else message.received_at)
        what = "taken_in" if message.outcome == "accepted" else message.outcome
        decides = message.outcome in ("approved", "paid")
        yield _event(
            message.version,
            what if what != "refused" else "not_granted",
            actor="association",
            at=at,
            amount=yuan(message.amount) if decides else None,
            detail=message.reason or message.papers,
        )


def _of_desk(tx: Tx, claim_id: str) -> Iterator[WayEvent]:
    """What clerks did about it here; that somebody looked is no step of the way."""
    for step in desk.steps_of(tx, claim_id):
        if step.what != "seen":
            yield _event(
                step.version,
                "not_granted" if step.what == "refused" else step.what,
                actor="clerk",
                by=step.by,
                at=from_ms(step.at),
                amount=yuan(step.amount) if step.amount is not None else None,
                state=step.state,
                detail=step.code,
            )


def _event(
    version: int, what: str, *, actor: Actor = "gateway", by: str = "", at: datetime | None, **rest: Any
) -> WayEvent:
    return WayEvent(version=version, what=what, words=WAY.get(what, what), who=actor, by=by or actor, at=at, **rest)


def _in_order(events: Sequence[WayEvent]) -> list[WayEvent]:
    """By time; what has none stands behind what stood before it."""
    placed: list[tuple[float, WayEvent]] = []
    latest = 0.0
    for event in events:
        latest = event.at.timestamp() if event.at is not None else latest
        placed.append((latest, event))
    return [event for _, event in sorted(placed, key=lambda place: place[0])]
