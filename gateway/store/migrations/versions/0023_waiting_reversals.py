"""Reversals that name nobody wait by their own place: two of different numbers may wait for one settlement."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table anew under its other key."""
    _rebuild("page_seq", "row")
    op.create_index("ix_waiting_reversal_key", "waiting_reversal", ["key"])


def downgrade() -> None:
    """One for each settlement, the last received."""
    op.drop_index("ix_waiting_reversal_key", "waiting_reversal")
    _rebuild("key")


def _rebuild(*primary_key: str) -> None:
    columns = (
        sa.Column("feed", sa.String(40), nullable=False),
        sa.Column("key", sa.LargeBinary(16), nullable=False),
        sa.Column("page_seq", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
    )
    before = sa.table("waiting_reversal", *(sa.column(column.name) for column in columns))
    stored = op.get_bind().execute(sa.select(before).order_by(before.c.page_seq, before.c.row)).mappings()
    rows = {tuple(row[name] for name in primary_key): dict(row) for row in stored}
    op.drop_table("waiting_reversal")
    name = op.f("pk_waiting_reversal")
    made = op.create_table("waiting_reversal", *columns, sa.PrimaryKeyConstraint(*primary_key, name=name))
    op.bulk_insert(made, list(rows.values()))
