"""The numbers by which an association finds its claims."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_NEW = sa.text("publish_no is null")
_NUMBERED = sa.text("publish_no is not null")


def upgrade() -> None:
    """What stands is numbered when it is first asked for."""
    op.create_table(
        "publication",
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("last_no", sa.BigInteger(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("association", name=op.f("pk_publication")),
    )
    op.add_column("claim", sa.Column("publish_no", sa.BigInteger()))
    op.create_index("ix_claim_association", "claim", ["association"], sqlite_where=_NEW, postgresql_where=_NEW)
    op.create_index(
        "ix_claim_association_publish_no",
        "claim",
        ["association", "publish_no"],
        unique=True,
        sqlite_where=_NUMBERED,
        postgresql_where=_NUMBERED,
    )


def downgrade() -> None:
    """Forget the numbers."""
    op.drop_index("ix_claim_association_publish_no", "claim")
    op.drop_index("ix_claim_association", "claim")
    op.drop_column("claim", "publish_no")
    op.drop_table("publication")
