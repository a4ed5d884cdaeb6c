"""The running: where state lies, when the steps run, and where the segments go.

Enters: the sections [paths], [schedule] and [destinations.NAME]. Leaves: `Paths`, `Schedule` and a
`Destination` for each name. Worked example: the segments of 2017-10-01 go to a folder of CSV files,
which contacts nobody by itself.

>>> Destination(kind="file", target="out").delivers, Paths().lake, Schedule().cron
(False, 'lake', '0 4 * * *')
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from churn_ml.config.section import Section


class Paths(Section):
    """Where state lies: the lake folder, the model folders, the ledger's and MLflow's database.

    The database URLs may hold `${NAME}`: the environment's value when they are opened.
    """

    lake: str = "lake"
    models: str = "models"
    ledger: str = "sqlite:///ledger.db"
    mlflow: str = "sqlite:///mlflow.db"
    mlflow_artifacts: str = "mlartifacts"


class Schedule(Section):
    """When the DAGs run, and how long they wait; without Airflow only train_every_days counts.

    `cron` (UTC) starts the ingest whose as_of is that day, from `start_on` until `end_on`; the
    other steps follow it. A training is due `train_every_days` after the last one. A verdict to
    promote waits `approval_hours` for a person, then it is refused. A step that the world was too
    busy for is tried `retries` times more, `retry_seconds` apart; one that takes longer than
    `step_minutes` is stopped. `pool` is the Airflow pool that every step waits in: make another one
    than Airflow's own before you name it, with as many slots as steps may run at once. `churn-ml
    doctor` reports a champion that was trained more than `stale_after_days` before the newest data.
    With `four_eyes` who started a training or its verdict by hand in Airflow cannot say yes to it;
    who works alone turns that off.
    """

    cron: str = "0 4 * * *"
    start_on: date = date(2024, 1, 1)
    end_on: date | None = None
    train_every_days: Annotated[int, Field(gt=0)] = 28
    approval_hours: Annotated[float, Field(gt=0)] = 72.0
    retries: Annotated[int, Field(ge=0)] = 2
    retry_seconds: Annotated[float, Field(ge=0)] = 30.0
    step_minutes: Annotated[float, Field(gt=0)] = 120.0
    pool: str = "default_pool"
    stale_after_days: Annotated[int, Field(gt=0)] = 180
    four_eyes: bool = True


class Destination(Section):
    """One place the scored segments go: a CSV folder or a SQL table.

    `target` is a folder, or a database URL that may hold `${NAME}` for the environment's value.
    `delivers` is True only where an acknowledged row means that the customer was contacted.
    `contract` names one of [contracts] whose segments it gets; the main contract's otherwise.
    """

    kind: Literal["file", "sql"]
    target: str
    table: str = "churn_segments"
    delivers: bool = False
    score_step: Annotated[float, Field(gt=0, le=1)] = 0.05
    contract: str | None = None
