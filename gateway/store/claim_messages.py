"""What an association said about a claim, message by message, in the order it was received. Nothing is ever changed."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, select

from gateway.store import schema, schema_access
from gateway.store.engine import insert_for


class ClaimMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `outcome`: accepted | papers | approved | paid | refused; `amount` in fen; `reason`, `papers`: codes
    of the association's own (papers joined by commas); `said_at`: when it was so, by the association's clock, None
    where it does not tell; `digest` is the same for the same message."""

    claim_id: str
    version: int
    outcome: str
    amount: int
    reason: str
    papers: str
    paid_on: str | None
    said_at: int | None
    received_at: int
    digest: bytes


_COLUMNS = ClaimMessage.__struct_fields__


def add(tx: Connection, message: ClaimMessage) -> bool:
    """Write it down; False where the same one is there."""
    table = schema_access.claim_message
    new = insert_for(tx, table).values(**{name: getattr(message, name) for name in _COLUMNS})
    kept = new.on_conflict_do_nothing(index_elements=[table.c.claim_id, table.c.digest])
    return bool(tx.execute(kept.returning(table.c.message_id)).first())


def said_last(tx: Connection, claim_id: str) -> int | None:
    """The latest instant that a decision about this claim names as its own, in milliseconds."""
    table = schema_access.claim_message.c
    decisions = table.outcome.in_(("approved", "paid", "refused"))
    query = select(func.max(table.said_at)).where(table.claim_id == claim_id, decisions)
    at: int | None = tx.execute(query).scalar()
    return at


def of_claim(tx: Connection, claim_id: str) -> list[ClaimMessage]:
    """All of a claim, in the order received."""
    table = schema_access.claim_message.c
    query = select(*(table[name] for name in _COLUMNS)).where(table.claim_id == claim_id)
    return [ClaimMessage(**row._mapping) for row in tx.execute(query.order_by(table.message_id))]


def wanting_papers(tx: Connection) -> dict[str, int]:
    """Association → how many claims that still stand wait for papers: that was the last it said of them."""
    message, claim = schema_access.claim_message.c, schema.claim
    last = select(func.max(message.message_id)).group_by(message.claim_id)
    query = (
        select(claim.c.association, func.count())
        .join_from(schema_access.claim_message, claim, claim.c.claim_id == message.claim_id)
        .where(message.message_id.in_(last), message.outcome == "papers", claim.c.status != "withdrawn")
        .group_by(claim.c.association)
    )
    return {association: int(count) for association, count in tx.execute(query)}
