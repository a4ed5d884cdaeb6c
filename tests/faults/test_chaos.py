"""The fault harness in short: ten seeds keep the claim, and two worse builds do not (C8, C9, O4).

`make faults SEEDS=200` is the long run; see chaos.py. What a seed goes through: kill -9 at named
places and anywhere (C1-C4, C8), zombies (C9), a full disk (C11), a restart of PostgreSQL (C15), the
same run twice at once (O2), backfills in any order (O4), rows and batches that the target refuses,
answers that are lost, late or none (R1-R6). Seed 0 dies at every failpoint once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .failpoints import FAILPOINTS, owner_of

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a seed forks its processes")


def chaos(*told: str) -> subprocess.CompletedProcess[str]:
    """The harness in a process of its own: it forks, which a process with threads must not."""
    command = [sys.executable, "-m", "tests.faults.chaos", *told]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def summary(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The last line of the harness."""
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_the_sweep_and_ten_seeds_of_the_nemesis_keep_the_claim() -> None:
    done = chaos("--seeds", "10")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    said = summary(done)
    assert (said["seeds"], said["violating"]) == (11, [])
    assert said["killed"] >= 20, "a seed without kills is tame"
    # who slept past another run of its step finds its token or its plan replaced, and says so
    assert said["asleep"] >= said["overtaken"] >= said["fenced"] >= 5


@pytest.mark.parametrize(("build", "seeds"), [("ack_before_send", 5), ("no_fencing", 10)])
def test_a_worse_build_is_caught_within_a_few_seeds(build: str, seeds: int) -> None:
    done = chaos("--seeds", str(seeds), "--broken", build, "--stop")
    assert done.returncode == 1, f"{done.stdout}\n{done.stderr}"
    assert "should be" in done.stdout or "stands" in done.stdout


def test_there_are_failpoints_of_every_step_and_each_is_a_place_that_exists() -> None:
    assert len({point.name for point in FAILPOINTS}) == len(FAILPOINTS) >= 25
    steps = {step for point in FAILPOINTS for step in point.steps}
    assert steps >= {"ingest", "score", "train", "record", "export"}
    for point in FAILPOINTS:
        owner, name = owner_of(point.where)
        assert callable(getattr(owner, name)), point
