"""The fault harness in short: ten seeds keep the claim, and worse builds do not (C8, C9, O4, P3).

`make faults SEEDS=200` is the long run; see chaos.py. What a seed goes through: kill -9 at named
places and anywhere (C1-C4, C8), zombies (C9), a full disk (C11), a restart of PostgreSQL (C15), the
same run twice at once (O2), backfills in any order (O4), rows and batches that the target refuses,
answers that are lost, late or none (R1-R6). Two sweeps die at every failpoint of the export and of
its publications once, and of a real ingest, training, promotion and scoring (C1-C4, C6, C7).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .checker import late
from .failpoints import FAILPOINTS, owner_of
from .history import History
from .tally import Tally

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a seed forks its processes")


def chaos(*told: str, keeps: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The harness in a process of its own: it forks, which a process with threads must not.

    `keeps`: where it leaves the histories of violations.
    """
    command = [sys.executable, "-m", "tests.faults.chaos", *told]
    env = os.environ | ({"TMPDIR": str(keeps)} if keeps else {})
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env)


def summary(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The last line of the harness."""
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.timeout(1200)  # twelve seeds beside other tests: four minutes on two cores
def test_both_sweeps_and_ten_seeds_of_the_nemesis_keep_the_claim() -> None:
    done = chaos("--seeds", "10")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    said = summary(done)
    assert (said["seeds"], said["violating"]) == (12, [])
    assert said["killed"] >= 20, "ten seeds with so few kills are tame"
    # who slept past another run of its step finds its token or its plan replaced, or is killed
    # before it can look
    assert said["asleep"] >= said["overtaken"] >= said["fenced"] + said["late"] >= 5
    assert min(said["fenced"], said["late"]) >= 1


CAUGHT_AS = {
    "acks_dropped": "acknowledged and open again",
    "deaf_to_regret": "was written",
    "consent_unread": "was written",
    "two_keys": "stands there 2 times",
}
"""What the checker says of a build that one of its comparisons was written for."""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("build", "seeds"),
    [
        *(("ack_before_send", 4), ("no_fencing", 6), ("no_marks", 8)),
        *(("acks_dropped", 4), ("deaf_to_regret", 8), ("consent_unread", 8), ("two_keys", 8)),
    ],
)
def test_a_worse_build_is_caught_within_a_few_seeds(build: str, seeds: int, tmp_path: Path) -> None:
    told = ("--seeds", str(seeds), "--broken", build, "--stop", "--jobs", "1")
    done = chaos(*told, keeps=tmp_path)
    assert done.returncode == 1, f"{done.stdout}\n{done.stderr}"
    assert f"the worse build {build} is caught at seed" in done.stdout
    assert CAUGHT_AS.get(build, "") in done.stdout
    assert summary(done)["violating"]
    assert list(tmp_path.glob("churn-ml-history-*/seed-*.jsonl"))


def test_who_publishes_after_a_newer_token_was_taken_is_seen(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    score = {"step": "score", "as_of": "2017-10-01"}
    history.note("info", 1, "token", token=1, **score)
    history.note("info", 1, "publishing", token=1, **score)
    history.note("ok", 1, "publish")
    history.note("info", 2, "token", token=2, **score)
    assert not list(late(history))
    history.note("info", 3, "token", token=3, **score)
    history.note("info", 2, "publishing", token=2, **score)
    assert not list(late(history)), "nobody let it so far"
    history.note("ok", 2, "publish")
    told = "score 2017-10-01: token 2 was published after token 3 was taken"
    assert list(late(history)) == [told]


def test_a_sleeper_counts_as_fenced_where_another_run_was_over_before_it_woke(
    tmp_path: Path,
) -> None:
    history = History(tmp_path / "history.jsonl")
    for number in (1, 3):
        history.note("invoke", number, "export")
        history.note("info", number, "hit", place="plan.saved", action="stop")
        if number == 1:
            history.note("invoke", 2, "export")
            history.note("ok", 2, "export")
        history.note("info", number, "wake")
        history.note("fail", number, "export", error="StaleAttempt", ours=True)
    tally = Tally()
    tally.add(history)
    assert (tally.asleep, tally.overtaken, tally.fenced, tally.late) == (2, 1, 1, 0)


def test_a_sleeper_that_is_killed_after_it_woke_counts_as_late(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.note("invoke", 1, "export")
    history.note("info", 1, "hit", place="hub.send", action="stop")
    history.note("invoke", 2, "export")
    history.note("ok", 2, "export")
    history.note("info", 1, "wake")
    history.note("info", 1, "hit", place="hub.sent", action="kill")
    tally = Tally()
    tally.add(history)
    assert (tally.overtaken, tally.fenced, tally.late) == (1, 0, 1)


def test_a_crew_does_every_seed_once_and_says_when_a_worker_is_lost() -> None:
    program = (
        "import os\n"
        "from tests.faults.side_by_side import Crew\n"
        "works = [lambda seed: (seed, os.getpid())] * 2\n"
        "made = list(Crew(works, range(9)))\n"
        "assert sorted(seed for seed, _ in made) == list(range(9)), made\n"
        "assert len({pid for _, pid in made} - {os.getpid()}) == 2, made\n"
        "list(Crew([lambda seed: os._exit(3)], [1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "RuntimeError: a worker died over a seed" in done.stderr, done.stderr


def test_there_are_failpoints_of_every_step_and_each_is_a_place_that_exists() -> None:
    assert len({point.name for point in FAILPOINTS}) == len(FAILPOINTS) >= 25
    steps = {step for point in FAILPOINTS for step in point.steps}
    assert steps >= {"ingest", "score", "train", "record", "export"}
    for point in FAILPOINTS:
        owner, name = owner_of(point.where)
        assert callable(getattr(owner, name)), point
