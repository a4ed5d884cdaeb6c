"""The door of the page: what Airflow takes from the plugins folder.

Enters: nothing. Leaves: the page "Churn" in Airflow's navigation, its routes below /churn, and the
links "Receipt", "MLflow run" and "CRM" on task instances. Every process of Airflow imports this
file, and only the API server needs the page: it is built when that asks for it.

Worked example: the page stands at /plugin/churn of the UI, in a frame that shows /churn/; the
receipt of the task `score` of 2017-10-01 at /plugin/churn/churn/receipts/score/2017-10-01/1.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from churn_page.places import PREFIX, ROUTE, root


class ChurnPlugin(AirflowPlugin):
    """The page in the navigation, its routes, and the links on task instances."""

    name = "churn_page"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """The page's routes, mounted below /churn."""
        from churn_page.app import make_app

        return [{"app": make_app(), "url_prefix": PREFIX, "name": "churn_ml page"}]

    @cached_property
    def external_views(self) -> list[dict[str, Any]]:
        """The entry in the navigation: a frame that shows the page."""
        return [
            {
                "name": "Churn",
                "href": f"{root()}{PREFIX}/",
                "destination": "nav",
                "url_route": ROUTE,
                "nav_top_level": True,
                "icon": f"{root()}{PREFIX}/static/icon.svg",
            }
        ]

    @cached_property
    def global_operator_extra_links(self) -> list[Any]:
        """Links on a task instance; empty, and so not shown, outside the DAGs of churn_ml."""
        from churn_page.links import MlflowLink, ReceiptLink, TargetLink

        return [ReceiptLink(), MlflowLink(), TargetLink()]
