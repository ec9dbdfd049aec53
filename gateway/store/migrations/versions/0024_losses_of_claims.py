"""Which claim a loss is of, and what it paid before: a claim that falls twice is counted once. Empty in rows of before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("claim_loss", sa.Column("claim_id", sa.String(40)))
    op.add_column("claim_loss", sa.Column("was", sa.BigInteger()))


def downgrade() -> None:
    """Drop them again."""
    op.drop_column("claim_loss", "was")
    op.drop_column("claim_loss", "claim_id")
