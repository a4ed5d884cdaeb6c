"""Kill -9 of an export, and zombies: the end is that of an undisturbed run (fault C8, O4).

Run as a module, this file is one export in a process of its own that kills or stops itself at a
named point. October is exported in peace, November is disturbed and then run again. The journal is
the real ledger on SQLite.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from churn_ml.crm import Exported, FileDestination, Guard, Outbox, Row, SqlDestination
from churn_ml.crm.payload import FIELDS
from churn_ml.ledger import Ledger

from .failpoints import wrap

ROOT = Path(__file__).parents[2]
OCTOBER, NOVEMBER, DECEMBER = date(2017, 10, 1), date(2017, 11, 1), date(2017, 12, 1)
CONTENT = {
    OCTOBER: {f"h{i:02}": "silent" for i in range(12)},
    # h00-h02 leave, h03-h07 change, h08-h11 stay, h12-h14 come
    NOVEMBER: {f"h{i:02}": "silent" if 8 <= i <= 11 else "active" for i in range(3, 15)},
    DECEMBER: {"h05": "lost"},
}
"""November is 3 removals and 8 upserts: batches of 4, 4 and 3 rows, or one file of 11."""


class World:
    """A folder with a ledger and a target, and one export of it at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target = "sql" if folder.name.startswith("sql") else "file"
        self.ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
        anyone = Guard(lambda _: (), lambda _: {}, True, frozenset())
        run = f"export/{os.getpid()}"
        self.outbox = Outbox(self._destination(), self.ledger, anyone, clock=_clock, run=run)

    def _destination(self) -> FileDestination | SqlDestination:
        if self.target == "file":
            return FileDestination("out", self.folder / "out", "me")
        url = f"sqlite:///{self.folder}/out.db"
        return SqlDestination("out", url, "segments", "me", batch_size=4)

    def export(self, as_of: date) -> Exported:
        return self.outbox.export(desired(as_of), as_of)

    def state(self) -> tuple[dict[str, tuple[str, date]], list[Any]]:
        """What is acknowledged, and who was contacted."""
        return self.ledger.state("out"), self.ledger.contacts(OCTOBER, date(2018, 1, 1))

    def held(self) -> dict[str, str]:
        """What the target says of each customer; a customer twice fails here."""
        rows = self._table() if self.target == "sql" else self._parts()
        assert len(dict(rows)) == len(rows)
        return dict(rows)

    def _table(self) -> list[tuple[str, str]]:
        connection = sqlite3.connect(self.folder / "out.db")
        found = connection.execute("select customer_id, stage from segments").fetchall()
        connection.close()
        return found

    def _parts(self) -> list[tuple[str, str]]:
        state: dict[str, str] = {}
        for manifest in sorted((self.folder / "out").glob("*/manifest.json")):
            for part in json.loads(manifest.read_text(encoding="utf-8"))["parts"]:
                with (manifest.parent / part["file"]).open(encoding="utf-8", newline="") as file:
                    lines = list(csv.DictReader(file))
                assert len({line["customer_id"] for line in lines}) == len(lines) == part["rows"]
                for line in lines:
                    state.pop(line["customer_id"], None)
                    if line["op"] == "upsert":
                        state[line["customer_id"]] = line["stage"]
        return list(state.items())

    def files(self) -> dict[str, bytes]:
        root = self.folder / "out"
        return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}

    def child(self, point: str, signal_name: str) -> subprocess.Popen[bytes]:
        """The November export in a process of its own that signals itself at `point`."""
        program = [sys.executable, "-m", "tests.faults.test_export_kill"]
        return subprocess.Popen([*program, str(self.folder), point, signal_name], cwd=ROOT)

    def close(self) -> World:
        self.ledger.close()
        return self


def _clock() -> datetime:
    return datetime.now(UTC)


def desired(as_of: date) -> list[Row]:
    empty = dict.fromkeys((field.name for field in FIELDS), None)
    return [
        Row(
            customer_id,
            "upsert",
            as_of,
            empty | {"customer_id": customer_id, "as_of": as_of.isoformat(), "stage": stage},
            f"hash of {stage}",
            contact=True,
        )
        for customer_id, stage in CONTENT[as_of].items()
    ]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    """Undisturbed runs, by target: October, kept as a copy beside it, then November."""
    worlds = {}
    for target in ("sql", "file"):
        folder = tmp_path_factory.mktemp(target, numbered=False)
        world = World(folder)
        world.export(OCTOBER)
        world.close()
        shutil.copytree(folder, folder.with_name(f"{target}_october"))
        done = world.export(NOVEMBER)
        assert (done.sent, done.removed, done.unchanged) == (8, 3, 4)
        worlds[target] = world
    return worlds


