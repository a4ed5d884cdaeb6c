"""The registry: every model once, findable, and never in the way when MLflow is down."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from churn_ml.errors import NotReady, Unreachable
from churn_ml.metrics import Interval
from churn_ml.models import Bundle, Origin, load, save
from churn_ml.models.rule import Rule
from churn_ml.models.value import ValueModel
from churn_ml.preflight import Counts
from churn_ml.registry import AS_OF, MODEL_ID, Registry
from churn_ml.training import Candidate, Training

AT = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = float("nan")


def candidate(slope: float) -> Candidate:
    origin = Origin(
        spec_hash="5bec",
        contract="gone30-0f1e2d3c",
        trained_as_of=date(2017, 10, 1),
        train_cut_offs=(date(2017, 7, 3), date(2017, 8, 2)),
        choose_cut_off=date(2017, 9, 1),
        config_hash="c0ff",
        seed=17,
        versions={"numpy": "2.4.6"},
    )
    value = ValueModel(
        kind="past_rate",
        features=("recency_days",),
        centre=(0.0,),
        spread=(1.0,),
        coefficients=(0.0,),
        intercept=100.0,
        window_cap=1e6,
        extension=1.0,
        observed_days=30,
        margin_rate=1.0,
        value_horizon_days=365,
    )
    metrics = {"auc": Interval(0.75, 0.7, 0.8), "ece": Interval(0.01, NOBODY, NOBODY)}
    return Candidate(Bundle(Rule(-3.0, slope, 1.0), value, 2.5, origin), metrics, 120.5)


def trained(*slopes: float) -> Training:
    counts = Counts(rows=800, churners=80, treated=0, immature=3)
    return Training(tuple(candidate(slope) for slope in slopes), "rule", counts, counts)


def kept(training: Training, root: Path) -> Path:
    for each in training.candidates:
        save(each.bundle, root)
    return root


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One database for the module: making it takes MLflow two seconds."""
    return tmp_path_factory.mktemp("registry")


@pytest.fixture
def registry(place: Path, request: pytest.FixtureRequest) -> Registry:
    return Registry(f"sqlite:///{place}/mlflow.db", place / "artifacts", request.node.name[:40])


def client_of(registry: Registry) -> Any:
    return registry._client


def runs(registry: Registry) -> list[Any]:
    found = client_of(registry).search_runs([registry._experiment])
    return sorted(found, key=lambda run: run.info.run_name)


def test_a_training_is_a_run_with_a_nested_run_and_a_version_per_model(
    registry: Registry, tmp_path: Path
) -> None:
    training = trained(0.5, 0.6)
    where = registry.log_training(
        training, kept(training, tmp_path), as_of=date(2017, 10, 1), at=AT
    )
    ids = [each.bundle.id for each in training.candidates]
    assert list(where) == ids
    assert sorted(each.version for each in where.values()) == [1, 2]
    parent = next(run for run in runs(registry) if run.info.run_name == "train 2017-10-01")
    assert parent.data.params["train_rows"] == "800"
    assert {run.data.tags.get("mlflow.parentRunId") for run in runs(registry)} == {
        None,
        parent.info.run_id,
    }
    assert {run.info.status for run in runs(registry)} == {"FINISHED"}


def test_metrics_come_with_their_bounds_and_undefined_ones_are_left_out(
    registry: Registry, tmp_path: Path
) -> None:
    training = trained(0.5)
    where = registry.log_training(
        training, kept(training, tmp_path), as_of=date(2017, 10, 1), at=AT
    )
    (found,) = where.values()
    data = client_of(registry).get_run(found.run_id).data
    assert data.metrics == {
        "auc": 0.75,
        "auc_low": 0.7,
        "auc_high": 0.8,
        "ece": 0.01,
        "profit_per_1000": 120.5,
    }
    assert data.params["tau"] == "2.5"
    assert data.params["version_numpy"] == "2.4.6"
    assert data.params["train_cut_offs"] == "2017-07-03 2017-08-02"


def test_the_artifacts_are_the_model_byte_for_byte(registry: Registry, tmp_path: Path) -> None:
    training = trained(0.5)
    where = registry.log_training(
        training, kept(training, tmp_path / "models"), as_of=date(2017, 10, 1), at=AT
    )
    ((model_id, found),) = where.items()
    (tmp_path / "back").mkdir()
    client_of(registry).download_artifacts(found.run_id, model_id, str(tmp_path / "back"))
    bundle = training.candidates[0].bundle
    assert load(tmp_path / "back" / model_id, sha256=bundle.sha256).id == model_id


def test_logging_twice_is_logging_once(registry: Registry, tmp_path: Path) -> None:
    training = trained(0.5, 0.6)
    models = kept(training, tmp_path)
    once = registry.log_training(training, models, as_of=date(2017, 10, 1), at=AT)
    assert registry.log_training(training, models, as_of=date(2017, 10, 1), at=AT) == once
    assert len(runs(registry)) == 3


