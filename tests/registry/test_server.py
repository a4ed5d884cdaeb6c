"""A real MLflow server with logins: the same as a database, and what only a server can do wrong."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from churn_ml.errors import BadConfig, Unreachable
from churn_ml.models import load
from churn_ml.registry import LoggedTraining, Registry, Trained
from churn_ml.registry.reach import reached
from churn_ml.registry.trained import MODEL_ID, PARENT

from .conftest import Trains
from .server import PASSWORD, QUOTED, Server

SOON_SECONDS = 15


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the module: starting it takes ten seconds."""
    found = Server(tmp_path_factory.mktemp("mlflow"))
    found.start()
    yield found
    found.stop()


@pytest.fixture
def registry(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Registry:
    return Registry(server.url, tmp_path / "unused", request.node.name[:40])


def runs(registry: Registry) -> list[Any]:
    with reached(registry.place):
        return list(registry._client.search_runs([registry._experiment]))


def assert_complete(registry: Registry, training: Trained, logged: LoggedTraining) -> None:
    """One finished parent with one finished run a candidate, and one version each."""
    finished = [run for run in runs(registry) if run.info.status == "FINISHED"]
    below = Counter(run.data.tags.get(MODEL_ID) for run in finished)
    ids = [each.model_id for each in training.fitted]
    assert below == Counter([None, *ids])
    assert {run.data.tags[PARENT] for run in finished if PARENT in run.data.tags} == {logged.run_id}
    assert "RUNNING" not in {run.info.status for run in runs(registry)}
    with reached(registry.place):
        versions = registry._client.search_model_versions(f"name = '{registry.name}'")
    assert sorted(version.tags[MODEL_ID] for version in versions) == sorted(ids)
    assert list(logged.models) == ids


def test_a_training_is_logged_once_with_its_artifacts_and_aliases(
    registry: Registry, server: Server, trained: Trains, models: Path, tmp_path: Path
) -> None:
    training = trained(0.5, 0.6)
    logged = registry.log_training(training, models)
    assert registry.log_training(training, models) == logged
    assert_complete(registry, training, logged)
    assert logged.url == f"{server.bare}/#/experiments/{registry._experiment}/runs/{logged.run_id}"
    model_id, found = next(iter(logged.models.items()))
    with reached(registry.place):
        registry._client.download_artifacts(found.run_id, model_id, str(tmp_path))
        shown = [one.path for one in registry._client.list_artifacts(found.run_id, "report")]
    assert shown == ["report/record.json"]
    assert load(tmp_path / model_id, sha256=training.fitted[0].sha256).id == model_id
    registry.set_alias("challenger", training.challenger)
    registry.tag(training.challenger, {"churn_ml.decision": "promote"})
    assert registry.aliases() == {"challenger": training.challenger}
    assert not (tmp_path / "unused").exists()


def test_nothing_is_said_and_the_password_stands_nowhere(
    registry: Registry,
    server: Server,
    trained: Trains,
    models: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    logged = registry.log_training(trained(0.5), models)
    assert capfd.readouterr() == ("", "")
    told = repr(logged) + repr(registry) + repr(registry.place)
    kept = server.log.read_bytes() + b"".join(
        file.read_bytes() for file in server.folder.glob("mlflow.db*")
    )
    for secret in (PASSWORD, QUOTED):
        assert secret not in told
        assert secret.encode() not in kept


@pytest.mark.parametrize("url", ["http://churn_ml:wrong@{host}", "http://{host}"])
def test_a_refused_login_is_for_a_person_to_mend_and_is_not_tried_again(
    server: Server, trained: Trains, models: Path, url: str
) -> None:
    host = server.bare.removeprefix("http://")
    refused = Registry(url.format(host=host), models, "refused")
    for call in (lambda: refused.log_training(trained(0.5), models), refused.aliases):
        with pytest.raises(BadConfig, match="MLflow refuses the login") as caught:
            call()
        assert "wrong" not in f"{caught.value} {caught.value.__cause__}"


def test_a_user_who_may_only_read_is_told_so(
    registry: Registry, server: Server, trained: Trains, models: Path
) -> None:
    registry.log_training(trained(0.5), models)
    with reached(registry.place):
        # imported in here: MLflow's warnings would fail the import, and with it every later test
        from mlflow.server import get_app_client

        get_app_client("basic-auth", server.bare).create_user("reader", "only reading")
    host = server.bare.removeprefix("http://")
    reader = Registry(f"http://reader:only%20reading@{host}", models, "x")
    reader.name = registry.name
    assert reader.aliases() == {}
    with pytest.raises(BadConfig, match="does not allow this login"):
        reader.log_training(trained(0.6), models)


SESSION = """
import os, pickle, signal, sys
from pathlib import Path
from churn_ml.registry import Registry
from churn_ml.registry.reach import reached
url, contract, where, number, folder = sys.argv[1:]
folder, left = Path(folder), [int(number)]
registry = Registry(url, folder, contract)
with reached(registry.place):
    client = registry._client
real = getattr(client, where)
def deadly(*args, **kwargs):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)
setattr(client, where, deadly)
registry.log_training(pickle.loads((folder / "trained").read_bytes()), folder / "models")
"""


@pytest.mark.parametrize(
    ("where", "number"),
    [
        ("log_artifacts", 2),
        ("create_model_version", 2),
        ("set_terminated", 3),
    ],
    ids=["uploading", "no version yet", "all but the end"],
)
def test_killed_in_the_middle_and_logged_again_it_is_complete_and_nothing_is_there_twice(
    server: Server,
    trained: Trains,
    models: Path,
    tmp_path: Path,
    where: str,
    number: int,
) -> None:
    training = trained(0.5, 0.6)
    (tmp_path / "trained").write_bytes(pickle.dumps(training))
    contract = f"killed {where}"
    told = (server.url, contract, where, str(number), str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", SESSION, *told], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    registry = Registry(server.url, tmp_path, contract)
    logged = registry.log_training(training, models)
    assert_complete(registry, training, logged)
    assert "KILLED" in {run.info.status for run in runs(registry)}
    assert registry.log_training(training, models) == logged


def test_a_server_that_goes_down_is_told_soon_and_nothing_is_lost(
    registry: Registry,
    server: Server,
    trained: Trains,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training = trained(0.5, 0.6)
    with reached(registry.place):
        client = registry._client
    real, down_since = client.create_model_version, []

    def down_after_the_first(*args: Any, **kwargs: Any) -> Any:
        done = real(*args, **kwargs)
        server.stop()
        down_since.append(time.monotonic())
        return done

    monkeypatch.setattr(client, "create_model_version", down_after_the_first)
    with pytest.raises(Unreachable, match="safe in the ledger"):
        registry.log_training(training, models)
    with pytest.raises(Unreachable):
        Registry(server.url, models, "x").aliases()
    assert time.monotonic() - down_since[0] < SOON_SECONDS
    server.start()
    monkeypatch.undo()
    logged = registry.log_training(training, models)
    assert_complete(registry, training, logged)
