"""Who asked for a receipt: the URL of the task instance, where a scheduler did.

Frozen: a later change is a new revision, never an edit of this one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Receipts filed until now have no caller."""
    op.add_column("receipts", sa.Column("caller", sa.Text))


def downgrade() -> None:
    """Forget who asked."""
    op.drop_column("receipts", "caller")
