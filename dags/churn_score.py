"""### Score: who is leaving, why, and what is done about it.

Scores every active customer with the champion of the day, gives reasons, forms segments, draws the
holdout and chooses an action under budget and consent.

* **When**: after an ingest (asset `canonical`), with the same as_of; and after the first champion
  was named (asset `champion`), for the day it was named for.
* **Reads** the canonical tables as they were known at the as_of, and the champion of that day from
  the ledger. **Writes** cohort, features, scores, segments and actions to the lake, the receipt to
  the ledger, and an event of the asset `actions`, which the export follows. No champion yet:
  skipped with a receipt `no_champion`.
* **When it fails**: nothing is published, and the scores of the day before stay as they are. The
  log names the next step; what may pass by itself is tried again. After mending, clear the task.
* **A past day**: trigger the DAG and fill in the partition key, as in `2017-10-01`. A day scored
  before is scored again with the model and the data it had then, unless *Take what is newest* is
  ticked.
"""

from __future__ import annotations

from airflow.sdk import PartitionedAssetTimetable, dag, task

import door


@door.each_contract
def churn_score(line: str) -> door.Dag:
    """One task: what it writes is published together."""

    @dag(
        door.dag_id("churn_score", line),
        schedule=PartitionedAssetTimetable(assets=door.CANONICAL | door.of(door.CHAMPION, line)),
        params={"repin": door.REPIN},
        **door.policy(__doc__, "daily"),
    )
    def steps() -> None:
        # before learning and training, which wait for the same event: scores are needed first
        @task(outlets=[door.of(door.ACTIONS, line)], priority_weight=10)
        def score() -> door.Told:
            """Score the cohort with the champion of the as_of."""
            from churn_ml import flow

            receipt = flow.score(door.house(line), door.as_of(), repin=door.param("repin"))
            return door.hand_on(receipt, door.of(door.ACTIONS, line))

        score()

    return steps()
