"""kill -9 at the worst moments, then a re-run: it ends as an undisturbed run does (C1-C8)."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from churn_ml import flow
from churn_ml.config import load
from churn_ml.errors import NotReady
from churn_ml.house import House, open_house
from churn_ml.registry.trained import MODEL_ID, PARENT
from churn_ml.sources import complete_journey

from ..conftest import FIRST, HOUSEHOLDS

ROOT = Path(__file__).parents[2]
KILLER = (sys.executable, "-m", "tests.faults.killed_step")


def killed(house: House, step: str, where: str, when: str) -> None:
    """Run a step in a process of its own that dies by SIGKILL at `where`."""
    done = subprocess.run(
        [*KILLER, house.config.root / "churn.toml", step, "2017-10-01", where, when],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def hashes(house: House, step: str) -> Any:
    found = house.ledger.publication(step, FIRST)
    return found.hashes if found else None


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of one month, of every table, of which few are to be read; never changed."""
    folder = tmp_path_factory.mktemp("january") / "shop"
    complete_journey.lay_out(folder, households=HOUSEHOLDS, until=date(2017, 2, 1))
    (folder / "churn.toml").write_text(complete_journey.churn_toml(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def undisturbed(january: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What an ingest of January publishes when nobody kills it."""
    folder = Path(shutil.copytree(january, tmp_path_factory.mktemp("undisturbed") / "shop"))
    house = open_house(load(folder / "churn.toml"))
    flow.ingest(house, FIRST)
    return hashes(house, "ingest")


@pytest.mark.parametrize(
    ("where", "when"),
    [
        pytest.param("churn_ml.warehouse:Warehouse.replace", "after", marks=pytest.mark.slow),
        ("churn_ml.ledger:Ledger.publish", "before"),
        pytest.param("churn_ml.ledger:Ledger.publish", "after", marks=pytest.mark.slow),
    ],
    ids=["after the first table is written", "before publishing", "after publishing"],
)
def test_a_killed_ingest_run_again_ends_as_an_undisturbed_one_c1_c2(
    where: str, when: str, january: Path, undisturbed: Any, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(january)
    killed(house, "ingest", where, when)
    seen = house.ledger.publication("ingest", FIRST)
    assert (seen is None) == (when == "before" or "replace" in where)
    flow.ingest(house, FIRST)
    assert hashes(house, "ingest") == undisturbed


def test_a_validation_killed_before_its_end_passes_nothing_on_c3(
    january: Path, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(january)
    killed(house, "ingest", "churn_ml.ledger:Ledger.record_validation", "after")
    assert len({found.outcome.table for found in house.ledger.validations()}) == 1
    assert house.ledger.publication("ingest", FIRST) is None
    with pytest.raises(NotReady):
        house.watermark(FIRST)


@pytest.mark.parametrize(
    ("where", "when"),
    [
        ("churn_ml.warehouse:Warehouse.replace", "after"),
        pytest.param("churn_ml.ledger:Ledger.publish", "before", marks=pytest.mark.slow),
    ],
    ids=["after the first table is written", "before publishing"],
)
def test_a_killed_scoring_run_again_ends_as_an_undisturbed_one_c4(
    where: str, when: str, championed: Path, scored: Path, copy_of: Callable[[Path], House]
) -> None:
    undisturbed = hashes(open_house(load(scored / "churn.toml")), "score")
    house = copy_of(championed)
    killed(house, "score", where, when)
    assert house.ledger.versions(["scores"]) == {"scores": {}}
    flow.score(house, FIRST)
    assert hashes(house, "score") == undisturbed


MLFLOW = (
    "mlflow:MlflowClient.create_model_version",
    "mlflow:MlflowClient.set_registered_model_alias",
)


@pytest.mark.parametrize("where", MLFLOW, ids=["uploaded, no version", "a version, no alias"])
def test_a_logging_killed_after_its_upload_moves_nobody_and_the_doctor_lists_it_c5_c6_c7(
    where: str, championed: Path, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(championed)
    champion = house.champion(FIRST)
    killed(house, "log", where, "before")
    assert house.champion(FIRST) == champion, "the ledger alone says who is champion"
    assert house.registry.aliases() == {}
    versions = len(_versions(house))
    assert versions == (where != MLFLOW[0])
    uploaded = {run for run, (_, model, status) in _runs(house).items() if model}
    found = by_check(house)
    assert not found["MLflow's aliases"]["well"]
    if versions == 0:
        assert "1 as of 2017-10-01: of a logging that" in found["MLflow's runs"]["told"]
        assert found["MLflow's runs"]["next_step"].startswith("churn-ml log --as-of 2017-10-01")
        flow.log(house, FIRST)
    else:
        assert found["MLflow's aliases"]["next_step"] == "churn-ml log --as-of 2017-10-01"
    found = by_check(house, repair=True)  # the decision is one row: the alias is mended from it
    assert all(found[f"MLflow's {what}"]["well"] for what in ("aliases", "runs"))
    assert house.registry.aliases()["champion"] == champion
    runs = _runs(house)
    assert {run for run, (_, model, status) in runs.items() if model} == uploaded, "taken over"
    assert len(_versions(house)) == 1
    assert sorted(status for above, model, status in runs.values() if not model) == (
        ["FINISHED", "KILLED"] if versions == 0 else ["FINISHED"]
    )


def by_check(house: House, *, repair: bool = False) -> dict[str, dict[str, Any]]:
    return {one["check"]: one for one in flow.doctor(house, repair=repair)}


def _runs(house: House) -> dict[str, tuple[str | None, str | None, str]]:
    """Every run in MLflow: its parent, its model and its status."""
    registry = house.registry
    return {
        run.info.run_id: (run.data.tags.get(PARENT), run.data.tags.get(MODEL_ID), run.info.status)
        for run in registry._client.search_runs([registry._experiment])
    }


def _versions(house: House) -> Any:
    registry = house.registry
    return registry._client.search_model_versions(f"name = '{registry.name}'")


@pytest.mark.parametrize(
    ("where", "when"),
    [
        ("churn_ml.ledger:Ledger.save_plan", "after"),
        ("churn_ml.crm.sql:SqlDestination.send", "after"),
        ("churn_ml.ledger:Ledger.acknowledge", "after"),
    ],
    ids=["after the plan is saved", "after sending, before the ack", "after the first ack"],
)
def test_a_killed_export_run_again_ends_as_an_undisturbed_one_c8(
    where: str, when: str, scored: Path, tmp_path: Path, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(scored)
    flow.export(house, FIRST)
    undisturbed = crm_state(house)
    shutil.rmtree(tmp_path / "copy")
    house = copy_of(scored)
    killed(house, "export", where, when)
    flow.export(house, FIRST)
    assert crm_state(house) == undisturbed
    again = flow.export(house, FIRST).details["destinations"]
    assert sum(row["sent"] + row["removed"] for row in again.values()) == 0


def crm_state(house: House) -> Any:
    """What the SQL destination and the journal hold: every customer once."""
    with sqlite3.connect(house.config.root / "crm.db") as crm:
        columns = "customer_id, score, segment, offer, arm"
        rows = crm.execute(f"select {columns} from churn_segments order by 1").fetchall()
    assert len(rows) == len({row[0] for row in rows})
    return rows, house.ledger.state("crm_sql"), house.ledger.state("crm_file")
