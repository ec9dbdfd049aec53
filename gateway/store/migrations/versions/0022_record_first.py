"""Where the number of a record came first as the same person's; empty where that is the record's own row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("record", sa.Column("first_seq", sa.BigInteger()))
    op.add_column("record", sa.Column("first_row", sa.Integer()))


def downgrade() -> None:
    """Drop them again."""
    op.drop_column("record", "first_row")
    op.drop_column("record", "first_seq")
