"""What became of every row that an export settled, for whoever asks about one customer.

Frozen: a later change is a new revision, never an edit of this one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Of rows that were settled until now only the last is known, in `delivered`."""
    op.create_table(
        "settled",
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(255), primary_key=True),
        sa.Column("plan_id", sa.String(64), primary_key=True),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("code", sa.String(64)),
        sa.Column("message", sa.Text),
        sa.Column("settled_at", sa.DateTime, nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    """Forget what became of the rows."""
    op.drop_table("settled")
