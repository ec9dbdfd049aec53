"""What the clock read, and whether it counts; and since when keys without pages rest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables, empty: the first start looks for the newest instant in the tables there are."""
    op.create_table(
        "clock_mark",
        sa.Column("mark_id", _ID, autoincrement=True, nullable=False),
        sa.Column("process", sa.String(32), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("basis", sa.String(10), nullable=False),
        sa.Column("by", sa.String(80), nullable=True),
        sa.PrimaryKeyConstraint("mark_id", name=op.f("pk_clock_mark")),
        sa.UniqueConstraint("process", name=op.f("uq_clock_mark_process")),
    )
    op.create_table(
        "resting_key",
        sa.Column("key_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expired_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_no", name=op.f("pk_resting_key")),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("resting_key")
    op.drop_table("clock_mark")
