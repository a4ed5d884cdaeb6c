"""How long a process may stand still within a transaction that changes PostgreSQL.

Enters: a connection whose transaction has begun. Leaves: one that the server ends where nothing
comes for `IDLE_SECONDS`, so that its row locks are free again. A process that was stopped, swapped
out, or cut off without a word would hold them until it wakes, and every other export would wait.
Time counts only between two statements: a statement may run, or wait for a lock, as long as it
likes, and what churn_ml does between two of a transaction takes tenths of a second. A transaction
that only reads holds no lock that a writer waits for, and is left alone. SQLite has no such limit:
there a stopped writer holds the file until it wakes, and others give up after 30 s.

Worked example: an export of 2017-10-01 is stopped while it acknowledges a batch. After 60 s
another acknowledges its own. The first wakes, finds its connection closed and its transaction
undone, fails with a Transient error, and is run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

IDLE_SECONDS = 60
"""What a process may take between two statements of a transaction that changes PostgreSQL."""


def end_where_idle(connection: Connection) -> None:
    """Have PostgreSQL end this transaction where it stands still for IDLE_SECONDS.

    For this transaction alone, and by a statement: a pool in front of the server refuses options of
    a whole session. SQLite is left as it is.

    >>> import sqlalchemy as sa
    >>> with sa.create_engine("sqlite://").begin() as connection:
    ...     end_where_idle(connection)
    """
    if connection.dialect.name == "postgresql":
        limit = f"set local idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000:.0f}"
        connection.exec_driver_sql(limit)
