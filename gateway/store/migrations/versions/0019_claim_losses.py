"""What took claims away or lowered them, so that it is said in the morning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "claim_loss",
        sa.Column("loss_id", number, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("cause", sa.String(10), nullable=False),
        sa.Column("page_seq", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.String(40), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("lowered", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("loss_id", name=op.f("pk_claim_loss")),
    )
    op.create_index("ix_claim_loss_at", "claim_loss", ["at"])


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("claim_loss")
