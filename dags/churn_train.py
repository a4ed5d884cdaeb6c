"""### Train: a challenger for the champion.

Builds the panel of past days, fits every candidate, and names the best one the challenger.

* **When**: after an ingest (asset `canonical`), if a training is due: `[schedule]
  train_every_days` after the last one. Otherwise, and while history is too short, the task is
  skipped and says why. A run by hand always trains.
* **Reads** the canonical tables, each past day as it was known then. **Writes** the panel to the
  lake, the model folders, the receipt to the ledger, and an event of the asset `challenger`, which
  the promotion follows. Then `log` shows it in MLflow: a run a training, a nested one a candidate.
* **When it fails**: no challenger is named, and the champion stays. The log names the next step.
  Where only `log` failed, MLflow was away: training and promotion stand, and `log` is cleared
  when it is back.
* **A past day**: trigger the DAG and fill in the partition key, as in `2017-11-01`. A day trained
  before gives the very same models again, unless *Take what is newest* is ticked.
"""

from __future__ import annotations

from airflow.sdk import PartitionedAssetTimetable, dag, get_current_context, task

import door


@dag(
    schedule=PartitionedAssetTimetable(assets=door.CANONICAL),
    params={"repin": door.REPIN},
    **door.policy(__doc__, "models"),
)
def churn_train() -> None:
    """Two tasks: what is trained stands, whether or not MLflow can show it."""

    @task(outlets=[door.CHALLENGER])
    def train() -> door.Told:
        """Train if it is due, or if a person asked."""
        from churn_ml import flow
        from churn_ml.errors import NotReady

        at, day, idle = door.house(), door.as_of(), {"receipt": None, "rows_in": 0, "rows_out": 0}
        if door.by_event() and not flow.due(at, day):
            door.skip("no training is due", idle | {"status": "not_due"})
        try:
            return door.hand_on(flow.train(at, day, repin=door.param("repin")), door.CHALLENGER)
        except NotReady as error:
            if not door.by_event():
                raise
            door.skip(str(error), idle | {"status": "not_ready"})

    @task
    def log() -> door.Told:
        """Log in MLflow what it misses of this training."""
        from churn_ml import flow

        receipt = flow.log(door.house(), door.as_of())
        get_current_context()["ti"].xcom_push(key="mlflow_url", value=receipt.details["run_url"])
        return door.hand_on(receipt)

    train() >> log()


churn_train()
