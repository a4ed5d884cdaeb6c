"""What exports to a CRM need to remember: stops, approvals, jobs and the tokens of its limits.

Frozen: a later change is a new revision, never an edit of this one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Nothing is stopped, asked or running yet."""
    op.create_table(
        "stops",
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("stopped_at", sa.DateTime, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_table(
        "approvals",
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("plan_id", sa.String(64), primary_key=True),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("of_rows", sa.Integer, nullable=False),
        sa.Column("asked_at", sa.DateTime, nullable=False),
        sa.Column("answer", sa.String(16)),
        sa.Column("who", sa.String(128)),
        sa.Column("answered_at", sa.DateTime),
    )
    op.create_table(
        "jobs",
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("batch_id", sa.String(64), primary_key=True),
        sa.Column("job_id", sa.String(128), nullable=False),
        sa.Column("noted_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "buckets",
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("tokens", sa.Float, nullable=False),
        sa.Column("filled_at", sa.Float, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("spent", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Forget them."""
    for name in ("buckets", "jobs", "approvals", "stops"):
        op.drop_table(name)
