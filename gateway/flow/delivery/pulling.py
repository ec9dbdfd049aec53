"""Claims that an association fetches: listed from a cursor that passes nothing by, and acknowledged version by version.

The cursor is a number given to a claim when it is listed first, anew whenever it changed (`store/publications`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from gateway.core.personal_numbers import kept_reference
from gateway.errors import WrongUse
from gateway.flow.delivery.claims import with_bodies
from gateway.flow.office import Office
from gateway.model.claim import PrefilledClaim
from gateway.store import publications
from gateway.store.publications import VersionAck
from gateway.store.values import to_ms

_NUMBERED_AT_ONCE: Final = 5_000
"""A list of before that is asked for the first time is numbered step by step."""


class ClaimsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Claims with their latest bodies (None once expired), the number to go on behind, and whether there are more."""

    claims: list[tuple[PrefilledClaim, bytes | None]]
    after: int
    more: bool


def is_pulled(office: Office, association: str) -> bool:
    """Whether the association fetches its claims: nothing is sent, and what it acknowledges is delivered."""
    return office.associations[association].delivery.options.pulled_within_days() is not None


def claims_after(office: Office, association: str, *, status: str | None, after: int, limit: int) -> ClaimsPage:
    """An association's claims behind a number, each in its latest version. A claim that changes comes again."""
    with office.store.read() as tx:
        new = publications.has_new(tx, association)
    pulled = is_pulled(office, association)
    with office.store.write() if new or pulled else office.store.read() as tx:
        if new or pulled:
            publications.number_new(tx, association, many=_NUMBERED_AT_ONCE)
        rows = publications.listing(tx, association, after=after, status=status, limit=limit + 1)
        shown = with_bodies(tx, office, [row.claim for row in rows[:limit]])
        if pulled:
            versions = [(claim.claim_id, claim.version) for claim, body in shown if body is not None]
            publications.note_fetched(tx, association, versions, at=to_ms(office.now()))
        more = len(rows) > limit or publications.has_new(tx, association)
    return ClaimsPage(claims=shown, after=rows[:limit][-1].number if shown else after, more=more)


def number_before(office: Office, association: str, changed_at: int) -> int:
    """Where a cursor of an earlier release stands, which was an instant (milliseconds): what changed since comes."""
    with office.store.write() as tx:
        publications.number_new(tx, association, many=_NUMBERED_AT_ONCE)
        return publications.number_before(tx, association, changed_at)


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """What an association says of a version: taken in, or refused for a reason of its own; its number for it."""

    claim_id: str
    version: int
    result: Literal["accepted", "refused"]
    code: str = ""
    reference: str | None = None


def acknowledge(office: Office, association: str, acks: Sequence[Acknowledgement]) -> list[str]:
    """Write it down; returns how each version stands: accepted, refused, overtaken (a later one was answered before),
    unknown (no such version). Saying it again changes nothing. Raises WrongUse where claims are sent."""
    if not is_pulled(office, association):
        raise WrongUse("该协会的申领由网关送达，不由其领取 (claims are sent to this association, not fetched by it)")
    digest = office.vault.fingerprinter("reference")
    with office.store.write() as tx:
        return [
            publications.acknowledge(
                tx,
                association,
                VersionAck(
                    claim_id=ack.claim_id,
                    version=ack.version,
                    state=ack.result,
                    code=ack.code or ("acknowledged" if ack.result == "accepted" else "refused"),
                    reference=kept_reference(ack.reference, digest),
                ),
                now=office.now(),
            )
            # In one order, so that two callers never wait for one another.
            for ack in acks
        ]
