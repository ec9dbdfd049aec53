"""The tables of machine callers (keys, cursors, who asked about a member, rosters that came), of what happened on a
claim's way, and of what was told by alarm."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from gateway.store.schema import ID, metadata

access_key = Table(
    "access_key",
    metadata,
    Column("key_id", String(16), primary_key=True),
    Column("association", String(40), nullable=False),
    Column("name", String(80), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("verbs", Text, nullable=False),
    Column("made_by", String(80), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", String(80)),
    Column("replaced_by", String(16)),
    Column("used_at", BigInteger),
    Index("ix_access_key_association", "association"),
)
"""The keys by which an association's machines call: a keyed digest in place of the key. `ended_at`: from when it opens
nothing, revoked or replaced (`replaced_by`); it may lie ahead."""

publication = Table(
    "publication",
    metadata,
    Column("association", String(40), primary_key=True),
    Column("last_no", BigInteger, nullable=False),
    Column("fetched_at", BigInteger),
)
"""The last number given to a claim of an association, and when it last fetched its claims."""

lookup = Table(
    "lookup",
    metadata,
    Column("lookup_id", String(32), primary_key=True),
    Column("association", String(40), nullable=False),
    Column("member_id", ID),
    Column("caller", String(16), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("consent", String(64), nullable=False),
    Column("trial", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_lookup_member_id", "member_id"),
)
"""Who asked about a member, when, why and on whose consent; of somebody who is no member only that one was asked about.
Kept for good: an association must be able to tell a member who looked (PIPL Art. 45, 56)."""

claim_message = Table(
    "claim_message",
    metadata,
    Column("message_id", ID, primary_key=True, autoincrement=True),
    Column("claim_id", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("papers", Text, nullable=False),
    Column("paid_on", String(10)),
    Column("said_at", BigInteger),
    Column("received_at", BigInteger, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    UniqueConstraint("claim_id", "digest"),
)
"""What an association said about a claim (accepted, asks for papers, approved, paid, refused), message by message; what
of it stands is in `claim_decision`."""

delivery_event = Table(
    "delivery_event",
    metadata,
    Column("event_id", ID, primary_key=True, autoincrement=True),
    Column("claim_id", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("what", String(10), nullable=False),
    Column("code", String(64), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_delivery_event_claim_id", "claim_id"),
)
"""What happened to a claim's version on its way and is no plain going: unknown, refused, dead, accepted after a doubt,
sent again or confirmed by a person. `by`: a person's name, empty for the gateway and the association themselves."""

finding_alarm = Table(
    "finding_alarm",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("name", String(160), primary_key=True),
    Column("finding_id", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Which findings were told outside (`told`), or are on their way there (`sending`): of each subject the latest one."""

roster_upload = Table(
    "roster_upload",
    metadata,
    Column("upload_id", String(32), primary_key=True),
    Column("association", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("digest", LargeBinary(16)),
    Column("idempotency", LargeBinary(16)),
    Column("parts", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("report", Text, nullable=False),
    Column("caller", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_roster_upload_association", "association"),
)
"""A roster that came over the interface: what it would change, or did (`report`, JSON without personal data but member
numbers), and how many of its parts are done. `digest`, `idempotency`: keyed, of its bytes and of the caller's key."""

roster_part = Table(
    "roster_part",
    metadata,
    Column("upload_id", String(32), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("first_row", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""A few thousand rows of such a roster, sealed, until it is taken in or expires."""
