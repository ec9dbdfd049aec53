"""What people decided about doubts, what is remembered of it, and who looked at plain values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of review, and give an item the facts it was asked about."""
    op.add_column("review", sa.Column("situation", sa.LargeBinary(16), nullable=True))
    op.create_table(
        "review_decision",
        sa.Column("decision_id", _ID, autoincrement=True, nullable=False),
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("answer", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("member_id", _ID, nullable=True),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("levels", sa.Text(), nullable=False),
        sa.Column("model", sa.String(40), nullable=False),
        sa.Column("joined", sa.Text(), nullable=False),
        sa.Column("undone_by", sa.String(80), nullable=True),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_review_decision")),
    )
    op.create_index("ix_review_decision_item_id", "review_decision", ["item_id"], unique=False)
    op.create_table(
        "ruling",
        sa.Column("ruling_id", _ID, autoincrement=True, nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("member_id", _ID, nullable=False),
        sa.Column("same", sa.Boolean(), nullable=False),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.Column("decision_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("ruling_id", name=op.f("pk_ruling")),
    )
    op.create_index("ix_ruling_digest", "ruling", ["digest"], unique=False)
    op.create_index("ix_ruling_member_id", "ruling", ["member_id"], unique=False)
    op.create_index("ix_ruling_decision_id", "ruling", ["decision_id"], unique=False)
    op.create_table(
        "ruled_row",
        sa.Column("ruling_id", _ID, nullable=False),
        sa.Column("page_seq", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ruling_id", "page_seq", "row", name=op.f("pk_ruled_row")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ruled_row_page_seq", "ruled_row", ["page_seq"], unique=False)
    op.create_table(
        "review_access",
        sa.Column("access_id", _ID, autoincrement=True, nullable=False),
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("access_id", name=op.f("pk_review_access")),
    )
    op.create_index("ix_review_access_item_id", "review_access", ["item_id"], unique=False)


def downgrade() -> None:
    """Drop them again."""
    for index, table in (
        ("ix_review_access_item_id", "review_access"),
        ("ix_ruled_row_page_seq", "ruled_row"),
        ("ix_ruling_decision_id", "ruling"),
        ("ix_ruling_member_id", "ruling"),
        ("ix_ruling_digest", "ruling"),
        ("ix_review_decision_item_id", "review_decision"),
    ):
        op.drop_index(index, table_name=table)
    for table in ("review_access", "ruled_row", "ruling", "review_decision"):
        op.drop_table(table)
    op.drop_column("review", "situation")
