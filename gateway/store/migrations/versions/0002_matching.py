"""How doubtful records are found and decided: blocks of members, decisions with their evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; rosters taken in before are indexed under the rules of blocks at the next rescan."""
    op.create_table(
        "member_block",
        sa.Column("block", sa.LargeBinary(length=16), nullable=False),
        sa.Column("member_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("block", "member_id", name=op.f("pk_member_block")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "match_decision",
        sa.Column("page_seq", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("association", sa.String(length=40), nullable=False),
        sa.Column("member_id", _ID, nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("model", sa.String(length=40), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("page_seq", "row", "association", name=op.f("pk_match_decision")),
        sqlite_with_rowid=False,
    )
    op.add_column("roster", sa.Column("indexed", sa.Integer(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    """Drop the tables."""
    op.drop_column("roster", "indexed")
    op.drop_table("match_decision")
    op.drop_table("member_block")
