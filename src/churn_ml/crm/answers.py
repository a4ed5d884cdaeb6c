"""Answers: a destination says of every row of a batch what became of it, once.

Enters: a batch and what its destination answered. Leaves: nothing, or the defect of an adapter that
lost a row: a batch that is not answered whole is not acknowledged at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from churn_ml.crm.protocol import Ack, Batch, Rejection
from churn_ml.errors import BrokenPromise


def check_answers(batch: Batch, answers: Sequence[Ack | Rejection], destination: str) -> None:
    """Raise BrokenPromise where not every row has one answer.

    >>> from datetime import date
    >>> check_answers(Batch("7d1e", "5f1c", date(2017, 10, 1), ()), [Ack("h1")], "crm")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BrokenPromise: a destination must answer every row of a batch once | ...
    """
    sent = [row.customer_id for row in batch.rows]
    answered = [answer.customer_id for answer in answers]
    if answered != sent and sorted(answered) != sorted(sent):
        raise BrokenPromise(
            "a destination must answer every row of a batch once",
            where=f"destination {destination}, batch {batch.id}",
            got=f"{len(answers)} answers",
            expected=f"{len(sent)}",
            next_step="nothing of the batch was acknowledged: mend the adapter and run again",
        )
