"""The story through Airflow as a person follows it: one line a change, in words.

Enters: tasks as the API tells them, and the ledger. Leaves: lines. Worked example::

     31.4 s  churn_train.fit       runs: a candidate is fitted on them
     58.9 s  churn_train.conclude  done: train as of 2017-10-01: done, 12,124 rows in, ...
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from churn_ml.demo.story import SKIPPED, TASKS
from churn_ml.errors import NotReady
from churn_ml.house import Progress

if TYPE_CHECKING:
    from churn_ml.ledger import Ledger
    from churn_ml.stack.api import Airflow, Task

STATES: Mapping[str, str] = {
    "running": "runs",
    "success": "done",
    "skipped": "skipped",
    "up_for_retry": "will be tried again",
    "awaiting_input": "waits for a person",
    "failed": "failed",
}
"""The states that are told, in words; the others last moments, and say nothing to who watches."""
NAME_WIDTH = 22


class Telling:
    """Tells every change of a task once, with the receipt of what it did."""

    def __init__(self, airflow: Airflow, ledger: Ledger, say: Progress) -> None:
        """`ledger`: where the references that tasks hand on are looked up."""
        self._airflow, self._ledger, self._say = airflow, ledger, say
        self._started = time.perf_counter()
        self._told: set[str] = set()

    def __call__(self, task: Task) -> None:
        """Say what became of a task, if that is worth a line."""
        words = STATES.get(task.state or "")
        if words is None:
            return
        about = ""
        if task.state in ("running", "awaiting_input"):
            about = meaning(task)
        elif task.state == "success":
            about = self._handed_on(task)
        elif task.state == "skipped":
            about = why_skipped(task, self._airflow.xcom(task))
        again = f" (try {task.try_number})" if task.try_number > 1 else ""
        self._say(line(self._started, f"{task.dag}.{task.name}", f"{words}{again}", about))

    def note(self, name: str, words: str) -> None:
        """Say something that no task's state says."""
        self._say(line(self._started, name, words, ""))

    def _handed_on(self, task: Task) -> str:
        """What a task handed on, in words: its receipt where it is a new one, or an answer."""
        told = self._airflow.xcom(task)
        if isinstance(told, Mapping):
            return self._receipt(told.get("receipt")) or answered(told)
        return ""

    def _receipt(self, reference: str | None) -> str:
        if reference is None or reference in self._told:
            return ""
        self._told.add(reference)
        try:
            return self._ledger.receipt(reference).receipt.in_words()
        except NotReady:  # another ledger's: what stands in XCom is no more than a name
            return reference


def meaning(task: Task) -> str:
    """What a task of the story does; empty for one of another.

    >>> from churn_ml.stack.api import Task
    >>> meaning(Task("churn_score", "r1", "score", "running"))
    'customers are scored, put into segments and given an action'
    """
    return TASKS.get(task.dag, {}).get(task.name, "")


def why_skipped(task: Task, told: Any) -> str:
    """Why a task of the story had nothing to do; `told`: what it handed on, if anything.

    >>> from churn_ml.stack.api import Task
    >>> task = Task("churn_train", "r1", "prepare", "skipped")
    >>> why_skipped(task, {"status": "not_due"}), why_skipped(task, {"status": "too_early"})
    ('no training is due', 'there is too little to learn from yet')
    """
    status = told.get("status") if isinstance(told, Mapping) else None
    return SKIPPED.get(status or "") or SKIPPED.get(task.name, "")


def answered(told: Mapping[str, Any]) -> str:
    """The answer of a person, in words; empty where `told` is none.

    >>> answered({"chosen_options": ["Promote"], "responded_by_user": {"id": "1", "name": "ada"}})
    'ada says Promote'
    >>> answered({"chosen_options": ["Reject"], "responded_by_user": None})
    'nobody says Reject'
    """
    if not told.get("chosen_options"):
        return ""
    user = told.get("responded_by_user") or {}
    return f"{user.get('name') or 'nobody'} says {', '.join(told['chosen_options'])}"


def line(started: float, name: str, words: str, about: str) -> str:
    """One line of progress; `started` is a reading of the performance counter.

    >>> line(time.perf_counter(), "churn_learn.learn", "runs", "what happened")
    '    0.0 s  churn_learn.learn      runs: what happened'
    """
    seconds = time.perf_counter() - started
    return f"{seconds:7.1f} s  {name:<{NAME_WIDTH}} {words}{': ' if about else ''}{about}"
