"""What associations say about claims, message by message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "claim_message",
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("claim_id", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("papers", sa.Text(), nullable=False),
        sa.Column("paid_on", sa.String(10)),
        sa.Column("said_at", sa.BigInteger()),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_claim_message")),
        sa.UniqueConstraint("claim_id", "digest", name=op.f("uq_claim_message_claim_id_digest")),
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("claim_message")
