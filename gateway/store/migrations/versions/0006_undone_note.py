"""Why a decision was taken back, in the words of who did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the note."""
    op.add_column("review_decision", sa.Column("undone_note", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Drop it again."""
    op.drop_column("review_decision", "undone_note")
