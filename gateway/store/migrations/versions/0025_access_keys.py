"""Keys by which the machines of associations call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "access_key",
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("verbs", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", sa.String(80)),
        sa.Column("replaced_by", sa.String(16)),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_access_key")),
    )
    op.create_index("ix_access_key_association", "access_key", ["association"])


def downgrade() -> None:
    """Drop it again."""
    op.drop_index("ix_access_key_association", "access_key")
    op.drop_table("access_key")
