"""What associations confirmed about members and no settlement tells: diagnoses, deaths, ends of periods."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table of facts."""
    op.create_table(
        "fact",
        sa.Column("fact_id", _ID, autoincrement=True, nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("member_id", _ID, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_fact")),
    )
    op.create_index("ix_fact_member_id", "fact", ["member_id"], unique=False)


def downgrade() -> None:
    """Drop it again."""
    op.drop_index("ix_fact_member_id", table_name="fact")
    op.drop_table("fact")
