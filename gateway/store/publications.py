"""The numbers under which an association finds its claims, and when it last did.

A claim that is new or changed has no number. Whoever lists gives the next numbers to what is committed by then, one
lister of an association at a time; so a number is never seen before all smaller ones are, whatever the order in which
workers commit, and a cursor that is such a number passes nothing by.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select, update

from gateway.model.claim import PrefilledClaim
from gateway.store import schema, schema_access
from gateway.store.engine import change_many, insert_for, is_postgres
from gateway.store.values import to_ms

_COLUMNS = PrefilledClaim.__struct_fields__


class PublishedClaim(msgspec.Struct, frozen=True):
    """The latest version of a claim, and the number under which it is found."""

    number: int
    claim: PrefilledClaim


def number_new(tx: Connection, association: str, *, many: int) -> None:
    """Give the next numbers to at most so many claims that have none, in order of their change."""
    last = _counter(tx, association)
    table = schema.claim.c
    query = select(table.claim_id).where(table.association == association, table.publish_no.is_(None))
    query = query.order_by(table.updated_at, table.claim_id).limit(many)
    if is_postgres(tx):
        # What is being changed this moment has no number afterwards either: it gets one at the next question.
        query = query.with_for_update(skip_locked=True)
    claim_ids = tx.execute(query).scalars().all()
    if not claim_ids:
        return
    numbered = [(number, claim_id) for number, claim_id in enumerate(claim_ids, start=last + 1)]
    change_many(tx, "update claim set publish_no = ? where claim_id = ? and publish_no is null", numbered)
    changed = update(schema_access.publication).where(schema_access.publication.c.association == association)
    tx.execute(changed.values(last_no=last + len(numbered)))


def skip(tx: Connection, associations: Sequence[str], *, many: int) -> None:
    """Give none of the next so many numbers to anybody; claims that have one keep it."""
    for association in associations:
        last = _counter(tx, association)
        changed = update(schema_access.publication).where(schema_access.publication.c.association == association)
        tx.execute(changed.values(last_no=last + many))


def _counter(tx: Connection, association: str) -> int:
    """The last number given; whoever asks is alone with it until the transaction ends."""
    table = schema_access.publication
    new = insert_for(tx, table).values(association=association, last_no=0)
    tx.execute(new.on_conflict_do_nothing())
    query = select(table.c.last_no).where(table.c.association == association)
    return int(tx.execute(query.with_for_update() if is_postgres(tx) else query).scalar_one())


def has_new(tx: Connection, association: str) -> bool:
    """Whether a claim waits for its number."""
    table = schema.claim.c
    query = select(table.claim_id).where(table.association == association, table.publish_no.is_(None)).limit(1)
    return tx.execute(query).first() is not None


def listing(tx: Connection, association: str, *, after: int, status: str | None, limit: int) -> list[PublishedClaim]:
    """Numbered claims behind a number, in order."""
    table = schema.claim.c
    query = select(table.publish_no, *(table[name] for name in _COLUMNS))
    query = query.where(table.association == association, table.publish_no > after)
    if status is not None:
        query = query.where(table.status == status)
    rows = tx.execute(query.order_by(table.publish_no).limit(limit))
    return [PublishedClaim(row[0], PrefilledClaim(**dict(zip(_COLUMNS, row[1:], strict=True)))) for row in rows]


def number_before(tx: Connection, association: str, changed_at: int) -> int:
    """The number behind which everything stands that changed at this instant (milliseconds) or later."""
    table = schema.claim.c
    query = select(func.min(table.publish_no)).where(
        table.association == association, table.updated_at >= changed_at, table.publish_no.is_not(None)
    )
    first = tx.execute(query).scalar_one()
    if first is not None:
        return int(first) - 1
    last = select(schema_access.publication.c.last_no).where(schema_access.publication.c.association == association)
    return int(tx.execute(last).scalar() or 0)


def note_fetched(tx: Connection, association: str, versions: Sequence[tuple[str, int]], *, at: int) -> None:
    """The association was given these versions (claim, version): each is on the wire from now on."""
    tx.execute(
        update(schema_access.publication)
        .where(schema_access.publication.c.association == association)
        .values(fetched_at=at)
    )
    sql = (
        "update delivery set attempts = 1, last_code = 'fetched' where claim_id = ? and version = ?"
        " and state = 'pending' and attempts = 0"
    )
    change_many(tx, sql, versions)


def fetched_at(tx: Connection, association: str) -> int | None:
    """When the association last asked for its claims, in milliseconds; None where it never did."""
    query = select(schema_access.publication.c.fetched_at).where(schema_access.publication.c.association == association)
    at: int | None = tx.execute(query).scalar()
    return at


class VersionAck(msgspec.Struct, frozen=True, kw_only=True):
    """What an association says of a version it fetched."""

    claim_id: str
    version: int
    state: str
    code: str
    reference: str | None


_ENDED = ("accepted", "refused")


def acknowledge(tx: Connection, association: str, ack: VersionAck, *, now: datetime) -> str:
    """Write down what became of a version; earlier ones that are open need no answer any more. Returns how the version
    stands now: accepted, refused, overtaken; unknown where there is none of this association."""
    table = schema.delivery.c
    query = select(table.delivery_id, table.version, table.state)
    query = query.where(table.claim_id == ack.claim_id, table.association == association)
    query = query.where(table.version <= ack.version).order_by(table.delivery_id)
    rows = tx.execute(query.with_for_update() if is_postgres(tx) else query).all()
    meant = next((row for row in rows if row.version == ack.version), None)
    if meant is None:
        return "unknown"
    if meant.state == "overtaken":
        return "overtaken"
    earlier = [(row.delivery_id,) for row in rows if row.version < ack.version and row.state not in _ENDED]
    change_many(tx, "update delivery set state = 'overtaken' where delivery_id = ?", earlier)
    sql = (
        "update delivery set state = ?, last_code = ?, reference = coalesce(?, reference), lease = null,"
        " lease_until = null, answered_at = ? where delivery_id = ?"
    )
    change_many(tx, sql, [(ack.state, ack.code, ack.reference, to_ms(now), meant.delivery_id)])
    return ack.state


def unanswered(tx: Connection, association: str, *, before: int) -> int:
    """How many versions have waited for an answer since before an instant (milliseconds)."""
    table = schema.delivery.c
    query = select(func.count()).where(
        table.association == association, table.state.in_(("pending", "unknown")), table.next_at < before
    )
    return int(tx.execute(query).scalar_one())


def unanswered_in_doubt(tx: Connection, association: str, *, code: str, before: int) -> int:
    """How many versions in doubt have this last code, and were sent first before an instant (milliseconds)."""
    table = schema.delivery.c
    query = select(func.count()).where(
        table.association == association,
        table.state == "unknown",
        table.last_code == code,
        table.first_at < before,
    )
    return int(tx.execute(query).scalar_one())
