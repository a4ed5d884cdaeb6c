"""Who may read the page: whoever may read the runs of every DAG of churn_ml.

The page tells what these DAGs did, so it asks for the right to see that, and for no right of its
own: a team that already gives it gives the page. Airflow's own roles read: viewer and above.

`reader` is a dependency of the whole app, so no route can forget it. It answers 401 to who is not
logged in (the UI's cookie or a bearer token logs in) and 403 to who lacks the right.
"""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from fastapi import HTTPException

from churn_page.places import DAGS


def reader(user: GetUserDep) -> None:
    """Let `user` pass who may read the runs of every DAG of churn_ml.

    Raises HTTPException: 401 without a login (by GetUserDep), 403 without the right.
    """
    team_of = _teams()
    asked: list[Any] = [
        {
            "method": "GET",
            "access_entity": DagAccessEntity.RUN,
            "details": DagDetails(id=dag, team_name=team_of.get(dag)),
        }
        for dag in DAGS
    ]
    if not get_auth_manager().batch_is_authorized_dag(asked, user=user):
        raise HTTPException(403, f"reading the runs of {', '.join(DAGS)} is not allowed to you")


def _teams() -> dict[str, str | None]:
    """The team of each DAG where Airflow knows teams; a query that others are spared."""
    if not conf.getboolean("core", "multi_team", fallback=False):
        return {}
    from airflow.models.dag import DagModel

    return dict(DagModel.get_dag_id_to_team_name_mapping(list(DAGS)))
