"""How often a member's box was sealed, which newer boxes are bound to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count; 0 says that a box is bound to its member's number alone."""
    op.add_column("member", sa.Column("sealing", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop it again. Boxes that are bound to it open no more."""
    op.drop_column("member", "sealing")
