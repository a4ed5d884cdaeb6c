"""### Export: the world out.

Sends the scored segments to every destination of churn.toml: only what changed since the last
state that the destination acknowledged.

* **When**: after a scoring (asset `actions`), with the same as_of.
* **Reads** scores, segments and actions of the day, and consent and the suppression list as they
  are now: who may not be contacted is never sent. **Writes** to `[destinations]`; plan,
  acknowledgements and receipt to the ledger.
* **When it fails**: what was acknowledged stays so, and the next try sends the rest. Stopped
  anywhere, it sends every customer exactly once. A destination that does not answer is tried again;
  otherwise the log names the next step. After mending, clear the task.
* **A past day**: trigger the DAG and fill in the partition key, as in `2017-10-01`. What is older
  than what a destination has already is counted and not sent. Tick *Only count* to see what would
  be sent.
"""

from __future__ import annotations

from airflow.sdk import Param, PartitionedAssetTimetable, dag, task

import door

DRY_RUN = Param(
    False,
    type="boolean",
    title="Only count",
    description="Say what would be sent to each destination, and send nothing.",
)


@door.each_contract
def churn_export(line: str) -> door.Dag:
    """One task: the outbox keeps its own state."""

    @dag(
        door.dag_id("churn_export", line),
        schedule=PartitionedAssetTimetable(assets=door.of(door.ACTIONS, line)),
        params={"dry_run": DRY_RUN},
        **door.policy(__doc__, "daily"),
    )
    def steps() -> None:
        @task(priority_weight=10)
        def export() -> door.Told:
            """Send the difference to what every destination acknowledged last."""
            from churn_ml import flow

            return door.hand_on(
                flow.export(door.house(line), door.as_of(), dry_run=door.param("dry_run"))
            )

        export()

    return steps()
