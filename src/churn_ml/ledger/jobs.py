"""Jobs: which job of a target's a batch became, so that a killed export adopts it (fault R15).

Worked example: the batch of 2017-10-01 was uploaded to Salesforce as job 750xx, and the process
died while it waited. The next run asks for that job's result and uploads nothing again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, select

from churn_ml.ledger.database import Database, stored
from churn_ml.ledger.rows import upsert
from churn_ml.ledger.schema import JOBS


class Jobs(Database):
    """The part of the ledger that knows what a target is still working on."""

    def job(self, destination: str, batch_id: str) -> str | None:
        """The job noted last for the batch, or None.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, at = Ledger.open("sqlite://"), datetime(2026, 11, 22, tzinfo=UTC)
        >>> ledger.note_job("crm", "7d1e", "750xx", at)
        >>> ledger.job("crm", "7d1e"), ledger.job("crm", "9a77")
        ('750xx', None)
        """
        mine = and_(JOBS.c.destination == destination, JOBS.c.batch_id == batch_id)
        with self.reading() as connection:
            found = connection.execute(select(JOBS.c.job_id).where(mine)).scalar_one_or_none()
        return None if found is None else str(found)

    def note_job(self, destination: str, batch_id: str, job_id: str, at: datetime) -> None:
        """Note the batch's job in one transaction, in place of an earlier one."""
        row = {
            "destination": destination,
            "batch_id": batch_id,
            "job_id": job_id,
            "noted_at": stored(at),
        }
        with self.writing() as connection:
            upsert(connection, JOBS, [row], update=("job_id", "noted_at"))
