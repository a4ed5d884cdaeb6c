"""The ledger as of version 0.1: tokens, publications, receipts, lots, models, decisions, exports.

Frozen: a later change is a new revision, never an edit of this one.
"""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table of version 0.1, and the head of the empty chain of decisions."""
    _identity()
    _publications()
    _lots_and_models()
    _decisions()
    _deliveries()


def downgrade() -> None:
    """Drop every table of version 0.1 with what they hold."""
    for name in (
        "suppressed",
        "contacts",
        "delivered",
        "plan_rows",
        "plans",
        "decision_head",
        "decisions",
        "models",
        "lots",
        "receipts",
        "published_partitions",
        "publications",
        "tokens",
        "identity",
    ):
        op.drop_table(name)


def _identity() -> None:
    """The name of this ledger, drawn once: what destinations know their owner by."""
    identity = op.create_table(
        "identity",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("key_mark", sa.String(16)),
    )
    op.bulk_insert(identity, [{"id": uuid4().hex}])


def _publications() -> None:
    op.create_table(
        "tokens",
        sa.Column("step", sa.String(64), primary_key=True),
        sa.Column("as_of", sa.Date, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "publications",
        sa.Column("step", sa.String(64), primary_key=True),
        sa.Column("as_of", sa.Date, primary_key=True),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("pins", sa.Text, nullable=False),
        sa.Column("published_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "published_partitions",
        sa.Column("table_name", sa.String(64), primary_key=True),
        sa.Column("partition", sa.Date, primary_key=True),
        sa.Column("step", sa.String(64), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("row_count", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
    )
    op.create_index("published_partitions_by_step", "published_partitions", ["step", "as_of"])
    op.create_table(
        "receipts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("step", sa.String(64), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("filed_at", sa.DateTime, nullable=False),
    )
    op.create_index("receipts_by_step", "receipts", ["step", "as_of"])


def _lots_and_models() -> None:
    op.create_table(
        "lots",
        sa.Column("table_name", sa.String(64), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("first_seen_at", sa.DateTime, nullable=False),
        sa.Column("ingest_key", sa.Date),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.String(96), primary_key=True),
        sa.Column("family", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("trained_as_of", sa.Date, nullable=False),
        sa.Column("contract", sa.String(96), nullable=False),
        sa.Column("mlflow_run", sa.String(64)),
        sa.Column("mlflow_version", sa.String(32)),
        sa.Column("meta", sa.Text, nullable=False),
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("champion_from", sa.String(96)),
        sa.Column("champion_to", sa.String(96)),
        sa.Column("evidence_hash", sa.String(64)),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("alpha_spent", sa.Float, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("decided_at", sa.DateTime, nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    head = op.create_table(
        "decision_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "hash": "0" * 64}])


def _deliveries() -> None:
    op.create_table(
        "plans",
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("plan_id", sa.String(64), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
    )
    op.create_table(
        "plan_rows",
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(255), primary_key=True),
        sa.Column("plan_id", sa.String(64), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("contact", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("code", sa.String(64)),
        sa.Column("message", sa.Text),
    )
    op.create_index("plan_rows_by_plan", "plan_rows", ["plan_id", "customer_id"])
    op.create_table(
        "delivered",
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(255), primary_key=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("acknowledged_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "contacts",
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(255), primary_key=True),
        sa.Column("as_of", sa.Date, primary_key=True),
        sa.Column("acknowledged_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "suppressed",
        sa.Column("key_hmac", sa.String(64), primary_key=True),
        sa.Column("suppressed_at", sa.DateTime, nullable=False),
    )
