"""Deliveries are found by association and time, and by person; the line to an association has a state of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_OPEN = "state in ('pending', 'leased', 'unknown')"
_UNPROVEN = "state in ('unknown', 'leased', 'dead') and last_code like 'unproven/%'"
_TRIED = "state in ('pending', 'leased', 'unknown', 'dead') and attempts > 0"
_INDEXES = (
    ("ix_delivery_due", ["association", "next_at", "delivery_id"], _OPEN),
    ("ix_delivery_person", ["person_id", "delivery_id"], _OPEN),
    ("ix_delivery_tried", ["association", "state", "last_code"], _TRIED),
    ("ix_delivery_unproven", ["association"], _UNPROVEN),
)


def upgrade() -> None:
    """Add columns, indexes and table; whose claim a delivery is, is filled in where it still has to go."""
    op.add_column("delivery", sa.Column("person_id", sa.BigInteger()))
    op.add_column("delivery", sa.Column("first_at", sa.BigInteger()))
    op.add_column("delivery", sa.Column("request_digest", sa.LargeBinary(16)))
    op.execute(
        "update delivery set person_id = (select person_id from claim where claim.claim_id = delivery.claim_id)"
        f" where {_OPEN}"
    )
    for name, columns, condition in _INDEXES:
        where = sa.text(condition)
        op.create_index(name, "delivery", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "delivery_line",
        sa.Column("association", sa.String(40), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("open_until", sa.BigInteger()),
        sa.Column("disabled_at", sa.BigInteger()),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("tokens_at", sa.BigInteger()),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("delivery_line")
    for name, _, _ in _INDEXES:
        op.drop_index(name, "delivery")
    for column in ("person_id", "first_at", "request_digest"):
        op.drop_column("delivery", column)
