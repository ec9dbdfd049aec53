"""The ledger of lookups: who asked about a member."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "lookup",
        sa.Column("lookup_id", sa.String(32), nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.Column("caller", sa.String(16), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("consent", sa.String(64), nullable=False),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lookup_id", name=op.f("pk_lookup")),
    )
    op.create_index("ix_lookup_member_id", "lookup", ["member_id"])


def downgrade() -> None:
    """Drop it again."""
    op.drop_index("ix_lookup_member_id", "lookup")
    op.drop_table("lookup")
