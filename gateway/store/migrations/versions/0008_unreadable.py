"""What is stored and does not open, until it does or a person writes it off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "unreadable",
        sa.Column("piece_id", number, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("person_id", number, nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("written_off_by", sa.String(80), nullable=True),
        sa.Column("written_off_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("piece_id", name=op.f("pk_unreadable")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_unreadable_kind_name")),
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("unreadable")
