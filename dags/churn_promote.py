"""### Promote: the challenger against the champion, in money.

Weighs both on the newest rows whose outcome is known, and asks a person before a change.

* **When**: after a training (asset `challenger`), with the same as_of.
* **Reads** that training and the champion of the day. **Writes** verdict and decision, refusals
  too, to the ledger; MLflow's aliases follow. The first champion is the inactivity rule: nobody is
  asked, and an event of the asset `champion` has its day scored.
* **The question** waits under *Required Actions* for `[schedule] approval_hours`. No answer is
  *Reject*. Answer and name stand in the ledger.
* **When it fails**: up to `record` nothing is decided; what `record` wrote stands. Do what the log
  says and clear the failed task: recording twice is recording once. After a new training of that
  day never clear `ask` or `judge` (Airflow shows the old question again): trigger the DAG again.
* **A past day**: trigger the DAG and fill in the partition key, as in `2017-11-01`. A verdict that
  is answered already comes back as it was and asks nobody.
"""

from __future__ import annotations

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import PartitionedAssetTimetable, TriggerRule, dag, task

import door
from question import ASK, answer, question


@door.each_contract
def churn_promote(line: str) -> door.Dag:
    """Judge, ask where it matters, record always, announce the first champion."""

    @dag(
        door.dag_id("churn_promote", line),
        schedule=PartitionedAssetTimetable(assets=door.of(door.CHALLENGER, line)),
        **door.policy(__doc__, "models"),
    )
    def steps() -> None:
        @task
        def judge() -> door.Told:
            """Weigh the challenger against the champion."""
            from churn_ml import flow

            receipt = flow.judge(door.house(line), door.as_of())
            return door.hand_on(receipt, **question(receipt, door.CONFIG.shop.currency))

        @task.branch
        def route(judged: door.Told) -> str:
            """Ask a person only where the verdict is to promote and nobody answered it yet."""
            return "ask" if judged["asks"] else "record"

        @task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
        def record(reply: door.Told, judged: door.Told) -> door.Told:
            """Write the decision on what the question showed, with the answer if one was asked."""
            from churn_ml import flow

            done = flow.record(door.house(line), door.as_of(), **answer(reply, judged))
            return door.hand_on(done, kind=done.details["kind"])

        @task(outlets=[door.of(door.CHAMPION, line)])
        def announce(decided: door.Told) -> door.Told:
            """Let the day of the first champion be scored."""
            if decided["kind"] != "first":
                door.skip("not the first champion", decided)
            door.name_receipt(door.of(door.CHAMPION, line), decided["receipt"])
            return decided

        ask = HITLOperator(task_id="ask", response_timeout=door.ANSWER_WITHIN, **ASK)
        route(judged := judge()) >> [ask, decided := record(ask.output, judged)]
        announce(decided)

    return steps()
