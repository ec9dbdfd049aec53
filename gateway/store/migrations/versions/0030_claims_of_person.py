"""One index of claims by person and stay in the place of two: one by the random digest costs a night a page a claim."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A digest is of one person, so it is unique among that person's claims or not at all."""
    op.drop_index("ix_claim_stay_digest", "claim")
    op.drop_index("ix_claim_person_id", "claim")
    op.create_index("ix_claim_person_id", "claim", ["person_id", "stay_digest"], unique=True)


def downgrade() -> None:
    """Two indexes again."""
    op.drop_index("ix_claim_person_id", "claim")
    op.create_index("ix_claim_person_id", "claim", ["person_id"])
    op.create_index("ix_claim_stay_digest", "claim", ["stay_digest"], unique=True)
