"""### Export: the world out.

Sends the scored segments to every destination of churn.toml: only what it does not hold yet.

* **When**: after a scoring (asset `actions`), with the same as_of.
* **Reads** what was scored and decided, consent and suppression as they are now. **Writes** to
  `[destinations]`; plan, acknowledgements, answers and receipt to the ledger.
* **The question**: what changes more of a destination than its `ask_above`, or fills an empty one
  (`first_load`), waits under *Required Actions* for `[schedule] approval_hours`; no answer is
  *Keep back*. The other destinations do not wait. Answer and name stand in the ledger.
* **When it fails**: what was acknowledged stays so, and the next try sends the rest: every
  customer exactly once. Do what the log says and clear the failed task, never `ask` (Airflow shows
  the old question again): to be asked anew, trigger the DAG again.
* **A past day**: trigger the DAG and fill in the partition key, as in `2017-10-01`. What is older
  than what a destination has already is counted and not sent. Tick *Only count* to see what would
  be sent, or asked.
"""

from __future__ import annotations

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, PartitionedAssetTimetable, dag, task

import door
from plan_question import ASK, answer, question

SAYS = "Say what would be sent to each destination, or asked about it, and send nothing."
DRY_RUN = Param(False, type="boolean", title="Only count", description=SAYS)


@door.each_contract
def churn_export(line: str) -> door.Dag:
    """Send what asks nobody, ask about the rest, send it after a yes."""

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

            done = flow.export(door.house(line), door.as_of(), dry_run=door.param("dry_run"))
            return door.hand_on(done, **question(done, flow.waiting(done)))

        @task.short_circuit
        def route(exported: door.Told | None) -> bool:
            """Go on only where a person has to be asked; a task marked as done told nothing."""
            return bool(exported and exported["plans"])

        @task
        def send(reply: door.Told, exported: door.Told) -> door.Told:
            """Write the answer, and send what the question showed after a yes."""
            from churn_ml import flow

            said = answer(reply, exported)
            return door.hand_on(flow.send(door.house(line), door.as_of(), **said))

        ask = HITLOperator(task_id="ask", response_timeout=door.ANSWER_WITHIN, **ASK)
        route(exported := export()) >> ask
        send(ask.output, exported)

    return steps()
