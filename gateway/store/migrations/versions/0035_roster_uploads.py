"""Rosters that came over the interface: what each would change, and its rows, sealed, until it is confirmed or expires."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "roster_upload",
        sa.Column("upload_id", sa.String(32), nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("digest", sa.LargeBinary(16)),
        sa.Column("idempotency", sa.LargeBinary(16)),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("caller", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_roster_upload")),
    )
    op.create_index("ix_roster_upload_association", "roster_upload", ["association"])
    op.create_table(
        "roster_part",
        sa.Column("upload_id", sa.String(32), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("first_row", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "part", name=op.f("pk_roster_part")),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("roster_part")
    op.drop_table("roster_upload")
