"""Claims for people to read: listed without personal data, shown and exported in full, decided by the association."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from gateway.errors import WrongUse
from gateway.flow.delivery.way import WayEvent, way_of
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN
from gateway.flow.people.reassess import reassess
from gateway.model.claim import ClaimStatus, Delivery, PrefilledClaim
from gateway.model.money import Money, yuan
from gateway.store import claim_messages, claims, deliveries, people, roster
from gateway.store.claims import ClaimDecisionRow
from gateway.store.engine import Tx
from gateway.store.values import from_ms, to_ms

_PAGE = 1000


def summary(row: PrefilledClaim) -> dict[str, Any]:
    """A claim without personal data."""
    return {
        "claim_id": row.claim_id,
        "version": row.version,
        "status": row.status,
        "association": row.association,
        "scheme": row.scheme,
        "edition": row.edition,
        "payable": yuan(row.payable),
        "flags": row.flags.split(",") if row.flags else [],
        "claim_by": row.claim_by,
        "updated_at": from_ms(row.updated_at).isoformat(),
    }


def show_claim(office: Office, claim_id: str) -> dict[str, Any]:
    """One claim with its latest body and how every version travelled. Raises WrongUse if there is none."""
    with office.store.read() as tx:
        rows = claims.by_ids(tx, [claim_id])
        if not rows:
            raise WrongUse(f"没有申领 {claim_id} (no such claim)")
        body = latest_body(tx, office, rows[0])
        if body is None:
            raise WrongUse(f"申领 {claim_id} 的内容已到期销毁或打不开 (its content has expired, or is shut)")
        sent = deliveries.of_claim(tx, claim_id)
        decided = claims.decisions(tx, [claim_id]).get(claim_id)
        messages = claim_messages.of_claim(tx, claim_id)
        bodies = {
            delivery.version: _told(tx, office, msgspec.structs.replace(rows[0], version=delivery.version))
            for delivery in sent
        }
        way = way_of(tx, office, rows[0], bodies)
    return {
        **summary(rows[0]),
        "body": msgspec.json.decode(body),
        "deliveries": msgspec.to_builtins(sent),
        "way": msgspec.to_builtins(way),
        "history": _history(way, sent, bodies),
        "decision": {"outcome": decided.outcome, "amount": yuan(decided.amount)} if decided else None,
        "messages": [
            {
                "outcome": message.outcome,
                "version": message.version,
                "amount": yuan(message.amount),
                "reason": message.reason,
                "papers": message.papers.split(",") if message.papers else [],
                "paid_on": message.paid_on,
                "received_at": from_ms(message.received_at).isoformat(),
            }
            for message in messages
        ],
    }


def _history(
    way: Sequence[WayEvent], sent: Sequence[Delivery], bodies: Mapping[int, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The way in its older shape: versions, each with what the association said of it."""
    made = {event.version: event.at for event in way if event.what in _MADE}
    versions = [
        {
            "by": "gateway",
            "version": delivery.version,
            "what": bodies[delivery.version].get("status"),
            "amount": bodies[delivery.version].get("payable"),
            "change": (bodies[delivery.version].get("change") or {}).get("text"),
            "delivery": delivery.state.value,
            "at": _iso(made.get(delivery.version)),
        }
        for delivery in sent
    ]
    answers = [
        {
            "by": "association",
            "version": event.version,
            "what": _SAID[event.what],
            "amount": event.amount,
            "at": _iso(event.at),
        }
        for event in way
        if event.who == "association" and event.what in _SAID
    ]
    return sorted([*versions, *answers], key=lambda event: event["version"])


_MADE: Final = ("prepared", "amended", "withdrawn")
_SAID: Final = {
    "taken_in": "accepted",
    "papers": "papers",
    "approved": "approved",
    "not_granted": "refused",
    "paid": "paid",
}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _told(tx: Tx, office: Office, row: PrefilledClaim) -> dict[str, Any]:
    """What a version told; nothing where its body is gone or does not open."""
    content = latest_body(tx, office, row)
    body: dict[str, Any] = msgspec.json.decode(content) if content is not None else {}
    return body


def find_claim(office: Office, claim_id: str) -> PrefilledClaim | None:
    """The latest version of a claim, without its body."""
    with office.store.read() as tx:
        rows = claims.by_ids(tx, [claim_id])
    return rows[0] if rows else None


def claims_of_person(office: Office, association: str, person_id: int) -> list[tuple[PrefilledClaim, bytes | None]]:
    """A person's claims with their latest bodies (None once expired), oldest change first."""
    with office.store.read() as tx:
        return told_of_person(tx, office, association, person_id)


