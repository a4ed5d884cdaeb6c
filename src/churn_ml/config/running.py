"""The running: where state lies, and when the steps run.

Enters: the sections [paths] and [schedule]. Leaves: `Paths` and `Schedule`. Worked example: the
lake is a folder beside churn.toml, and the ingest of 2017-10-01 begins on that day at 04:00 UTC.

>>> Paths().lake, Schedule().cron
('lake', '0 4 * * *')
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

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
    promote, or an export that changes much, waits `approval_hours` for a person, then it is
    refused. A step that the world was too busy for is tried `retries` times more: at first after
    `retry_seconds`, then after twice as long each time, up to `retry_at_most_minutes`. Airflow
    stretches each wait by up to as much again, so by default a database may be away for a quarter
    of an hour. What no step foresaw is tried as often, `retry_seconds` apart. A step that takes
    longer than `step_minutes` is stopped. `pool` is the Airflow pool that every step waits in: make
    another one than Airflow's own before you name it, with as many slots as steps may run at once.
    `churn-ml doctor` reports a champion that was trained more than `stale_after_days` before the
    newest data. With `four_eyes` who started a training, its verdict or an export by hand in
    Airflow cannot say yes to it; who works alone turns that off.
    """

    cron: str = "0 4 * * *"
    start_on: date = date(2024, 1, 1)
    end_on: date | None = None
    train_every_days: Annotated[int, Field(gt=0)] = 28
    approval_hours: Annotated[float, Field(gt=0)] = 72.0
    retries: Annotated[int, Field(ge=0)] = 5
    retry_seconds: Annotated[float, Field(ge=0)] = 30.0
    retry_at_most_minutes: Annotated[float, Field(gt=0)] = 10.0
    step_minutes: Annotated[float, Field(gt=0)] = 120.0
    pool: str = "default_pool"
    stale_after_days: Annotated[int, Field(gt=0)] = 180
    four_eyes: bool = True