@pytest.fixture
def rough(quiet: dict[str, World], tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """The same house after October, to be disturbed; `target` is the test's parameter."""
    target = request.getfixturevalue("target")
    october = quiet[target].folder.with_name(f"{target}_october")
    world = World(Path(shutil.copytree(october, tmp_path / target)))
    yield world
    world.close()


POINTS = [
    ("sql", "planned:1"),
    ("sql", "commit:2"),  # inside the first batch (the claim commits before it)
    ("sql", "sent:1"),  # C8: the first batch is in the table, not acknowledged
    ("sql", "acknowledged:1"),  # between two batches
    ("sql", "sent:3"),
    ("file", "saved:1"),
    ("file", "part:1"),  # the part is written, under its temporary name only
    ("file", "manifest:1"),  # the part is there, the manifest does not name it
    ("file", "sent:1"),
]


@pytest.mark.parametrize(("target", "point"), POINTS)
def test_c8_killed_anywhere_the_next_run_ends_as_an_undisturbed_one(
    target: str, point: str, rough: World, quiet: dict[str, World]
) -> None:
    assert rough.child(point, "SIGKILL").wait(60) == -signal.SIGKILL
    rough.export(NOVEMBER)
    assert rough.held() == quiet[target].held() == CONTENT[NOVEMBER]
    assert rough.state() == quiet[target].state()
    if target == "file":
        assert rough.files() == quiet[target].files()
    again = rough.export(NOVEMBER)
    assert (again.sent, again.removed, again.resumed, again.unchanged) == (0, 0, 0, 12)


@pytest.mark.parametrize("target", ["sql"])
def test_c8_killed_again_and_again_it_still_ends_there(
    target: str, rough: World, quiet: dict[str, World]
) -> None:
    left = []
    for point in ("saved:1", "sent:1", "sent:2", "acknowledged:1", "sent:1"):
        assert rough.child(point, "SIGKILL").wait(60) == -signal.SIGKILL
        open_plan = rough.ledger.open_plan("out")
        left.append(len(open_plan[2]) if open_plan else 0)
    assert left == [11, 11, 7, 3, 3]
    done = rough.export(NOVEMBER)
    assert (done.resumed, done.sent + done.removed) == (3, 3)  # what was settled is not sent again
    assert rough.held() == CONTENT[NOVEMBER]
    assert rough.state() == quiet[target].state()


@pytest.mark.parametrize("target", ["sql", "file"])
def test_a_stopped_export_that_wakes_up_after_the_next_one_changes_nothing(
    target: str, rough: World
) -> None:
    zombie = rough.child("saved:1", "SIGSTOP")
    try:
        assert os.WIFSTOPPED(os.waitpid(zombie.pid, os.WUNTRACED)[1])
        assert rough.export(DECEMBER).resumed == 11  # November's plan, left open by the zombie
        before = rough.state()
    finally:
        os.kill(zombie.pid, signal.SIGCONT)
        zombie.wait(60)
    assert zombie.returncode != 0  # it found the newer plan before it sent anything
    assert rough.held() == CONTENT[DECEMBER]
    assert rough.state() == before
    assert rough.export(DECEMBER).sent == 0


@pytest.mark.parametrize("target", ["sql", "file"])
def test_o4_an_older_as_of_never_overwrites_a_newer(target: str, rough: World) -> None:
    rough.export(DECEMBER)
    late = rough.export(NOVEMBER)
    assert (late.sent, late.removed, late.older) == (0, 0, 12)
    assert rough.held() == CONTENT[DECEMBER]


PLACES = {
    "planned": "churn_ml.crm:Outbox._plan",
    "saved": "churn_ml.ledger:Ledger.save_plan",
    "sent": "churn_ml.crm.delivery:check_answers",
    "acknowledged": "churn_ml.ledger:Ledger.acknowledge",
}
"""Points that are passed when a function has returned: a batch that is answered was sent."""


class _At:
    """Sends this very process a signal when a point is reached for the n-th time."""

    def __init__(self, point: str, signal_name: str) -> None:
        self.name, _, count = point.partition(":")
        self.left = int(count)
        self.signal = getattr(signal, signal_name)

    def __call__(self, name: str) -> None:
        if name == self.name:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), self.signal)

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """Just before a rename of the file destination: "part" or "manifest"."""
        if event == "os.rename":
            self(Path(os.fsdecode(args[1])).name.split("-")[0].split(".")[0])

    def committing(self, connection: sa.Connection) -> None:
        """Just before a commit in the table's database."""
        if str(connection.engine.url).endswith("out.db"):
            self("commit")


def main(folder: str, point: str, signal_name: str) -> None:
    """One export of November that signals itself."""
    at = _At(point, signal_name)
    for name, where in PLACES.items():
        wrap(where, after=partial(at, name))
    sys.addaudithook(at.audit)
    sa.event.listen(sa.Engine, "commit", at.committing)
    World(Path(folder)).export(NOVEMBER)


if __name__ == "__main__":
    main(*sys.argv[1:])
