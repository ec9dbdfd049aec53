"""Who closed what will never be right, when, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add who, when and why."""
    op.add_column("quarantine", sa.Column("closed_by", sa.String(80)))
    op.add_column("quarantine", sa.Column("closed_at", sa.BigInteger()))
    op.add_column("quarantine", sa.Column("reason", sa.LargeBinary()))


def downgrade() -> None:
    """Drop them again."""
    op.drop_column("quarantine", "reason")
    op.drop_column("quarantine", "closed_at")
    op.drop_column("quarantine", "closed_by")
