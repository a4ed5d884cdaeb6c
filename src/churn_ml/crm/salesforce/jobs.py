"""Ingest jobs of Salesforce's Bulk API 2.0: made, noted, waited for, adopted after a crash.

Enters: one part of a batch. Leaves: an answer a row. The id of a job is in the ledger before its
file is uploaded, because Salesforce goes on with the job when we are dead: the next run asks for
that job's results, and uploads again only what has none (fault R15). A job that was left open has
taken nothing and is aborted; one that nobody knows any more, after seven days, is made anew. No
batch begins while the job made last still runs: consent withdrawn after a crash makes another batch
of what is left, and the old one must not be written over it (P3).

Worked example: the process dies while the job of 2017-10-01 runs. The next run finds the job's id,
waits for it, reads 1,998 results and sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simple_salesforce.bulk2 import JobState, LineEnding, Operation, ResultsType
from simple_salesforce.bulk2 import _Bulk2Client as Bulk2Client  # its public face waits blindly
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

from churn_ml.crm.means import Jobs
from churn_ml.crm.protocol import Ack, Rejection
from churn_ml.crm.refused import Refused
from churn_ml.crm.salesforce.file import OURS, Part, answered
from churn_ml.errors import BadConfig, Transient

FIRST_SECONDS, MOST_SECONDS = 0.5, 10.0
"""How long to wait before the job is looked at again: doubled from the one to the other."""
NEWEST = "newest"
"""In place of a batch: the job that was made last."""
_ENDED = (JobState.job_complete, JobState.failed, JobState.aborted)


@dataclass(frozen=True)
class Ingest:
    """The jobs of one destination. `clock`: UTC; `wait_seconds`: that a job is waited for."""

    destination: str
    client: Bulk2Client
    jobs: Jobs
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    wait_seconds: float

    def answers(self, batch_id: str, part: Part) -> dict[str, Ack | Rejection]:
        """One answer a row of the part; sends it unless the job that took it is still known.

        Raises: Transient where the job does not end, or ends without an answer for every row (it is
        then sent again by the next run); Refused where a row spoils its file; BadConfig where a
        field is not there.
        """
        key = f"{batch_id}/{part.name}"
        noted = self.jobs.job(self.destination, key)
        found = self._adopted(noted, part) if noted else {}
        return found if len(found) == len(part.customers) else self._sent(key, part)

    def settle(self) -> None:
        """Wait for the job made last, whichever batch it was of; raises Transient as `answers`."""
        newest = self.jobs.job(self.destination, NEWEST)
        if newest:
            with suppress(SalesforceResourceNotFound):
                self._settled(newest)

    def _sent(self, key: str, part: Part) -> dict[str, Ack | Rejection]:
        made = self.client.create_job(
            Operation(part.operation), line_ending=LineEnding.LF, external_id_field=part.key
        )
        job_id = str(made["id"])
        for noted in (NEWEST, key):
            self.jobs.note_job(self.destination, noted, job_id, self.clock())
        with suppress(SalesforceMalformedRequest):
            # An upload or a close whose answer was lost has happened, and is refused when it is
            # asked again: the state of the job tells.
            self.client.upload_job_data(job_id, part.data)
        with suppress(SalesforceMalformedRequest):
            self.client.close_job(job_id)
        ended = self._ended(job_id)
        found = self._results(job_id, part)
        if len(found) < len(part.customers):
            raise self._unanswered(ended, job_id, len(part.customers) - len(found), len(found))
        return found

    def _adopted(self, job_id: str, part: Part) -> dict[str, Ack | Rejection]:
        """What the job of an earlier run says of the part's rows."""
        with suppress(SalesforceResourceNotFound):
            if self._settled(job_id):
                return self._results(job_id, part)
        return {}

    def _settled(self, job_id: str) -> bool:
        """Wait until the job is over; False where it was left open: it is aborted, took nothing."""
        if self.client.get_job(job_id, False)["state"] == JobState.open:
            # refused where the process that we took for dead has just handed its file over
            with suppress(SalesforceMalformedRequest):
                self.client.abort_job(job_id, False)
                return False
        self._ended(job_id)
        return True

    def _ended(self, job_id: str) -> Mapping[str, Any]:
        """The job when it is over; raises Transient where that takes too long."""
        waited, pause = 0.0, FIRST_SECONDS
        while True:
            job: Mapping[str, Any] = self.client.get_job(job_id, False)
            if job["state"] in _ENDED:
                return job
            if job["state"] == JobState.open or waited >= self.wait_seconds:
                raise Transient(
                    f"a job of Salesforce is not over after {waited:.0f} s",
                    where=f"destination {self.destination}, job {job_id}",
                    got=f"state {job['state']}",
                    next_step="run the export again: it goes on with this job",
                )
            self.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, MOST_SECONDS)

    def _results(self, job_id: str, part: Part) -> dict[str, Ack | Rejection]:
        done = self.client.get_ingest_results(job_id, ResultsType.successful)
        failed = self.client.get_ingest_results(job_id, ResultsType.failed)
        return answered(part, done, failed)

    def _unanswered(
        self, job: Mapping[str, Any], job_id: str, rows: int, answers: int
    ) -> Transient | Refused | BadConfig:
        """Why some rows have no answer. The job's own words may quote a row: only known ones go."""
        said, where = str(job.get("errorMessage", "")), f"destination {self.destination}"
        if job["state"] == JobState.failed and not answers:
            if "Field name not found" in said:
                named = [name for name in OURS if said.endswith(name)]
                return BadConfig(
                    "Salesforce does not have a field of the export",
                    where=where,
                    got=", ".join(named) or "another name",
                    next_step="make the field, or give the user of the connection the right to it",
                )
            if said.startswith("ClientInputError"):
                return Refused("ClientInputError", "Salesforce refused the file with this row")
        return Transient(
            f"{rows} rows have no answer of Salesforce",
            where=f"{where}, job {job_id}",
            got=f"state {job['state']}",
            next_step="run the export again: they are sent again",
        )
