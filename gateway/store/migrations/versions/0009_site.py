"""The random id by which a database and a key folder know each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of one row. The id itself is written once database and vault were looked at."""
    op.create_table(
        "site",
        sa.Column("only", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("site_id", sa.LargeBinary(16), nullable=False),
        sa.Column("paired_at", sa.BigInteger(), nullable=False),
        sa.Column("paired_by", sa.String(80), nullable=True),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_site")),
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("site")
