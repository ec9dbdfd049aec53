"""The form of a claim's content its latest version was written in; every claim there is has the first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the form."""
    op.add_column("claim", sa.Column("form", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    """Drop it again."""
    op.drop_column("claim", "form")
