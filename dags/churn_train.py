"""### Train: a challenger for the champion.

Builds the panel of past days, fits every candidate, and names the best one the challenger.

* **When**: after an ingest (asset `canonical`), if `[schedule] train_every_days` are over or a try
  before broke off; else `prepare` is skipped and says why. A run by hand always trains.
* **Reads** the canonical tables as known on each past day. **Writes** the panel, a model folder a
  `fit`, the receipt and the asset `challenger`, which is judged next; `log` shows it in MLflow.
* **When it fails**: no challenger is named, the champion stays, and the log names the next step.
  After mending, clear `prepare` and what follows; `log` alone where only MLflow was away.
* **A past day**: trigger the DAG and fill in the partition key, as in `2017-11-01`. A day trained
  before gives the very same models again, unless *Take what is newest* is ticked.
"""

from __future__ import annotations

from airflow.sdk import PartitionedAssetTimetable, dag, get_current_context, task

import door


@door.each_contract
def churn_train(line: str) -> door.Dag:
    """What `conclude` published stands, whether or not MLflow can show it."""

    @dag(
        door.dag_id("churn_train", line),
        schedule=PartitionedAssetTimetable(assets=door.CANONICAL),
        params={"repin": door.REPIN},
        **door.policy(__doc__, "models"),
    )
    def steps() -> None:
        @task
        def prepare() -> door.Told:
            """Build the panel if a training is due, or if a person asked; name the candidates."""
            from churn_ml import flow

            at, day = door.house(line), door.as_of()
            if door.by_event() and not (flow.due(at, day) or flow.owed(at, day)):
                door.skip("no training is due", {"status": "not_due"})
            with door.later(at, "train"):
                return list(flow.prepare(at, day, repin=door.param("repin")))

        @task(doc_md="Fit one candidate.", map_index_template="{{ task.op_kwargs['name'] }}")
        def fit(name: str) -> None:
            from churn_ml import flow

            flow.fit(door.house(line), door.as_of(), name)

        @task(outlets=[door.of(door.CHALLENGER, line)])
        def conclude() -> door.Told:
            """Compare the candidates, publish them and name the challenger."""
            from churn_ml import flow

            at, day = door.house(line), door.as_of()
            with door.later(at, "train"):
                return door.hand_on(flow.conclude(at, day), door.of(door.CHALLENGER, line))

        @task
        def log() -> door.Told:
            """Log in MLflow what it misses of this training."""
            from churn_ml import flow

            receipt = flow.log(door.house(line), door.as_of())
            get_current_context()["ti"].xcom_push("mlflow_url", receipt.details["run_url"])
            return door.hand_on(receipt)

        fit.expand(name=prepare()) >> conclude() >> log()

    return steps()
