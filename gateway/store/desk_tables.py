"""The tables of the clerks' desk: who has a claim, what people did about it, what leaves for the bank, what comes back.

They belong to the list of `gateway.store.schema` and follow its rules; instants and amounts as there.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint, text

from gateway.store.schema import metadata

__all__ = ["claim_case", "claim_step", "metadata", "payment_account", "payment_item", "payment_list", "recovery"]

# SQLite counts rows by a 64-bit INTEGER PRIMARY KEY only; PostgreSQL needs BIGINT for the same range.
_Id = BigInteger().with_variant(Integer, "sqlite")


def _only_where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


claim_case = Table(
    "claim_case",
    metadata,
    Column("claim_id", String(40), primary_key=True),
    Column("association", String(40), nullable=False),
    Column("level", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("papers", Text, nullable=False, server_default=""),
)
"""Which level has a claim, and since when its clock runs; `papers`: codes of what was asked for and has not come, empty
where nothing was. A claim nobody has touched has no row: the first level has it since the association received it."""

claim_step = Table(
    "claim_step",
    metadata,
    Column("step_id", _Id, primary_key=True, autoincrement=True),
    Column("claim_id", String(40), nullable=False),
    Column("association", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("what", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("level", String(40), nullable=False),
    Column("amount", BigInteger),
    Column("code", Text, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("note", LargeBinary),
    Index("ix_claim_step_claim_id", "claim_id"),
)
"""What people did about a claim, in order; never deleted. state: done | proposed (waits for a second person) |
overtaken | undone; `code`: the reason, or the papers; `note`: sealed."""

payment_account = Table(
    "payment_account",
    metadata,
    Column("claim_id", String(40), primary_key=True),
    Column("association", String(40), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""To which account a claim is paid: holder, number and bank, in one box under the accounts' own key."""

payment_list = Table(
    "payment_list",
    metadata,
    Column("list_id", _Id, primary_key=True, autoincrement=True),
    Column("association", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("made_by", String(80), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    UniqueConstraint("association", "number"),
)

payment_item = Table(
    "payment_item",
    metadata,
    Column("item_id", _Id, primary_key=True, autoincrement=True),
    Column("list_id", _Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("claim_id", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("code", String(40), nullable=False),
    Column("answered_by", String(80)),
    Column("answered_at", BigInteger),
    Column("sealed", LargeBinary),
    UniqueConstraint("list_id", "position"),
    Index("ix_payment_item_claim_id", "claim_id", unique=True, **_only_where("state <> 'failed'")),
)
"""A claim on a list: one at most that is listed or paid. state: listed | paid | failed; `sealed`: the account as the
list names it, null once it is let go."""

recovery = Table(
    "recovery",
    metadata,
    Column("recovery_id", _Id, primary_key=True, autoincrement=True),
    Column("claim_id", String(40), nullable=False),
    Column("association", String(40), nullable=False),
    Column("paid", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("recovered", BigInteger, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("proposed_by", String(80)),
    Column("closed_by", String(80)),
    Column("closed_at", BigInteger),
    Column("note", LargeBinary),
    Index("ix_recovery_claim_id", "claim_id", unique=True, **_only_where("state = 'asked'")),
)
"""What was paid and is to come back (追回): one open at a time for a claim. state: asked | recovered | written_off;
`proposed_by`: who proposed to write it off; `note`: sealed."""
