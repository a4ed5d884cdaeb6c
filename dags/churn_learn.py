"""### Learn: what became of those who were scored.

Joins every scoring that has matured with who really came back: realised churn by band, and the
lift against the holdout.

* **When**: after an ingest (asset `canonical`), with the same as_of. A scoring has matured when its
  horizon and the settle time have passed.
* **Reads** scores, segments, actions, contacts and the canonical tables known at the as_of.
  **Writes** outcomes to the lake, one publication a scored day, and the receipts to the ledger.
  Nothing has matured: skipped with a receipt `no_data`.
* **When it fails**: nothing is published, and the next day's run takes it up. The log names the
  next step; what may pass by itself is tried again. After mending, clear the task.
* **A past day**: trigger the DAG and fill in the partition key, as in `2017-11-01`. It learns what
  had matured by that day and no other day has learned.
"""

from __future__ import annotations

from airflow.sdk import PartitionedAssetTimetable, dag, task

import door


@door.each_contract
def churn_learn(line: str) -> door.Dag:
    """One task: each scored day it learns is published on its own."""

    @dag(
        door.dag_id("churn_learn", line),
        schedule=PartitionedAssetTimetable(assets=door.CANONICAL),
        params={"repin": door.REPIN},
        **door.policy(__doc__, "daily"),
    )
    def steps() -> None:
        @task(priority_weight=5)
        def learn() -> door.Told:
            """Write the outcomes of every scoring that has matured by the as_of."""
            from churn_ml import flow

            return door.hand_on(
                flow.learn(door.house(line), door.as_of(), repin=door.param("repin"))
            )

        learn()

    return steps()