def told_of_person(
    tx: Tx, office: Office, association: str, person_id: int
) -> list[tuple[PrefilledClaim, bytes | None]]:
    """As `claims_of_person`, in a transaction of the caller's."""
    rows = [row for row in claims.of_people(tx, [person_id]) if row.association == association]
    return with_bodies(tx, office, sorted(rows, key=lambda row: (row.updated_at, row.claim_id)))


def with_bodies(tx: Tx, office: Office, rows: Sequence[PrefilledClaim]) -> list[tuple[PrefilledClaim, bytes | None]]:
    """Claims with their latest bodies, in the same order; one query. None as for `latest_body`."""
    sealed = deliveries.bodies_of(tx, {row.claim_id: row.version for row in rows})
    return [(row, _opened(office, row, sealed.get(row.claim_id))) for row in rows]


def latest_body(tx: Tx, office: Office, row: PrefilledClaim) -> bytes | None:
    """The latest body as the association receives it; None once it has expired, and where it does not open."""
    return _opened(office, row, deliveries.body_of(tx, row.claim_id, row.version))


def _opened(office: Office, row: PrefilledClaim, sealed: bytes | None) -> bytes | None:
    try:
        return office.claim_body(sealed, row.claim_id, row.version) if sealed is not None else None
    except DOES_NOT_OPEN:
        return None


def export_claims(office: Office, file: Path, *, association: str | None) -> int:
    """Write the latest version of every claim as a JSON line to a new file of mode 0600; returns how many."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WrongUse(f"{file} 已存在 (exists already)") from None
    many, after = 0, (-1, "")
    with os.fdopen(handle, "wb") as out:
        while True:
            with office.store.read() as tx:
                rows = claims.listing(tx, association=association, status=None, after=after, limit=_PAGE)
                # Of a claim whose body does not open, what is known without it.
                lines = [
                    body or msgspec.json.encode({**summary(row), "body": None})
                    for row, body in with_bodies(tx, office, rows)
                ]
            if not rows:
                return many
            out.writelines(line + b"\n" for line in lines)
            many += len(rows)
            after = (rows[-1].updated_at, rows[-1].claim_id)


def bodies_of_claims(
    office: Office, claim_ids: Sequence[str], *, association: str | None = None
) -> list[dict[str, Any]]:
    """The latest bodies of these claims, or of all that stand with an association where none is named, in order of
    their numbers; withdrawn ones are left out. Raises WrongUse for a claim that is unknown, withdrawn or shut."""
    with office.store.read() as tx:
        rows = claims.by_ids(tx, claim_ids) if claim_ids else claims.of_associations(tx, [association or ""])
        if unknown := sorted(set(claim_ids) - {row.claim_id for row in rows}):
            raise WrongUse(f"没有申领 {'、'.join(unknown)} (no such claim)")
        standing = [row for row in rows if row.status != ClaimStatus.WITHDRAWN]
        if claim_ids and len(standing) < len(rows):
            gone = sorted({row.claim_id for row in rows} - {row.claim_id for row in standing})
            raise WrongUse(f"申领 {'、'.join(gone)} 已撤回 (withdrawn)")
        bodies = {row.claim_id: body for row, body in with_bodies(tx, office, standing)}
    if shut := sorted(claim_id for claim_id, body in bodies.items() if body is None):
        raise WrongUse(f"申领 {'、'.join(shut)} 的内容已到期销毁或打不开 (its content has expired, or is shut)")
    return [msgspec.json.decode(bodies[claim_id] or b"") for claim_id in sorted(bodies)]


def decide(
    office: Office,
    claim_id: str,
    *,
    version: int,
    outcome: Literal["approved", "paid", "refused"],
    amount: Money,
) -> None:
    """Write down what the association decided; what else the person has is weighed again around it.

    Raises WrongUse for a claim or version that does not exist.
    """
    with office.store.read() as tx:
        rows = claims.by_ids(tx, [claim_id])
    if not rows or not 1 <= version <= rows[0].version:
        raise WrongUse("没有这份申领或这一版 (no such claim or version)")
    row = rows[0]
    with office.store.write() as tx:
        # First the roster, then the person, like everybody who takes both: otherwise two could wait for each other.
        roster.version(tx, [row.association], hold=True)
        people.lock(tx, [row.person_id])
        decision = ClaimDecisionRow(
            claim_id=claim_id, version=version, outcome=outcome, amount=amount, decided_at=to_ms(office.now())
        )
        write_decision(tx, office, row, decision)


def write_decision(tx: Tx, office: Office, row: PrefilledClaim, decision: ClaimDecisionRow) -> None:
    """Write it into a transaction whose caller holds the roster and the person."""
    claims.decide(tx, decision)
    reassess(tx, office, row.association, {row.person_id})
