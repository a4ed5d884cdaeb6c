"""What validation said of every ingest, and the shop's currency and zone at the first.

Frozen: a later change is a new revision, never an edit of this one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Ingests until now have no validations on record; the next one tells currency and zone."""
    op.create_table(
        "validations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("table_name", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(128), nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.Column("of_rows", sa.BigInteger, nullable=False),
        sa.Column("lots", sa.Integer, nullable=False),
        sa.Column("worst_lot", sa.String(16)),
        sa.Column("worst_share", sa.Float, nullable=False),
        sa.Column("tolerance", sa.Float),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("judged_at", sa.DateTime, nullable=False),
    )
    op.create_index("validations_by_rule", "validations", ["table_name", "rule", "as_of"])
    op.add_column("identity", sa.Column("currency", sa.String(3)))
    op.add_column("identity", sa.Column("time_zone", sa.String(64)))


def downgrade() -> None:
    """Forget what validation said, and what the shop was."""
    op.drop_column("identity", "time_zone")
    op.drop_column("identity", "currency")
    op.drop_index("validations_by_rule", "validations")
    op.drop_table("validations")
