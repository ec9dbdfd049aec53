"""The tables of people who log in: accounts, sessions, history, acts of two persons, and the audit log."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, text

from gateway.store.schema import ID, metadata

user_account = Table(
    "user_account",
    metadata,
    Column("account", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("roles", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("former", Text, nullable=False),
    Column("password_at", BigInteger, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("second", LargeBinary),
    Column("second_step", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_until", BigInteger),
    Column("locked", Boolean, nullable=False),
    Column("made_by", String(80), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)
"""`password`: a slow hash of a keyed digest, so that whoever has the table alone cannot test a guess; `former`: those
of before, newest first, joined by line feeds. `second`: the sealed secret of the second factor, null until it is set
up; `second_step`: the time step last used, which opens only once. `locked`: by a person; `failing_until`: after
failures."""

user_session = Table(
    "user_session",
    metadata,
    Column("session", LargeBinary(16), primary_key=True),
    Column("account", String(40), nullable=False),
    Column("stage", String(10), nullable=False),
    Column("way", String(10), nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Index("ix_user_session_account", "account"),
)
"""One open session an account: a keyed digest of its id, which only the browser or the session file has. stage: second
(the password was right) | enrol (a second factor must be set up) | change (the password must be changed) | open."""

user_account_change = Table(
    "user_account_change",
    metadata,
    Column("change_id", ID, primary_key=True, autoincrement=True),
    Column("account", String(40), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(80), nullable=False),
    Column("what", String(20), nullable=False),
    Column("before", Text),
    Column("after", Text),
    Index("ix_user_account_change_account", "account", "change_id"),
)
"""What became of an account, never changed. what: made | roles | scope | locked | unlocked | reset | password |
second."""

two_person_act = Table(
    "two_person_act",
    metadata,
    Column("act_id", ID, primary_key=True, autoincrement=True),
    Column("kind", String(40), nullable=False),
    Column("subject", String(160), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("ended_by", String(80)),
    Column("ended_at", BigInteger),
    Index(
        "ix_two_person_act_kind",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)
"""What one person asked for and another must confirm. `digest`: of what exactly is asked for. state: open | confirmed |
refused | lapsed."""

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("entry_no", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("account", String(80), nullable=False),
    Column("act", String(40), nullable=False),
    Column("subject", String(160), nullable=False),
    Column("person", LargeBinary(16)),
    Column("purpose", String(40), nullable=False),
    Column("page", String(120), nullable=False),
    Column("own", LargeBinary(32), nullable=False),
    Column("link", LargeBinary(32), nullable=False),
    Index("ix_audit_entry_account", "account", "entry_no"),
    Index("ix_audit_entry_act", "act", "entry_no"),
    Index("ix_audit_entry_person", "person", "entry_no"),
)
"""Who saw and did what, about whom (a keyed digest), why, and where. `own`: keyed digest of the entry; `link`: keyed
digest of the link before it and of `own`."""
