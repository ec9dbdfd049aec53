"""What each feed's day came to, and what pages and batches tell about keys and codes: what findings look at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and room for what pages and batches tell."""
    op.add_column("page", sa.Column("sample", sa.Text(), nullable=True))
    op.create_index(op.f("ix_page_feed_day"), "page", ["feed", "day"])
    op.add_column("batch", sa.Column("unknown", sa.Text(), nullable=True))
    op.create_table(
        "feed_day",
        sa.Column("feed", sa.String(40), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("dated", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("member_rows", sa.BigInteger(), nullable=False),
        sa.Column("review_rows", sa.BigInteger(), nullable=False),
        sa.Column("quarantined_rows", sa.BigInteger(), nullable=False),
        sa.Column("superseded_rows", sa.BigInteger(), nullable=False),
        sa.Column("superseded_amount", sa.BigInteger(), nullable=False),
        sa.Column("open_pages", sa.Integer(), nullable=False),
        sa.Column("said_rows", sa.BigInteger(), nullable=True),
        sa.Column("said_amount", sa.BigInteger(), nullable=True),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=False),
        sa.Column("unknown", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "day", name=op.f("pk_feed_day")),
    )
    op.create_table(
        "feed_watch",
        sa.Column("feed", sa.String(40), nullable=False),
        sa.Column("counted_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_feed_watch")),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("feed_watch")
    op.drop_table("feed_day")
    op.drop_column("batch", "unknown")
    op.drop_index(op.f("ix_page_feed_day"), table_name="page")
    op.drop_column("page", "sample")
