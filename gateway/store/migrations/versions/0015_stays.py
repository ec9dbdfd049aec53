"""What a claim is about, as a keyed digest and a kind; the words of before are rewritten by a job, not here.

The digest needs a key of the vault, which a migration does not have, and a large site is not rewritten in one
transaction. Until the job is done a row has either the words or kind and digest.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add kind and digest; new rows have empty words."""
    op.add_column("claim", sa.Column("stay_kind", sa.String(10), nullable=False, server_default=""))
    op.add_column("claim", sa.Column("stay_digest", sa.LargeBinary(16)))
    op.create_index("ix_claim_stay_digest", "claim", ["stay_digest"], unique=True)
    op.create_table(
        "rewriting",
        sa.Column("step", sa.String(20), primary_key=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
    )


def downgrade() -> None:
    """Drop both again. Rows without words have lost what an older program finds them by."""
    op.drop_table("rewriting")
    op.drop_index("ix_claim_stay_digest", "claim")
    op.drop_column("claim", "stay_digest")
    op.drop_column("claim", "stay_kind")
