"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "claim",
        sa.Column("claim_id", sa.String(length=40), nullable=False),
        sa.Column("association", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.String(length=40), nullable=False),
        sa.Column("stay", sa.String(length=160), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("edition", sa.String(length=20), nullable=True),
        sa.Column("payable", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("claim_by", sa.String(length=10), nullable=True),
        sa.Column("content", sa.LargeBinary(length=32), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_claim")),
    )
    op.create_index("ix_claim_association_updated_at", "claim", ["association", "updated_at"], unique=False)
    op.create_index("ix_claim_person_id", "claim", ["person_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column(
            "delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("claim_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("association", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("last_code", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("claim_id", "version", name=op.f("uq_delivery_claim_id_version")),
    )
    op.create_index("ix_delivery_state_next_at", "delivery", ["state", "next_at"], unique=False)
    op.create_table(
        "feed",
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.Column("last_page_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_feed")),
    )
    op.create_table(
        "feed_total",
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("page_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "day", "source", name=op.f("pk_feed_total")),
    )
    op.create_table(
        "member_fingerprint",
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "member_id", name=op.f("pk_member_fingerprint")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_member_fingerprint_member_id", "member_fingerprint", ["member_id"], unique=False)
    op.create_table(
        "page",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("page_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=True),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("key_no", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("replaced_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_page")),
        sa.UniqueConstraint("page_id", name=op.f("uq_page_page_id")),
    )
    op.create_index("ix_page_feed_seq", "page", ["feed", "seq"], unique=False)
    op.create_index("ix_page_state", "page", ["state"], unique=False)
    op.create_table(
        "person",
        sa.Column(
            "person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("association", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person")),
    )
    op.create_table(
        "quarantine",
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("page_seq", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_quarantine")),
    )
    op.create_index(
        "ix_quarantine_key",
        "quarantine",
        ["key"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_quarantine_page_seq", "quarantine", ["page_seq"], unique=False)
    op.create_table(
        "record",
        sa.Column(
            "record_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("association", sa.String(length=40), nullable=False),
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("page_seq", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("received_on", sa.String(length=10), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("duplicate", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_record")),
        sa.UniqueConstraint("key", "association", name=op.f("uq_record_key_association")),
    )
    op.create_index("ix_record_page_seq", "record", ["page_seq"], unique=False)
    op.create_index("ix_record_person_id", "record", ["person_id"], unique=False)
    op.create_table(
        "rescan",
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("association", sa.String(length=40), nullable=False),
        sa.Column("fingerprints", sa.LargeBinary(), nullable=False),
        sa.Column("reread", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_rescan")),
    )
    op.create_table(
        "review",
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("association", sa.String(length=40), nullable=False),
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("page_seq", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_review")),
    )
    op.create_index(
        "ix_review_key",
        "review",
        ["key"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_review_page_seq", "review", ["page_seq"], unique=False)
    op.create_table(
        "roster",
        sa.Column("association", sa.String(length=40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("association", name=op.f("pk_roster")),
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("scheduled_for", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run")),
        sa.UniqueConstraint("feed", "scheduled_for", name=op.f("uq_run_feed_scheduled_for")),
    )
    op.create_table(
        "sweep_asked",
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_until", sa.String(length=10), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("failed_code", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("feed", "member_id", name=op.f("pk_sweep_asked")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "waiting_reversal",
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("page_seq", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_waiting_reversal")),
    )
    op.create_table(
        "batch",
        sa.Column("page_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_row", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("member_rows", sa.Integer(), nullable=False),
        sa.Column("left_rows", sa.Integer(), nullable=False),
        sa.Column("stranger_rows", sa.Integer(), nullable=False),
        sa.Column("review_rows", sa.Integer(), nullable=False),
        sa.Column("duplicate_rows", sa.Integer(), nullable=False),
        sa.Column("superseded_rows", sa.Integer(), nullable=False),
        sa.Column("quarantined_rows", sa.Integer(), nullable=False),
        sa.Column("member_amount", sa.BigInteger(), nullable=False),
        sa.Column("left_amount", sa.BigInteger(), nullable=False),
        sa.Column("stranger_amount", sa.BigInteger(), nullable=False),
        sa.Column("review_amount", sa.BigInteger(), nullable=False),
        sa.Column("duplicate_amount", sa.BigInteger(), nullable=False),
        sa.Column("superseded_amount", sa.BigInteger(), nullable=False),
        sa.Column("quarantined_amount", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["page_seq"], ["page.seq"], name=op.f("fk_batch_page_seq")),
        sa.PrimaryKeyConstraint("page_seq", "first_row", name=op.f("pk_batch")),
    )
    op.create_table(
        "claim_decision",
        sa.Column("claim_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.claim_id"], name=op.f("fk_claim_decision_claim_id")),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_claim_decision")),
    )
    op.create_table(
        "member",
        sa.Column(
            "member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("association", sa.String(length=40), nullable=False),
        sa.Column("member_no", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=10), nullable=False),
        sa.Column("league", sa.String(length=40), nullable=True),
        sa.Column("opt_out", sa.Boolean(), nullable=False),
        sa.Column("coverage", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_member_person_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_member")),
        sa.UniqueConstraint("association", "member_no", name=op.f("uq_member_association_member_no")),
    )
    op.create_index("ix_member_person_id", "member", ["person_id"], unique=False)


def downgrade() -> None:
    """Drop every table."""
    op.drop_index("ix_member_person_id", table_name="member")
    op.drop_table("member")
    op.drop_table("claim_decision")
    op.drop_table("batch")
    op.drop_table("waiting_reversal")
    op.drop_table("sweep_asked")
    op.drop_table("run")
    op.drop_table("roster")
    op.drop_index("ix_review_page_seq", table_name="review")
    op.drop_index(
        "ix_review_key",
        table_name="review",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("review")
    op.drop_table("rescan")
    op.drop_index("ix_record_person_id", table_name="record")
    op.drop_index("ix_record_page_seq", table_name="record")
    op.drop_table("record")
    op.drop_index("ix_quarantine_page_seq", table_name="quarantine")
    op.drop_index(
        "ix_quarantine_key",
        table_name="quarantine",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("quarantine")
    op.drop_table("person")
    op.drop_index("ix_page_state", table_name="page")
    op.drop_index("ix_page_feed_seq", table_name="page")
    op.drop_table("page")
    op.drop_index("ix_member_fingerprint_member_id", table_name="member_fingerprint")
    op.drop_table("member_fingerprint")
    op.drop_table("feed_total")
    op.drop_table("feed")
    op.drop_index("ix_delivery_state_next_at", table_name="delivery")
    op.drop_table("delivery")
    op.drop_index("ix_claim_person_id", table_name="claim")
    op.drop_index("ix_claim_association_updated_at", table_name="claim")
    op.drop_table("claim")
