"""With which mapping a page was read, and with which schemes its people were assessed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both digests; of pages worked before nobody knows."""
    op.add_column("page", sa.Column("mapping", sa.String(16)))
    op.add_column("page", sa.Column("schemes", sa.String(16)))


def downgrade() -> None:
    """Drop them again."""
    op.drop_column("page", "schemes")
    op.drop_column("page", "mapping")
