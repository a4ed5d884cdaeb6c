"""Airflow, asked and told through its REST API: runs by key, tasks, questions, backfills, logs.

Enters: an address and a login. Leaves: frozen records of what Airflow says now. Nothing is cached
and nothing is waited for, but that a DAG is parsed; who follows runs to their end is following.py.
A read that finds nobody raises Unreachable, and may be asked again; a wish that Airflow refuses
raises BadInput with what it said.

Worked example: after `trigger("churn_ingest", "2017-10-01")` the runs keyed 2017-10-01 are that
one, and soon those of the DAGs that follow its asset.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from churn_ml.errors import BadInput, NotReady
from churn_ml.stack.told import Question, Run, Task, lines_of, run_of, task_of
from churn_ml.stack.wire import Conflict, Wire

if TYPE_CHECKING:
    from churn_ml.stack.record import Stack

__all__ = ["ANY", "Airflow", "Question", "Run", "Task"]

ANY = "~"
"""What Airflow's API calls every DAG, or every run."""


class Airflow(Wire):
    """A client for one user; close it, or use it as a context manager."""

    @classmethod
    def of(cls, stack: Stack, user: str = "admin") -> Self:
        """The client of one of a stack's users; raises BadInput where it has none of that name."""
        if user not in stack.users:
            raise BadInput(
                f"this stack has no user {user}",
                where=str(stack.folder),
                got=", ".join(stack.users),
            )
        return cls(stack.airflow_url, user, stack.users[user])

    def trigger(
        self,
        dag: str,
        key: str,
        *,
        conf: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        patience_seconds: float = 90,
    ) -> Run:
        """Start a run of `dag` with a partition key; `conf` fills in the trigger form.

        With a `run_id` of the caller's twice is once: whose answer was lost asks again. A DAG that
        was just deployed is waited for. Raises NotReady where it is not known after
        `patience_seconds`, with its import error; BadInput where Airflow refuses key or form.
        """
        body = {"logical_date": None, "partition_key": key, "conf": dict(conf or {})}
        body |= {"dag_run_id": run_id} if run_id else {}
        try:
            return run_of(self._patient("POST", dag, "dagRuns", body, patience_seconds))
        except Conflict:
            if run_id is None or not (told := self.ask("GET", f"/dags/{dag}/dagRuns/{run_id}")):
                raise
            return run_of(told)

    def ready(self, dags: Iterable[str], *, patience_seconds: float = 90) -> None:
        """Wait until every one of `dags` is parsed: only then it hears the events of assets.

        Raises NotReady where one is not known after `patience_seconds`, with its import error, or
        is paused.
        """
        for dag in dags:
            if self._patient("GET", dag, "details", None, patience_seconds)["is_paused"]:
                raise NotReady(
                    f"the DAG {dag} is paused: its runs would wait",
                    where=f"{self.url}/dags/{dag}",
                    next_step="switch it on there, or: airflow dags unpause",
                )

    def _patient(
        self, method: str, dag: str, what: str, body: Mapping[str, Any] | None, seconds: float
    ) -> Any:
        """What Airflow answers about a DAG that may not be parsed yet."""
        until = time.monotonic() + seconds
        while (told := self.ask(method, f"/dags/{dag}/{what}", body)) is None:
            if time.monotonic() > until:
                raise NotReady(
                    f"Airflow does not know the DAG {dag}",
                    where=self.url,
                    got="; ".join(self.import_errors()) or f"no such DAG in {seconds:g} s",
                    next_step="mend the DAG file, or read the log of the dag-processor",
                )
            time.sleep(0.5)
        return told

    def import_errors(self) -> list[str]:
        """What Airflow could not import of its DAG files: file and last line, one each."""
        found = self.pages("GET", "/importErrors", "import_errors")
        return [f"{e['filename']}: {e['stack_trace'].strip().splitlines()[-1]}" for e in found]

    def runs(self, key: str | None = None, dag: str = ANY) -> list[Run]:
        """The runs of a key, of a DAG, or all, newest first."""
        query = {"order_by": "-id"} | ({"partition_key_prefix_pattern": key} if key else {})
        runs = (
            run_of(told) for told in self.pages("GET", f"/dags/{dag}/dagRuns", "dag_runs", query)
        )
        return [run for run in runs if key is None or run.key == key]

    def tasks(self, runs: Iterable[Run]) -> list[Task]:
        """The tasks of these runs."""
        wanted = {(run.dag, run.id) for run in runs}
        if not wanted:
            return []
        query = {"dag_run_ids": sorted({run for _, run in wanted})}
        path = f"/dags/{ANY}/dagRuns/{ANY}/taskInstances/list"
        found = [task_of(told) for told in self.pages("POST", path, "task_instances", query)]
        return [task for task in found if (task.dag, task.run) in wanted]

    def announced(self, key: str) -> list[str]:
        """The DAGs that an asset's event of this key has asked for, and that have no run yet."""
        query = {"has_created_dag_run_id": False}
        found = self.ask("GET", "/partitioned_dag_runs", query=query, root="/ui")
        if found is None or "partitioned_dag_runs" not in found:
            raise BadInput(
                "this Airflow does not tell which runs an asset has asked for",
                where=f"{self.url}/ui/partitioned_dag_runs",
                expected="Airflow 3.3",
                next_step="install the version that requirements.lock names",
            )
        rows = found["partitioned_dag_runs"]
        return [row["dag_id"] for row in rows if row["partition_key"] == key]

    def xcom(self, task: Task, name: str = "return_value") -> Any:
        """What a task handed on under `name`; None where it handed on nothing."""
        query = {"map_index": task.index, "deserialize": True}
        told = self.ask("GET", f"{task.path}/xcomEntries/{name}", query=query)
        return None if told is None else told["value"]

    def questions(self) -> list[Question]:
        """What waits for the answer of a person, in every DAG."""
        path = f"/dags/{ANY}/dagRuns/{ANY}/hitlDetails"
        found = self.pages("GET", path, "hitl_details", {"response_received": False})
        return [
            Question(
                task_of(q["task_instance"]), q["subject"], q["body"] or "", tuple(q["options"])
            )
            for q in found
        ]

    def answer(self, task: Task, option: str) -> None:
        """Answer a task's question as this client's user.

        Twice = once. Raises BadInput where it has another answer or somebody else's already, or
        `option` is none of its options.
        """
        path = f"{task.path}/{task.index}/hitlDetails"
        try:
            told = self.ask("PATCH", path, {"chosen_options": [option], "params_input": {}})
        except Conflict:
            told = self.ask("GET", path) or {}
            who = (told.get("responded_by_user") or {}).get("name")
            if (who, told.get("chosen_options")) != (self.user, [option]):
                raise
        if told is None:
            raise BadInput("this task asks nothing", where=f"{task.dag}.{task.name}, {task.run}")

    def backfill(self, dag: str, first: date, last: date, *, reprocess: str = "none") -> int:
        """Start runs of a scheduled DAG for every day from `first` to `last`, one after the other.

        `reprocess`: none, failed or completed, the days with a run that are run again. Returns the
        backfill's id. Raises BadInput where one is open, or the DAG has no schedule.
        """
        body = {
            "dag_id": dag,
            "from_date": f"{first.isoformat()}T00:00:00Z",
            "to_date": f"{last.isoformat()}T23:59:59Z",
            "reprocess_behavior": reprocess,
            "max_active_runs": 1,
        }
        told = self.ask("POST", "/backfills", body)
        if told is None:
            raise NotReady(f"Airflow does not know the DAG {dag}", where=self.url)
        return int(told["id"])

    def backfilled(self, backfill: int) -> bool:
        """Whether every run of a backfill has ended."""
        told = self.ask("GET", f"/backfills/{backfill}")
        return told is not None and told["completed_at"] is not None

    def log_tail(self, task: Task, lines: int = 30) -> str:
        """The last lines of the log of a task's newest try; empty where there is none."""
        query = {"map_index": task.index, "full_content": True}
        told = self.ask("GET", f"{task.path}/logs/{max(task.try_number, 1)}", query=query)
        found = [line for each in (told or {}).get("content", ()) for line in lines_of(each)]
        return "\n".join(found[-lines:])
