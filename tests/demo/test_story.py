"""The story names what the DAGs are called, and walks them in business time."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from churn_ml import flow
from churn_ml.demo.story import APPROVER, FIRST, SECOND, TASKS, chapters
from churn_ml.house import House

DAGS = Path(__file__).parents[2] / "dags"


def test_every_dag_of_the_repository_is_in_the_story_with_every_task() -> None:
    found = {path.stem: tasks_of(path) for path in DAGS.glob("churn_*.py")}
    assert {dag: set(tasks) for dag, tasks in TASKS.items()} == found


def tasks_of(path: Path) -> set[str]:
    """The names of the tasks in a DAG file: functions under @task, and every task_id."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            marks = {ast.unparse(mark).split("(")[0] for mark in node.decorator_list}
            names |= {node.name} if any(mark.split(".")[0] == "task" for mark in marks) else set()
        if isinstance(node, ast.keyword) and node.arg == "task_id":
            names.add(ast.literal_eval(node.value))
    return names


def test_the_story_scores_each_day_before_a_challenger_may_replace_its_champion(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked: list[tuple[object, ...]] = []
    for name in (
        "ingest",
        "train",
        "promote",
        "score",
        "export",
        "learn",
        "rates",
        "log_if_reachable",
    ):
        monkeypatch.setattr(flow, name, record(walked, name))
    for _, steps in chapters():
        steps(house)
    assert walked == [
        ("ingest", FIRST),
        ("train", FIRST),
        ("log_if_reachable", FIRST),
        ("promote", FIRST),
        ("score", FIRST),
        ("export", FIRST),
        ("rates", FIRST),
        ("ingest", SECOND),
        ("score", SECOND),
        ("export", SECOND),
        ("learn", SECOND),
        ("train", SECOND),
        ("log_if_reachable", SECOND),
        ("promote", SECOND, APPROVER),
    ]


def record(walked: list[tuple[object, ...]], name: str) -> object:
    """A step that notes that it was called."""

    def step(_: House, as_of: object, **more: object) -> list[object]:
        walked.append((name, as_of, *more.values()))
        return []

    return step
