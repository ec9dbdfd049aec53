"""When a version was made and answered, what happened to it on its way, and which findings were told by alarm."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add columns and tables. Of rows of before nobody knows when; they stay empty."""
    op.add_column("delivery", sa.Column("made_at", sa.BigInteger()))
    op.add_column("delivery", sa.Column("answered_at", sa.BigInteger()))
    op.create_table(
        "delivery_event",
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("claim_id", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(10), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_delivery_event")),
    )
    op.create_index("ix_delivery_event_claim_id", "delivery_event", ["claim_id"])
    op.create_table(
        "finding_alarm",
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("finding_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "kind", "name", name=op.f("pk_finding_alarm")),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("finding_alarm")
    op.drop_table("delivery_event")
    for column in ("made_at", "answered_at"):
        op.drop_column("delivery", column)
