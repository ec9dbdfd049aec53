"""That a database was put back from a copy, up to when the copy knew, and below which no claim version is used again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns; a database that was never put back has none of it."""
    op.add_column("site", sa.Column("copied_at", sa.BigInteger()))
    op.add_column("site", sa.Column("restored_at", sa.BigInteger()))
    op.add_column("site", sa.Column("restored_by", sa.String(80)))
    op.add_column("site", sa.Column("checked_at", sa.BigInteger()))
    op.add_column("site", sa.Column("first_version", sa.BigInteger()))


def downgrade() -> None:
    """Drop them again."""
    for name in ("first_version", "checked_at", "restored_by", "restored_at", "copied_at"):
        op.drop_column("site", name)
