"""For how long a feed's pages are kept, remembered for when its file is gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; a feed stands in it once it was seen in force."""
    op.create_table(
        "page_retention",
        sa.Column("feed", sa.String(40), primary_key=True),
        sa.Column("days", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("page_retention")
