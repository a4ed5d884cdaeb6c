"""What the demo says beside the report: where to look, who may log in, what it took.

Enters: a stack, or a report. Leaves: text. Worked example: in a terminal the logins stand beside
the addresses; without one a command is named that shows them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from churn_ml.program import called

if TYPE_CHECKING:
    from churn_ml.stack import Stack
    from churn_ml.views import Report

MAKES = Path("var/demo")
"""The folder of `make demo`."""
PAGE = "/plugin/churn"
"""Where Airflow's UI shows the page of churn_ml."""


def urls(stack: Stack) -> dict[str, str]:
    """Where the servers of a stack answer; no login."""
    return {
        "Airflow": stack.airflow_url,
        "the page": f"{stack.airflow_url}{PAGE}",
        "MLflow": stack.mlflow_url,
    }


def addresses(stack: Stack, *, logins: bool) -> str:
    """The addresses, one a line, with who may log in where; without `logins`, how to ask."""
    lines = [f"   {name:<9} {url}" for name, url in urls(stack).items()]
    if not logins:
        ask = f"{called()} stack status --logins --folder {stack.folder}"
        return "\n".join([*lines, f"   logins    {ask}"])
    airflow = ", ".join(f"{name} / {password}" for name, password in stack.users.items())
    lines[0] += f"   log in as {airflow}"
    lines[2] += f"   log in as churn_ml / {stack.mlflow_users['churn_ml']}"
    return "\n".join(lines)


def look_around(folder: Path) -> str:
    """What is worth a click while the demo stays up."""
    return "\n".join(
        [
            "To look around:",
            "  Airflow, Assets: how one ingest carried the whole house on",
            "  Airflow, Dags, churn_promote: the graph, the verdict, who answered",
            "  Airflow, Churn: segments, verdicts with reasons, realised churn, exports",
            "  MLflow, Experiments: one run a training, a nested one a candidate",
            f"From another terminal: {called()} stack status --folder {folder}",
            "Ctrl-C stops it.",
        ]
    )


def go_on(folder: Path, config: Path, *, runs: bool) -> str:
    """What to type to work on with the demo's shop, beside the running stack or after it.

    >>> go_on(Path("var/demo"), Path("var/demo/churn.toml"), runs=True)
    '. var/demo/env.sh; ... report --config var/demo/churn.toml'
    """
    start = "" if runs else f"{called()} stack start --config {config} --folder {folder}; "
    return f"{start}. {folder}/env.sh; {called()} report --config {config}"


def again(folder: Path, *, direct: bool = False) -> str:
    """What to type so that the demo of `folder` goes on from what lies there.

    >>> again(Path("elsewhere"), direct=True)
    '... demo --keep --direct --folder elsewhere'
    """
    if "MAKELEVEL" in os.environ and folder == MAKES:
        return f"KEEP=1 {'DIRECT=1 ' if direct else ''}make demo"
    return f"{called()} demo --keep {'--direct ' if direct else ''}--folder {folder}"


def figures(report: Report) -> str:
    """Content hash and times of a demo; those of the stack where it had one.

    `steps_seconds` is the sum over what this run filed: steps of one day run side by side.

    >>> print(figures({"content_hash": "ab12", "story_seconds": 60.0}))
    The story took 60 s. Content: ab12
    >>> print(figures({"content_hash": "ab12", "story_seconds": 90.0, "stack_seconds": 23.4,
    ...                "direct_seconds": 60.0, "overhead_seconds": 30.0, "times_direct": 1.5,
    ...                "direct_hash": "ab12", "steps_seconds": 50.0}))
    The platform was up after 23 s. The story took 90 s, the steps themselves 50 s. Content: ab12
    Told directly: 60 s; Airflow adds 30 s, 1.50 times as long. Same content: yes
    """
    took = f"The story took {report['story_seconds']:.0f} s"
    if "stack_seconds" in report:
        steps = report["steps_seconds"]
        up = f"The platform was up after {report['stack_seconds']:.0f} s. "
        took = f"{up}{took}, the steps themselves {steps:.0f} s"
    lines = [f"{took}. Content: {report['content_hash']}"]
    if "direct_seconds" in report:
        same = "yes" if report["direct_hash"] == report["content_hash"] else "NO"
        lines.append(
            f"Told directly: {report['direct_seconds']:.0f} s; Airflow adds "
            f"{report['overhead_seconds']:.0f} s, {report['times_direct']:.2f} times as long. "
            f"Same content: {same}"
        )
    return "\n".join(lines)
