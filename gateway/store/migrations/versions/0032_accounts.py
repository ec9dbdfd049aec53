"""Accounts, sessions, acts of two persons, and the audit log as a keyed chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "user_account",
        sa.Column("account", sa.String(40), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("former", sa.Text(), nullable=False),
        sa.Column("password_at", sa.BigInteger(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("second", sa.LargeBinary()),
        sa.Column("second_step", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_until", sa.BigInteger()),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_user_account")),
    )
    op.create_table(
        "user_session",
        sa.Column("session", sa.LargeBinary(16), nullable=False),
        sa.Column("account", sa.String(40), nullable=False),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("way", sa.String(10), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_user_session")),
    )
    op.create_index("ix_user_session_account", "user_session", ["account"])
    op.create_table(
        "user_account_change",
        sa.Column("change_id", _ID, nullable=False, autoincrement=True),
        sa.Column("account", sa.String(40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_user_account_change")),
    )
    op.create_index("ix_user_account_change_account", "user_account_change", ["account", "change_id"])
    op.create_table(
        "two_person_act",
        sa.Column("act_id", _ID, nullable=False, autoincrement=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(160), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("asked_by", sa.String(80), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("ended_by", sa.String(80)),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("act_id", name=op.f("pk_two_person_act")),
    )
    still_open = sa.text("state = 'open'")
    op.create_index(
        "ix_two_person_act_kind",
        "two_person_act",
        ["kind", "subject"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_table(
        "audit_entry",
        sa.Column("entry_no", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(80), nullable=False),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(160), nullable=False),
        sa.Column("person", sa.LargeBinary(16)),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("page", sa.String(120), nullable=False),
        sa.Column("own", sa.LargeBinary(32), nullable=False),
        sa.Column("link", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("entry_no", name=op.f("pk_audit_entry")),
    )
    for column in ("account", "act", "person"):
        op.create_index(f"ix_audit_entry_{column}", "audit_entry", [column, "entry_no"])


def downgrade() -> None:
    """Drop them again."""
    for table in ("audit_entry", "two_person_act", "user_account_change", "user_session", "user_account"):
        op.drop_table(table)
