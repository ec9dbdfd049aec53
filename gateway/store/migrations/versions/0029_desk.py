"""The clerks' desk: levels and steps of claims, accounts, payment lists, recoveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "claim_case",
        sa.Column("claim_id", sa.String(40), nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("papers", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_claim_case")),
    )
    op.create_table(
        "claim_step",
        sa.Column("step_id", _ID, autoincrement=True, nullable=False),
        sa.Column("claim_id", sa.String(40), nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("level", sa.String(40), nullable=False),
        sa.Column("amount", sa.BigInteger()),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_claim_step")),
    )
    op.create_index("ix_claim_step_claim_id", "claim_step", ["claim_id"])
    _payments()
    op.create_table(
        "recovery",
        sa.Column("recovery_id", _ID, autoincrement=True, nullable=False),
        sa.Column("claim_id", sa.String(40), nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("recovered", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("asked_by", sa.String(80), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", sa.String(80)),
        sa.Column("closed_by", sa.String(80)),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("note", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("recovery_id", name=op.f("pk_recovery")),
    )
    _unique_where("ix_recovery_claim_id", "recovery", "state = 'asked'")


def _payments() -> None:
    op.create_table(
        "payment_account",
        sa.Column("claim_id", sa.String(40), nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_payment_account")),
    )
    op.create_table(
        "payment_list",
        sa.Column("list_id", _ID, autoincrement=True, nullable=False),
        sa.Column("association", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("list_id", name=op.f("pk_payment_list")),
        sa.UniqueConstraint("association", "number", name=op.f("uq_payment_list_association_number")),
    )
    op.create_table(
        "payment_item",
        sa.Column("item_id", _ID, autoincrement=True, nullable=False),
        sa.Column("list_id", _ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("claim_id", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("answered_by", sa.String(80)),
        sa.Column("answered_at", sa.BigInteger()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_payment_item")),
        sa.UniqueConstraint("list_id", "position", name=op.f("uq_payment_item_list_id_position")),
    )
    _unique_where("ix_payment_item_claim_id", "payment_item", "state <> 'failed'")


def _unique_where(name: str, table: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, ["claim_id"], unique=True, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Drop them again."""
    for table in ("recovery", "payment_item", "payment_list", "payment_account", "claim_step", "claim_case"):
        op.drop_table(table)
