"""Questions about a person's bills: found by member, and what a refund was said to take back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the index."""
    op.add_column("review_decision", sa.Column("original", sa.LargeBinary(16)))
    op.create_index("ix_review_member_id", "review", ["member_id"])


def downgrade() -> None:
    """Drop them again."""
    op.drop_index("ix_review_member_id", "review")
    op.drop_column("review_decision", "original")
