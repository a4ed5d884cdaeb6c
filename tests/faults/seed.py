"""One seed from an empty folder to its verdict, and the places that seeds live in.

Seeds of 1000 and more are of a shop whose steps are real; the others' publications are drawn. Seed
0 and seed 1000 draw no faults: they are killed at every failpoint of a way, one after another.

Enters: a place and a number. Leaves: what of the claim does not hold, and the history. Two seeds
never share a place: filling its disk or restarting its server is their own affair.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .broken import BUILDS
from .history import History
from .nemesis import Nemesis
from .places import AT_WORK, ON_THE_WAY
from .preloaded_works import preload
from .processes import Processes
from .server import Server, running
from .tally import Tally
from .works import PATIENCE_SECONDS, Shop, Works
from .world import World

DISK_BYTES = 48 * 2**20
ON_POSTGRES = 4
"""Every so many seeds the ledger is on PostgreSQL."""
AT_WORK_FROM = 1000
"""The first seed of a shop whose steps are real: its sweep."""
CALM_RUNS = 4
"""Exports after the storm that may still have something to do: a plan left open, a rejected row."""


def on_postgres(seed: int) -> bool:
    """Whether the seed's ledger is on PostgreSQL."""
    return seed < AT_WORK_FROM and seed % ON_POSTGRES == ON_POSTGRES - 1


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
        head = (
            f"seed {self.seed}: {kinds.count('invoke')} operations, {kinds.count('fail')} failed, "
            f"{sum(event['op'] == 'killed' for event in events)} killed, {self.seconds:.1f} s, "
            f"{len(self.found)} violations"
        )
        return "\n".join([head, *(f"  {one}" for one in self.found)])


def run_seed(place: Place, seed: int, broken: str | None = None) -> Outcome:
    """One seed from an empty folder to its verdict."""
    begun = time.monotonic()
    folder = place.folder / f"seed-{seed}"
    folder.mkdir()
    kept = Path(tempfile.mkdtemp(prefix="churn-ml-history-"))
    history = History(kept / f"seed-{seed}.jsonl")
    nemesis = _nemesis(place, seed, folder, history, broken)
    try:
        found = ["the house could not be built"]
        if nemesis.begin():
            (nemesis.rage if seed % AT_WORK_FROM else nemesis.sweep)()
            nemesis.calm()
            found = _quiet(nemesis) or _checked(nemesis)
            found += [] if seed % AT_WORK_FROM else _passed_by(history, seed)
    except Exception as error:  # noqa: BLE001 - the other seeds go on
        traceback.print_exc()
        found = [f"the harness itself failed: {type(error).__name__}"]
    finally:
        nemesis.end()
    if found:
        shutil.copytree(folder, kept / "house")
    shutil.rmtree(folder)
    return Outcome(seed, time.monotonic() - begun, found, history)


def _quiet(nemesis: Processes) -> list[str]:
    """Export the newest published interval until nothing is left to send."""
    for _ in range(CALM_RUNS):
        if not nemesis.run("settle"):
            continue
        told = nemesis.history.events("settle", "ok")[-1]["said"].values()
        if all(one["sent"] + one["removed"] + one["rejected"] == 0 for one in told):
            return []
    last = nemesis.history.events("settle")[-1]
    return [f"the export is not quiet after {CALM_RUNS} runs: {last}"]


def _nemesis(
    place: Place, seed: int, folder: Path, history: History, broken: str | None
) -> Nemesis | Works:
    """The seed's nemesis with its world, which is not built yet."""
    build = BUILDS[broken] if broken else None
    if seed >= AT_WORK_FROM:
        preload()

        shop = Shop(folder, seed, history, place.folder / "undisturbed" / "facts.json")
        return Works(shop, history, build, patience_seconds=PATIENCE_SECONDS)
    server = place.server if on_postgres(seed) else None
    ledger = server.database(f"seed_{seed}") if server else None
    world = World(folder, seed, history, history.path.parent / "hubspot", ledger)
    fill = place.fill if place.has_disk else None
    return Nemesis(world, history, build, fill=fill, server=server)


def _passed_by(history: History, seed: int) -> list[str]:
    """The failpoints at which the sweep killed nobody."""
    tally = Tally()
    tally.add(history)
    missed = tally.missed(AT_WORK if seed else ON_THE_WAY)
    return [f"nobody came to failpoint {name}" for name in missed]


def _checked(nemesis: Processes) -> list[str]:
    nemesis.run("check")
    said = nemesis.history.events("check", "ok")
    return list(said[0]["said"]["violations"]) if said else ["the checker itself failed"]


@contextmanager
def place(*, with_server: bool) -> Iterator[Place]:
    """A folder for seeds, gone afterwards: on a small disk of its own where that is allowed."""
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
