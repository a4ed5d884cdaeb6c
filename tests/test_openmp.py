"""Threads of OpenMP that wait leave the cores to others; who said otherwise is obeyed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = "import churn_ml, sklearn._loss.loss"
NAME = "OMP_WAIT_POLICY"


@pytest.mark.parametrize(("said", "policy"), [({}, "PASSIVE"), ({NAME: "ACTIVE"}, "ACTIVE")])
def test_a_waiting_thread_sleeps_unless_somebody_wants_it_to_spin(
    said: dict[str, str], policy: str
) -> None:
    known = {key: value for key, value in os.environ.items() if key != NAME}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=known | said | {"OMP_DISPLAY_ENV": "TRUE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{NAME} = '{policy}'" in done.stderr
