"""The projection: every model once, findable, and never in the way when MLflow is down."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from churn_ml import curves
from churn_ml.errors import NotReady, StaleAttempt, Unreachable
from churn_ml.models import load
from churn_ml.registry import Registry
from churn_ml.registry.trained import AS_OF, MODEL_ID, NOTE, PARENT

from .conftest import AT, CALLER, Trains


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


def statuses(registry: Registry) -> dict[str, int]:
    return Counter(run.info.status for run in runs(registry))


def test_a_training_is_a_run_with_a_nested_run_and_a_version_per_model(
    registry: Registry, trained: Trains, models: Path
) -> None:
    training = trained(0.5, 0.6)
    logged = registry.log_training(training, models)
    assert list(logged.models) == [each.model_id for each in training.fitted]
    assert sorted(each.version for each in logged.models.values()) == [1, 2]
    parent = next(run for run in runs(registry) if run.info.run_name == "train 2017-10-01")
    assert parent.info.run_id == logged.run_id
    assert parent.data.params["train_rows"] == "800"
    assert parent.data.params["best"] == "rule1"
    assert parent.data.params["leakage_features"] == "84"
    assert parent.data.metrics == {"alone_auc_recency_days": 0.71}
    assert Counter(run.data.tags.get(PARENT) for run in runs(registry)) == {
        None: 1,
        parent.info.run_id: 2,
    }
    assert statuses(registry) == {"FINISHED": 3}
    assert logged.url is None


def test_metrics_come_with_their_bounds_and_undefined_ones_are_left_out(
    registry: Registry, trained: Trains, models: Path
) -> None:
    (found,) = registry.log_training(trained(0.5), models).models.values()
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


def test_a_run_says_whose_it_is_what_it_read_and_who_asked(
    registry: Registry, trained: Trains, models: Path
) -> None:
    logged = registry.log_training(trained(0.5), models)
    for run_id in (logged.run_id, *(each.run_id for each in logged.models.values())):
        run = client_of(registry).get_run(run_id)
        assert run.data.tags.items() >= {
            (AS_OF, "2017-10-01"),
            ("churn_ml.contract", "gone30-0f1e2d3c"),
            ("churn_ml.receipt", "train/2017-10-01/1"),
            ("churn_ml.read.orders", "1 partitions to 2017-10-01, newest version 7"),
            ("churn_ml.caller", CALLER),
        }
        (read,) = run.inputs.dataset_inputs
        assert (read.dataset.name, read.dataset.digest) == ("panel", ("5bec" * 16)[:36])
        assert read.dataset.source == '{"delta_table_version": 3, "path": "lake/panel"}'
        assert (run.info.start_time, run.info.end_time - run.info.start_time) == (
            int(AT.timestamp() * 1000),
            90_000,
        )


def test_the_description_says_what_was_trained_and_which_candidate_leads(
    registry: Registry, trained: Trains, models: Path
) -> None:
    training = trained(0.5, 0.6)
    logged = registry.log_training(training, models)
    note = client_of(registry).get_run(logged.run_id).data.tags[NOTE]
    for words in (
        "Training as of 2017-10-01",
        "the cut-offs 2017-07-03, 2017-08-02 (800 rows, 80 churners)",
        "compared on the cut-off 2017-09-01",
        f"**rule1 leads** (`{training.challenger}`): profit 120.5 USD per 1,000 customers, "
        "AUC 0.750 (0.700 to 0.800)",
        "| rule0 | 120.5 | 0.750 (0.700 to 0.800) | - |",
        f"Asked for by <{CALLER}>",
    ):
        assert words in note
    version = client_of(registry).get_model_version(registry.name, "2")
    assert version.description.startswith("**rule1**, the challenger of the training as of")
    assert "moving one here changes nothing" in registry._versions.model().description


def test_a_card_is_written_anew_once_the_gate_has_graded_and_twice_is_once(
    registry: Registry, trained: Trains, models: Path, tmp_path: Path
) -> None:
    training = trained(0.5)
    (place,) = registry.log_training(training, models).models.values()
    assert registry.grade(training) == []
    y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.6, 0.4, 0.1])
    found = curves.of(y, p, np.full(4, 90.0), (np.full(4, 2.0), np.full(4, 1.0)), 0.0)
    (each,) = training.fitted
    each = replace(each, curves=found | {"drivers": []}, grade="B")
    graded = replace(training, fitted=(each,), judged_on=("2017-10-01",))
    assert (registry.grade(graded), registry.grade(graded)) == ([each.model_id], [])
    client = client_of(registry)
    card = client.download_artifacts(place.run_id, "report/model_card.md", str(tmp_path))
    text = Path(card).read_text()
    assert "Grade **B**: use it, modest. The gate gave it on 1 cut-off" in text
    assert "Not graded yet" not in text
    tags = client.get_model_version(registry.name, str(place.version)).tags
    assert tags["churn_ml.grade"] == "B"
    later = replace(graded, fitted=(replace(each, grade="D"),))
    assert registry.grade(later) == [each.model_id]


def test_the_artifacts_are_the_model_byte_for_byte(
    registry: Registry, trained: Trains, models: Path, tmp_path: Path
) -> None:
    training = trained(0.5)
    ((model_id, found),) = registry.log_training(training, models).models.items()
    (tmp_path / "back").mkdir()
    client_of(registry).download_artifacts(found.run_id, model_id, str(tmp_path / "back"))
    sha256 = training.fitted[0].sha256
    assert load(tmp_path / "back" / model_id, sha256=sha256).id == model_id


def test_logging_twice_is_logging_once(registry: Registry, trained: Trains, models: Path) -> None:
    training = trained(0.5, 0.6)
    once = registry.log_training(training, models)
    assert registry.log_training(training, models) == once
    assert len(runs(registry)) == 3


def test_m1_what_a_failure_left_unlogged_is_logged_by_the_next_attempt(
    registry: Registry, trained: Trains, models: Path, tmp_path: Path
) -> None:
    training = trained(0.5, 0.6)
    second = models / training.fitted[1].model_id
    second.rename(tmp_path / "away")
    with pytest.raises(NotReady):
        registry.log_training(training, models)
    assert statuses(registry) == {"FAILED": 1, "FINISHED": 1}
    (tmp_path / "away").rename(second)
    logged = registry.log_training(training, models)
    assert sorted(each.version for each in logged.models.values()) == [1, 2]
    below = [run for run in runs(registry) if run.data.tags.get(PARENT) == logged.run_id]
    assert {run.data.tags[MODEL_ID] for run in below} == set(logged.models)
    assert statuses(registry) == {"FAILED": 1, "FINISHED": 3}


def test_c6_a_failed_upload_leaves_no_version(
    registry: Registry, trained: Trains, models: Path, tmp_path: Path
) -> None:
    registry.artifacts = tmp_path / "artifacts"
    registry.artifacts.write_text("a file where the folder should be")
    training = trained(0.5)
    with pytest.raises(Unreachable):
        registry.log_training(training, models)
    assert statuses(registry) == {"FAILED": 2}
    registry.artifacts.unlink()
    (found,) = registry.log_training(training, models).models.values()
    assert found.version == 1


def test_c5_a_run_that_a_killed_attempt_left_running_is_marked_killed(
    registry: Registry, trained: Trains, models: Path
) -> None:
    client, experiment = client_of(registry), registry._experiment
    left = client.create_run(experiment, tags={AS_OF: "2017-10-01"}).info.run_id
    other = client.create_run(experiment, tags={AS_OF: "2017-11-01"}).info.run_id
    registry.log_training(trained(0.5), models)
    assert client.get_run(left).info.status == "KILLED"
    assert client.get_run(other).info.status == "RUNNING"


def test_an_attempt_that_wakes_up_behind_a_newer_one_makes_no_second_version(
    registry: Registry, trained: Trains, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, newer = trained(0.5), Registry(registry.place.url, registry.artifacts, "x")
    newer.name = registry.name
    real = registry._runs.note

    def sleeps_there(run: str, *rest: Any) -> None:
        monkeypatch.setattr(registry._runs, "note", real)
        newer.log_training(training, models)
        real(run, *rest)

    monkeypatch.setattr(registry._runs, "note", sleeps_there)
    with pytest.raises(StaleAttempt, match="a newer attempt logs this training"):
        registry.log_training(training, models)
    assert len(client_of(registry).search_model_versions(f"name = '{registry.name}'")) == 1
    assert statuses(registry) == {"FINISHED": 2, "KILLED": 1}


def test_a_training_run_again_with_another_candidate_gets_a_run_of_its_own(
    registry: Registry, trained: Trains, models: Path
) -> None:
    first = registry.log_training(trained(0.5, 0.6), models)
    second = registry.log_training(trained(0.5, 0.7), models)
    assert first.run_id != second.run_id
    assert len(set(first.models) & set(second.models)) == 1
    assert sorted(each.version for each in second.models.values()) == [1, 3]
    assert statuses(registry) == {"FINISHED": 5}


def below(registry: Registry, run_id: str) -> set[str]:
    """The models whose runs hang below a parent."""
    return {
        run.data.tags[MODEL_ID] for run in runs(registry) if run.data.tags.get(PARENT) == run_id
    }


def test_a_model_that_two_trainings_of_a_date_left_hangs_below_the_one_logged_last(
    registry: Registry, trained: Trains, models: Path
) -> None:
    before, after = trained(0.5, 0.6), trained(0.5, 0.7)
    first = registry.log_training(before, models)
    second = registry.log_training(after, models)
    assert below(registry, second.run_id) == set(second.models)
    rule = before.fitted[0].model_id
    assert first.models[rule] == second.models[rule]
    assert registry.log_training(after, models) == second
    back = registry.log_training(before, models)
    assert below(registry, back.run_id) == set(back.models) == set(first.models)
    assert registry.log_training(before, models) == back
    assert len(client_of(registry).search_model_versions(f"name = '{registry.name}'")) == 3
    assert statuses(registry) == {"FINISHED": 6}


def test_a_run_that_a_person_deleted_is_made_anew_and_its_version_stays(
    registry: Registry, trained: Trains, models: Path
) -> None:
    training = trained(0.5, 0.6)
    once = registry.log_training(training, models)
    client_of(registry).delete_run(once.models[training.challenger].run_id)
    again = registry.log_training(training, models)
    assert below(registry, again.run_id) == set(once.models)
    assert again.models == once.models
    assert registry.log_training(training, models) == again


def test_an_alias_moves_and_can_be_taken_away(
    registry: Registry, trained: Trains, models: Path
) -> None:
    rule, challenger = registry.log_training(trained(0.5, 0.6), models).models
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


def test_versions_carry_the_sha256_that_the_ledger_knows_and_what_was_decided(
    registry: Registry, trained: Trains, models: Path
) -> None:
    training = trained(0.5)
    (model_id,) = registry.log_training(training, models).models
    registry.tag(model_id, {"churn_ml.decision": "first", "churn_ml.approver": "churn_ml"})
    version = client_of(registry).get_model_version(registry.name, "1")
    assert version.tags.items() >= {
        (MODEL_ID, model_id),
        ("churn_ml.sha256", training.fitted[0].sha256),
        ("churn_ml.decision", "first"),
    }
    with pytest.raises(NotReady, match="churn-ml log --as-of"):
        registry.tag("rule-000000000000", {"churn_ml.decision": "first"})


def test_a_contract_name_that_mlflow_forbids_is_spelled_otherwise(tmp_path: Path) -> None:
    assert Registry("sqlite:///x.db", tmp_path, "EU/gone: 30").name == "churn_ml.EU_gone__30"


@pytest.mark.parametrize("kind", ["not a database", "no folder", "no server"])
def test_m2_mlflow_down_is_unreachable_at_every_call_and_soon(
    tmp_path: Path, trained: Trains, kind: str
) -> None:
    (tmp_path / "file").write_text("this is not a database, and it is longer than a header" * 9)
    url = {
        "not a database": f"sqlite:///{tmp_path}/file",
        "no folder": f"sqlite:///{tmp_path}/file/below/mlflow.db",
        "no server": "http://127.0.0.1:9",
    }[kind]
    down = Registry(url, tmp_path / "artifacts", "gone30")
    for call in (
        lambda: down.log_training(trained(0.5), tmp_path),
        lambda: down.set_alias("champion", "rule-000000000000"),
        down.aliases,
    ):
        with pytest.raises(Unreachable, match="MLflow did not do"):
            call()


def test_m2_only_a_server_can_be_down_and_a_database_is_not_made_to_find_out(
    tmp_path: Path,
) -> None:
    assert Registry("http://127.0.0.1:9", tmp_path, "gone30").is_down()
    assert not Registry(f"sqlite:///{tmp_path}/mlflow.db", tmp_path, "gone30").is_down()
    assert list(tmp_path.iterdir()) == []


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


def test_two_trainings_of_two_dates_stand_side_by_side(
    registry: Registry, trained: Trains, models: Path
) -> None:
    registry.log_training(trained(0.5), models)
    later = registry.log_training(trained(0.5, as_of=date(2017, 11, 1), caller=None), models)
    assert [each.version for each in later.models.values()] == [2]
    run = client_of(registry).get_run(later.run_id)
    assert "churn_ml.caller" not in run.data.tags
    assert "Asked for by" not in run.data.tags[NOTE]
