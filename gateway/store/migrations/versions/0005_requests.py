"""The signed requests that came lately, so that none is carried out twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of requests."""
    op.create_table(
        "request_seen",
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_request_seen")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_request_seen_at", "request_seen", ["at"], unique=False)


def downgrade() -> None:
    """Drop it again."""
    op.drop_index("ix_request_seen_at", table_name="request_seen")
    op.drop_table("request_seen")
