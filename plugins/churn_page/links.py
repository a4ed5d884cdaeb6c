"""Links on a task instance: its receipt on our page, its run in MLflow, the CRM it exports to.

Airflow asks the API server for them, which reads what the task left in XCom: `return_value` with
{"receipt": "score/2017-10-01/3", ...}, and `mlflow_url` where the task logged a training. What is
no receipt's name, or no http(s) URL, gives no link, and the UI shows none. The CRM's address is the
`page` of a destination in churn.toml.

Worked example: the task `score` of churn_score shows "Receipt"; the task `log` of churn_train shows
"Receipt" and "MLflow run"; the tasks of churn_export "Receipt" and "CRM".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

from churn_ml.config import named
from churn_ml.errors import ChurnError
from churn_page.places import DAGS, receipt_url, web_url

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey


class ReceiptLink(BaseOperatorLink):
    """The receipt that a task handed on, on the page in Airflow's own frame."""

    name = "Receipt"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """The receipt's address; "" where the task has none."""
        told = left(ti_key, "return_value")
        return receipt_url(told.get("receipt")) if isinstance(told, dict) else ""


class MlflowLink(BaseOperatorLink):
    """The training's run in MLflow."""

    name = "MLflow run"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """The run's address; "" where the task left none."""
        return web_url(left(ti_key, "mlflow_url"))


class TargetLink(BaseOperatorLink):
    """Where people look at what an export has changed."""

    name = "CRM"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """The page of the first destination of the DAG's contract that names one; "" elsewhere."""
        dag, _, line = ti_key.dag_id.partition(".")
        if dag != "churn_export":
            return ""
        try:
            told = named("the page").destinations.values()
        except ChurnError:  # settings that do not read are told by the DAG itself
            return ""
        own = (one.page for one in told if (one.contract or "") == line)
        return next(filter(None, map(web_url, own)), "")


def left(ti_key: TaskInstanceKey, key: str) -> Any:
    """What a task of ours left in XCom under `key`; None where nothing, or the task is not ours."""
    if ti_key.dag_id not in DAGS:
        return None
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    query = XComModel.get_many(
        key=key,
        dag_ids=ti_key.dag_id,
        run_id=ti_key.run_id,
        task_ids=ti_key.task_id,
        map_indexes=ti_key.map_index,
    )
    with create_session() as session:
        found = session.execute(query.with_only_columns(XComModel.value)).first()
    return None if found is None else _plain(found.value)


def _plain(stored: Any) -> Any:
    """The value behind XCom's JSON text; text that is no JSON stays as it is."""
    if not isinstance(stored, str):
        return stored
    try:
        return json.loads(stored)
    except ValueError:
        return stored
