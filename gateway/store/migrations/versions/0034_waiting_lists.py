"""What waits for a person is listed without reading what was decided long ago."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    """Add the indexes."""
    for name, table, columns in (
        ("ix_review_waiting", "review", ["association", "item_id"]),
        ("ix_quarantine_waiting", "quarantine", ["item_id"]),
    ):
        op.create_index(name, table, columns, sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    """Drop them again."""
    op.drop_index("ix_review_waiting", "review")
    op.drop_index("ix_quarantine_waiting", "quarantine")