def test_m1_what_a_failure_left_unlogged_is_logged_by_the_next_attempt(
    registry: Registry, tmp_path: Path
) -> None:
    training = trained(0.5, 0.6)
    models = kept(training, tmp_path / "models")
    second = models / training.candidates[1].bundle.id
    second.rename(tmp_path / "away")
    with pytest.raises(NotReady):
        registry.log_training(training, models, as_of=date(2017, 10, 1), at=AT)
    assert sorted(run.info.status for run in runs(registry)) == ["FAILED", "FINISHED"]
    (tmp_path / "away").rename(second)
    where = registry.log_training(training, models, as_of=date(2017, 10, 1), at=AT)
    assert sorted(each.version for each in where.values()) == [1, 2]


def test_c6_a_failed_upload_leaves_no_version(registry: Registry, tmp_path: Path) -> None:
    registry.artifacts = tmp_path / "artifacts"
    registry.artifacts.write_text("a file where the folder should be")
    training = trained(0.5)
    models = kept(training, tmp_path / "models")
    with pytest.raises(Unreachable):
        registry.log_training(training, models, as_of=date(2017, 10, 1), at=AT)
    assert {run.info.status for run in runs(registry)} == {"FAILED"}
    registry.artifacts.unlink()
    (found,) = registry.log_training(training, models, as_of=date(2017, 10, 1), at=AT).values()
    assert found.version == 1


def test_c5_a_run_that_a_killed_attempt_left_running_is_marked_killed(
    registry: Registry, tmp_path: Path
) -> None:
    tags = {AS_OF: "2017-10-01"}
    left = client_of(registry).create_run(registry._experiment, tags=tags).info.run_id
    other = (
        client_of(registry).create_run(registry._experiment, tags={AS_OF: "2017-11-01"}).info.run_id
    )
    training = trained(0.5)
    registry.log_training(training, kept(training, tmp_path), as_of=date(2017, 10, 1), at=AT)
    assert client_of(registry).get_run(left).info.status == "KILLED"
    assert client_of(registry).get_run(other).info.status == "RUNNING"


def test_an_alias_moves_and_can_be_taken_away(registry: Registry, tmp_path: Path) -> None:
    training = trained(0.5, 0.6)
    registry.log_training(training, kept(training, tmp_path), as_of=date(2017, 10, 1), at=AT)
    rule, challenger = (each.bundle.id for each in training.candidates)
    assert registry.aliases() == {}
    registry.set_alias("champion", rule)
    registry.set_alias("challenger", challenger)
    assert registry.aliases() == {"champion": rule, "challenger": challenger}
    registry.set_alias("champion", challenger)
    registry.set_alias("former_champion", rule)
    registry.set_alias("challenger", None)
    registry.set_alias("challenger", None)
    assert registry.aliases() == {"champion": challenger, "former_champion": rule}


def test_an_alias_for_a_model_that_was_never_logged_is_refused(registry: Registry) -> None:
    with pytest.raises(NotReady, match="rule-000000000000 is not in the registry"):
        registry.set_alias("champion", "rule-000000000000")


def test_versions_carry_the_sha256_that_the_ledger_knows(
    registry: Registry, tmp_path: Path
) -> None:
    training = trained(0.5)
    registry.log_training(training, kept(training, tmp_path), as_of=date(2017, 10, 1), at=AT)
    version = client_of(registry).get_model_version(registry.name, "1")
    bundle = training.candidates[0].bundle
    assert version.tags[MODEL_ID] == bundle.id
    assert version.tags["churn_ml.sha256"] == bundle.sha256


def test_a_contract_name_that_mlflow_forbids_is_spelled_otherwise(tmp_path: Path) -> None:
    assert Registry("sqlite:///x.db", tmp_path, "EU/gone: 30").name == "churn_ml.EU_gone__30"


@pytest.mark.parametrize("kind", ["not a database", "no folder", "no server"])
def test_m2_mlflow_down_is_unreachable_at_every_call_and_soon(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("this is not a database, and it is longer than a header" * 9)
    url = {
        "not a database": f"sqlite:///{tmp_path}/file",
        "no folder": f"sqlite:///{tmp_path}/file/below/mlflow.db",
        "no server": "http://127.0.0.1:9",
    }[kind]
    down = Registry(url, tmp_path / "artifacts", "gone30")
    training = trained(0.5)
    for call in (
        lambda: down.log_training(training, tmp_path, as_of=date(2017, 10, 1), at=AT),
        lambda: down.set_alias("champion", "rule-000000000000"),
        down.aliases,
    ):
        with pytest.raises(Unreachable, match="MLflow did not do"):
            call()


SESSION = """
import sys
from pathlib import Path
from churn_ml.registry import Registry
assert "mlflow" not in sys.modules
print(Registry(f"sqlite:///{sys.argv[1]}/below/mlflow.db", Path(sys.argv[1]) / "a", "c").aliases())
"""


def test_nothing_is_said_warned_or_left_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    told = subprocess.run(
        [sys.executable, "-c", SESSION, str(tmp_path)],
        cwd=tmp_path / "here",
        env={name: value for name, value in os.environ.items() if "MLFLOW" not in name},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (told.stdout, told.stderr) == ("{}\n", "")
    assert list((tmp_path / "here").iterdir()) == []
