"""What waits for a person because it would take away from members more than a small share at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_gathering = sa.text("state = 'gathering'")
_held = sa.text("held is not null")


def upgrade() -> None:
    """Add holds, what they put aside, and at each person for which hold it waits."""
    op.create_table(
        "hold",
        sa.Column("hold_id", _id, primary_key=True, autoincrement=True),
        sa.Column("cause", sa.String(10), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("judged_at", sa.BigInteger()),
        sa.Column("members", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("claims", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("was", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("becomes", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("difference", sa.LargeBinary(16)),
        sa.Column("proposed_by", sa.String(80)),
        sa.Column("decided_by", sa.String(80)),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("note", sa.LargeBinary()),
    )
    op.create_index(
        "ix_hold_cause_subject_name",
        "hold",
        ["cause", "subject", "name"],
        unique=True,
        sqlite_where=_gathering,
        postgresql_where=_gathering,
    )
    op.create_table(
        "hold_item",
        sa.Column("item_id", _id, primary_key=True, autoincrement=True),
        sa.Column("hold_id", _id, nullable=False),
        sa.Column("person_id", _id, nullable=False),
        sa.Column("page_seq", sa.BigInteger()),
        sa.Column("row", sa.Integer()),
        sa.Column("reason", sa.String(10), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
    )
    op.create_index("ix_hold_item_hold_id", "hold_item", ["hold_id"])
    op.create_index("ix_hold_item_person_id", "hold_item", ["person_id"])
    op.create_index("ix_hold_item_page_seq", "hold_item", ["page_seq"])
    op.add_column("person", sa.Column("held", _id))
    op.create_index("ix_person_held", "person", ["held"], sqlite_where=_held, postgresql_where=_held)


def downgrade() -> None:
    """Drop them again."""
    op.drop_index("ix_person_held", "person")
    op.drop_column("person", "held")
    op.drop_table("hold_item")
    op.drop_table("hold")
