"""The fault harness: seeds, each a small house under a nemesis, then the claim checked.

    python -m tests.faults.chaos --seeds 200          seeds 1 to 200, after the sweep, seed 0
    python -m tests.faults.chaos --seed 17            one of them, again
    python -m tests.faults.chaos --seeds 20 --broken no_fencing --stop

A seed that violates the claim keeps its history and its house, and is named with the command that
replays it. Processes run side by side, so a replay has the same operations and faults, not the
same interleaving to the microsecond. Every fourth seed has its ledger on PostgreSQL. Beside them
run seeds of a shop whose steps are computed: 1000, its sweep, and one more for twenty drawn seeds.
The last line is the summary as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

os.environ.setdefault("CHURN_ML_HOLDOUT_KEY", "the key of the fault harness")
# one thread: this process forks
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

from . import preloaded  # noqa: F401
from .broken import BUILDS
from .seed import AT_WORK_FROM, Outcome, on_postgres, place, run_seed
from .side_by_side import Crew
from .tally import Tally

MANY = 100
"""In so many seeds every failpoint of an operation's way is hit, or the run has failed."""


def run(seeds: Sequence[int], jobs: int, broken: str | None = None, *, stop: bool = False) -> bool:
    """Run the seeds and say what became of each; whether all of them kept the claim."""
    begun, bad, done, tally = time.monotonic(), [], 0, Tally()
    with ExitStack() as stack:
        needs_server = any(on_postgres(seed) for seed in seeds)
        places = [stack.enter_context(place(with_server=needs_server)) for _ in range(jobs)]
        crew = Crew([partial(run_seed, where, broken=broken) for where in places], seeds)
        stack.callback(crew.end)
        for outcome in crew:
            done += 1
            if outcome.seed % AT_WORK_FROM:  # a sweep is no draw
                tally.add(outcome.history)
            print(f"[{done}/{len(seeds)}] {outcome.told()}", flush=True)
            if not outcome.found:
                shutil.rmtree(outcome.history.path.parent)
                continue
            bad.append(outcome.seed)
            _tell_again(outcome)
            if broken:
                print(f"  the worse build {broken} is caught at seed {outcome.seed}", flush=True)
            if stop:
                crew.enough()
    if tally.operations:
        print("\n".join(tally.told()))
    missed = tally.missed() if done > MANY else []
    if missed:
        print(f"no seed came to {', '.join(missed)}: the harness does not try what it is to try")
    said = {"seeds": done, "violating": sorted(bad), "seconds": round(time.monotonic() - begun)}
    print(json.dumps(said | tally.totals()))
    return not bad and not missed


def _all(count: int) -> list[int]:
    """Both sweeps first, since they last longest; of twenty drawn seeds one more at work."""
    return [AT_WORK_FROM, *range(count + 1), *range(AT_WORK_FROM + 1, AT_WORK_FROM + count // 20)]


def _tell_again(outcome: Outcome) -> None:
    print(f"  history: {outcome.history.path}; again: make faults SEED={outcome.seed}", flush=True)


def main() -> int:
    """Run the seeds asked for; 1 where one violated the claim."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos")
    parser.add_argument("--seeds", type=int, default=0, help="run seeds 0 to this")
    parser.add_argument("--seed", type=int, help="run this one alone")
    parser.add_argument("--broken", choices=sorted(BUILDS), help="run a worse build")
    parser.add_argument("--stop", action="store_true", help="stop at the first violation")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="seeds at a time")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is mounted is unmounted
    seeds = _all(asked.seeds) if asked.seed is None else [asked.seed]
    if asked.broken:
        seeds = list(range(1, asked.seeds + 1))
    kept = run(seeds, min(asked.jobs, len(seeds)), asked.broken, stop=asked.stop)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
