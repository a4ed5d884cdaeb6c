"""The task `ingest` of the DAG churn_ingest, as a worker would run it, without a scheduler.

Usage: python ingest.py DAGS_FOLDER AS_OF, with CHURN_ML_CONFIG and the connections in the
environment. Prints what the task hands on.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

if __name__ == "__main__":
    folder, as_of = sys.argv[1:]
    sys.path.insert(0, folder)

    from airflow.sdk.execution_time.context import set_current_context

    import churn_ingest
    import door

    run = SimpleNamespace(
        dag_id="churn_ingest",
        run_id="r1",
        partition_key=as_of,
        run_after=datetime(2026, 11, 22, tzinfo=UTC),
        run_type="manual",
        triggering_user_name=None,
    )
    events = {door.CANONICAL: SimpleNamespace(extra={})}
    context = {
        "dag_run": run,
        "ti": SimpleNamespace(log_url="http://127.0.0.1:8080"),
        "params": {"repin": False},
        "outlet_events": events,
    }
    with set_current_context(context):  # type: ignore[arg-type]
        told = churn_ingest.churn_ingest().get_task("ingest").python_callable()
    print(json.dumps(told))
