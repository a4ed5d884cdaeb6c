"""The story of the demo in business time, told once for both ways of walking it.

History to 2017-10-01 is one ingest; the inactivity rule becomes the first champion, scores and
exports. October arrives as one ingest keyed 2017-11-01; the next export sends only the difference;
those scored on 2017-10-01 have matured; a challenger is trained and judged.

Enters: nothing. Leaves: dates, names and chapters. Worked example: directly, the first chapter
calls `flow.ingest(house, 2017-10-01)`; through Airflow that ingest is triggered with the key
2017-10-01, and assets carry it on to the other DAGs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from churn_ml import flow
from churn_ml.house import House
from churn_ml.receipts import Receipt

FIRST = date(2017, 10, 1)
SECOND = date(2017, 11, 1)
APPROVER = "demo-approver"
ANSWER = "Promote"
"""What the approver says where a verdict is to promote."""

Chapter = tuple[str, Callable[[House], list[Receipt]]]

TRIGGERED = "churn_ingest"
"""The one DAG that the story triggers: everything else follows by assets."""
TASKS: Mapping[str, Mapping[str, str]] = {
    "churn_ingest": {"ingest": "the shop's files are validated and published"},
    "churn_score": {"score": "customers are scored, put into segments and given an action"},
    "churn_export": {
        "export": "what changed is sent to the destinations",
        "route": "whether a person has to be asked",
        "ask": "Send or Keep back",
        "send": "what a person said yes to is sent",
    },
    "churn_learn": {"learn": "matured scores meet what really happened"},
    "churn_train": {
        "prepare": "the past cut-offs are laid side by side",
        "fit": "a candidate is fitted on them",
        "conclude": "the candidates are compared, the best is the challenger",
        "log": "the training is shown in MLflow",
    },
    "churn_promote": {
        "judge": "the challenger is weighed against the champion",
        "route": "whether a person has to be asked",
        "ask": "Promote or Reject",
        "record": "the decision is written into the ledger",
        "announce": "a first champion lets its day be scored",
    },
}
"""Every DAG of the story and its tasks, in words."""
SKIPPED: Mapping[str, str] = {
    "ingest": "no new file was dropped",
    "score": "there is no champion yet",
    "learn": "no scores have matured that are not learned yet",
    "prepare": "no training is due",
    "fit": "nothing was prepared",
    "conclude": "nothing was fitted",
    "log": "nothing was trained",
    "ask": "nobody has to be asked",
    "send": "nothing waited for a yes",
    "announce": "only the very first champion is announced",
    "too_early": "there is too little to learn from yet",
}
"""Why a task has nothing to do, by its name; or by the status that it handed on."""


def chapters() -> Iterator[Chapter]:
    """The story step by step, as a shell tells it."""
    yield "the first load: history to 2017-10-01", lambda h: [flow.ingest(h, FIRST)]
    yield "train on it", lambda h: [flow.train(h, FIRST), *flow.log_if_reachable(h, FIRST)]
    yield "the inactivity rule becomes champion", lambda h: [flow.promote(h, FIRST)]
    yield "score as of 2017-10-01", lambda h: [flow.score(h, FIRST)]
    yield "export as of 2017-10-01", lambda h: [flow.export(h, FIRST)]
    yield "the rates of the months so far", lambda h: [flow.rates(h, FIRST)]
    yield "October arrives", lambda h: [flow.ingest(h, SECOND)]
    yield "score as of 2017-11-01", lambda h: [flow.score(h, SECOND)]
    yield "export as of 2017-11-01: the difference", lambda h: [flow.export(h, SECOND)]
    yield "outcomes of those scored on 2017-10-01", lambda h: [flow.learn(h, SECOND)]
    yield "train a challenger", lambda h: [flow.train(h, SECOND), *flow.log_if_reachable(h, SECOND)]
    yield "the verdict", lambda h: [flow.promote(h, SECOND, approver=APPROVER)]
