"""Who sends a plan now, when and by which run a plan was made, and who lifted a stop.

Frozen: a later change is a new revision, never an edit of this one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nobody sends; of plans made so far neither time nor run is known."""
    op.create_table(
        "senders",
        sa.Column("destination", sa.String(64), primary_key=True),
        sa.Column("sender", sa.String(128), primary_key=True),
        sa.Column("plan_id", sa.String(64), nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
    )
    op.create_table(
        "lifted_stops",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("destination", sa.String(64), nullable=False),
        sa.Column("stopped_at", sa.DateTime, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("lifted_at", sa.DateTime, nullable=False),
        sa.Column("lifted_by", sa.String(128), nullable=False),
    )
    op.add_column("plans", sa.Column("planned_at", sa.DateTime))
    op.add_column("plans", sa.Column("run", sa.String(64)))


def downgrade() -> None:
    """Forget them."""
    op.drop_column("plans", "run")
    op.drop_column("plans", "planned_at")
    op.drop_table("lifted_stops")
    op.drop_table("senders")
