"""The fault harness: seeds, each a small house under a nemesis, then the claim checked.

    python -m tests.faults.chaos --seeds 200          every seed from 1 on
    python -m tests.faults.chaos --seed 17            one of them, again
    python -m tests.faults.chaos --seeds 20 --broken no_fencing --stop

A seed that violates the claim keeps its history and its house, and is named with the command that
replays it. Processes run side by side, so a replay has the same operations and faults, not the
same interleaving to the microsecond. Every tenth seed has its ledger on PostgreSQL.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("CHURN_ML_HOLDOUT_KEY", "the key of the fault harness")
# one thread: this process forks
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

from . import preloaded  # noqa: F401
from .broken import BUILDS
from .checker import foreign_failures
from .history import History
from .nemesis import Nemesis
from .server import Server, running
from .world import World

DISK_BYTES = 48 * 2**20
ON_POSTGRES = 10
"""Every so many seeds the ledger is on PostgreSQL."""
CALM_RUNS = 4
"""Exports after the storm that may still have something to do: a plan left open, a rejected row."""


@dataclass(frozen=True)
class Place:
    """Where seeds live: a small disk where this user may mount one, and PostgreSQL if need be."""

    folder: Path
    has_disk: bool
    server: Server | None

    def fill(self, full: bool) -> None:
        """Leave no byte on the small disk, or give the room back."""
        ballast = self.folder / "ballast"
        ballast.unlink(missing_ok=True)
        if full:
            with ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(self.folder).free)


@dataclass(frozen=True)
class Outcome:
    """What became of one seed."""

    seed: int
    seconds: float
    found: list[str]
    history: History

    def told(self) -> str:
        """One line, and one for every violation."""
        events = self.history.events()
        kinds = [event["kind"] for event in events]
        begun = [e for e in events if e["kind"] == "invoke"]
        ended = {e["number"] for e in events if e["kind"] in ("ok", "fail")}
        killed = sum(e["number"] not in ended and e["op"] != "serve" for e in begun)
        head = (
            f"seed {self.seed}: {len(begun)} operations, {kinds.count('fail')} failed, {killed} "
            f"killed, {self.seconds:.1f} s, {len(self.found)} violations"
        )
        return "\n".join([head, *(f"  {one}" for one in self.found)])


def run_seed(place: Place, seed: int, broken: str | None = None) -> Outcome:
    """One seed from an empty folder to its verdict."""
    begun = time.monotonic()
    folder = place.folder / f"seed-{seed}"
    folder.mkdir()
    kept = Path(tempfile.mkdtemp(prefix="churn-ml-history-"))
    history = History(kept / f"seed-{seed}.jsonl")
    server = place.server if seed % ON_POSTGRES == 0 else None
    ledger = server.database(f"seed_{seed}") if server else None
    world = World(folder, seed, history, kept / "hubspot", ledger)
    nemesis = Nemesis(
        world,
        history,
        BUILDS[broken] if broken else None,
        place.fill if place.has_disk else None,
        server.restart if server else None,
    )
    try:
        found = ["the house could not be built"]
        if nemesis.begin():
            nemesis.rage()
            nemesis.calm()
            found = _quiet(nemesis) or _checked(nemesis)
    finally:
        nemesis.end()
    if found:
        shutil.copytree(folder, kept / "house")
    shutil.rmtree(folder)
    return Outcome(seed, time.monotonic() - begun, found, history)


def _quiet(nemesis: Nemesis) -> list[str]:
    """Export the newest published interval until nothing is left to send."""
    done = nemesis.history.events("publish", "ok")
    if not done:
        nemesis.run("publish", nemesis.newest())
    for _ in range(CALM_RUNS):
        if not nemesis.run("settle"):
            continue
        told = nemesis.history.events("settle", "ok")[-1]["said"].values()
        if all(one["sent"] + one["removed"] + one["rejected"] == 0 for one in told):
            return []
    last = nemesis.history.events("settle")[-1]
    return [f"the export is not quiet after {CALM_RUNS} runs: {last}"]


def _checked(nemesis: Nemesis) -> list[str]:
    nemesis.run("check")
    said = nemesis.history.events("check", "ok")
    return list(said[0]["said"]["violations"]) if said else ["the checker itself failed"]


@contextmanager
def place(*, with_server: bool) -> Iterator[Place]:
    """A folder for the seeds, gone afterwards: on a small disk of its own where that is allowed."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="churn-ml-faults-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "churn-ml", str(folder)]
        has_disk = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        if has_disk:
            stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=False)
        else:
            print("no small disk to fill: mounting one is not allowed here")
        server = stack.enter_context(running()) if with_server else None
        yield Place(folder, has_disk, server)


def main() -> int:
    """Run the seeds asked for; 1 where one violated the claim."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos")
    parser.add_argument("--seeds", type=int, default=0, help="run seeds 1 to this")
    parser.add_argument("--seed", type=int, help="run this one alone")
    parser.add_argument("--broken", choices=sorted(BUILDS), help="run a worse build")
    parser.add_argument("--stop", action="store_true", help="stop at the first violation")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is mounted is unmounted
    seeds = [asked.seed] if asked.seed else range(1, asked.seeds + 1)
    bad, seconds = 0, 0.0
    foreign: Counter[str] = Counter()
    with place(with_server=any(seed % ON_POSTGRES == 0 for seed in seeds)) as where:
        for seed in seeds:
            outcome = run_seed(where, seed, asked.broken)
            seconds += outcome.seconds
            foreign.update(event["error"] for event in foreign_failures(outcome.history))
            print(outcome.told(), flush=True)
            if not outcome.found:
                shutil.rmtree(outcome.history.path.parent)
                continue
            bad += 1
            print(f"  history: {outcome.history.path}; again: make faults SEED={seed}", flush=True)
            if asked.stop:
                break
    said = {"seeds": len(seeds), "violating": bad, "seconds_a_seed": round(seconds / len(seeds), 1)}
    print(json.dumps(said | {"failed_without_our_words": foreign}))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
