"""The projection: runs, versions, tags and aliases in MLflow follow what the ledger says.

Enters: a `Trained` and the folder of its models. Leaves: the same in MLflow, once. An attempt may
die anywhere in between: its runs that still run are marked killed by the next attempt, its finished
runs are taken over by the new parent, and only what is missing is logged. Worked example: killed
after the second of three candidates, the next attempt makes a new parent `train 2017-11-01`, hangs
two finished runs below it and logs the third.

Plain client calls only: no autologging, no git or system metrics, no telemetry, nothing in the
working directory, and no flavour that needs pickle.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from churn_ml.errors import Unreachable
from churn_ml.models.store import load
from churn_ml.registry import artifacts, card, description
from churn_ml.registry.reach import Place, is_server, knock, reached
from churn_ml.registry.runs import Found, Runs
from churn_ml.registry.trained import (
    NOTE,
    PARENT,
    Fitted,
    Logged,
    LoggedTraining,
    Trained,
    params_of,
    tags_of,
)
from churn_ml.registry.versions import Versions

if TYPE_CHECKING:
    from mlflow import MlflowClient


CARD = "churn_ml.card"
"""The tag of a version that names its card by sha256."""


class Registry:
    """MLflow at one URL, for one churn contract; nothing is opened before the first call."""

    def __init__(self, url: str, artifacts: Path, contract: str) -> None:
        """`url`: a database, or a server whose login may stand in it (raises BadConfig if broken).

        `artifacts`: folder for a database's model files.
        """
        self.place = Place.of(url)
        self.artifacts = artifacts
        self.name = "churn_ml." + re.sub(r"[^\w.-]", "_", contract)

    def is_down(self) -> bool:
        """Whether a tracking server does not answer; a database is not asked, and never down.

        One try, without importing MLflow. Raises BadConfig where the login is refused.
        """
        if not is_server(self.place.url):
            return False
        try:
            with reached(self.place):
                knock(self.place)
        except Unreachable:
            return True
        return False

    def log_training(self, trained: Trained, models: Path) -> LoggedTraining:
        """Log every candidate that MLflow does not know yet; returns where everything stands.

        `models`: the folder whose subfolders are the stored models. Runs that a killed attempt at
        the same as_of left running are marked killed. Logging twice is logging once. Raises
        Unreachable where MLflow fails, BadConfig where it refuses the login, NotReady or Tampered
        where a model folder is not the one that was saved, StaleAttempt where a newer attempt took
        the training over; what was logged until then is found by the next call.
        """
        with reached(self.place):
            known = {each.model_id: self._versions.logged(each.model_id) for each in trained.fitted}
            found = self._runs.found(trained)
            parent = found.parent
            if parent is None or not all(known.values()) or not known.keys() <= found.runs.keys():
                parent = self._complete(trained, models, known, found)
            standing = {model_id: each for model_id, each in known.items() if each}
            return LoggedTraining(parent, self._page(parent), standing)

    def grade(self, trained: Trained) -> list[str]:
        """Write the card of every graded candidate anew, and tag its version with the grade.

        Returns the models whose card changed: twice is once. Who was never logged is left out.
        Raises as `log_training` does.
        """
        with reached(self.place):
            return [each.model_id for each in trained.fitted if self._graded(trained, each)]

    def _graded(self, trained: Trained, each: Fitted) -> bool:
        """Whether the card of a candidate had to be written."""
        place = self._versions.logged(each.model_id) if each.grade and each.curves else None
        if place is None or each.grade is None:
            return False
        told = card.of_model(trained, each).encode()
        tags = {"churn_ml.grade": each.grade, CARD: sha256(told).hexdigest()}
        version = str(place.version)
        if self._versions.tags(version).get(CARD) == tags[CARD]:
            return False
        self._show(place.run_id, {artifacts.CARD: told})
        self._versions.tag(version, tags)  # the card first: a tag says that it is written
        return True

    def set_alias(self, alias: str, model_id: str | None) -> None:
        """Point `alias` at the version of `model_id`, or at nothing where that is None.

        Raises NotReady where the model was never logged, else as `log_training` does.
        """
        with reached(self.place):
            version = None if model_id is None else self._versions.known(model_id)
            self._versions.point(alias, version)

    def aliases(self) -> dict[str, str]:
        """The model id behind every alias that is set; raises as `log_training` does."""
        with reached(self.place):
            return self._versions.aliases()

    def unfinished(self) -> dict[str, int]:
        """How many runs of each as_of have not ended: a logging is at them, or was killed.

        Raises as `log_training` does.
        """
        with reached(self.place):
            return self._runs.unfinished()

    def tag(self, model_id: str, tags: Mapping[str, str]) -> None:
        """Say something of a model on its version, such as what was decided on it.

        Raises NotReady where the model was never logged, else as `log_training` does.
        """
        with reached(self.place):
            self._versions.tag(self._versions.known(model_id), tags)

    @cached_property
    def _client(self) -> MlflowClient:
        from mlflow import MlflowClient

        knock(self.place)
        return MlflowClient(tracking_uri=self.place.url, registry_uri=self.place.url)

    @cached_property
    def _experiment(self) -> str:
        """The id of the contract's experiment, made where absent."""
        found = self._client.get_experiment_by_name(self.name)
        if found is not None:
            return str(found.experiment_id)
        # a server keeps artifacts where it was told to; a database leaves that to us
        local = None if is_server(self.place.url) else self.artifacts.absolute().as_uri()
        return str(self._client.create_experiment(self.name, artifact_location=local))

    @cached_property
    def _runs(self) -> Runs:
        return Runs(self._client, self._experiment)

    @cached_property
    def _versions(self) -> Versions:
        return Versions(self._client, self.name, self.place.shown)

    def _page(self, run_id: str) -> str | None:
        if not is_server(self.place.url):
            return None
        return f"{self.place.url}/#/experiments/{self._experiment}/runs/{run_id}"

    def _complete(
        self, trained: Trained, models: Path, known: dict[str, Logged | None], found: Found
    ) -> str:
        """A parent run with everything below it; fills in `known` as it goes.

        A model that an earlier training left too, byte for byte, has its run and version already:
        the run moves below the new parent.
        """
        self._versions.model()
        tags = trained.tags | {NOTE: description.of_training(trained)}
        with self._runs.opened(f"train {trained.as_of.isoformat()}", trained, tags) as parent:
            self._runs.note(parent, trained, trained.params, trained.metrics)
            for each in trained.fitted:
                self._runs.still_ours(parent)
                place = known[each.model_id]
                run = found.runs.get(each.model_id)
                if run is None and place is not None and self._runs.stands(place.run_id):
                    run = place.run_id
                if run is None:
                    run = self._upload(trained, each, models, parent)
                else:
                    self._runs.adopt(run, trained, parent)
                if place is None:
                    known[each.model_id] = self._versions.registered(trained, each, run)
            self._show(parent, artifacts.of_training(trained))
        return parent

    def _upload(self, trained: Trained, each: Fitted, models: Path, parent: str) -> str:
        """A finished run that holds one model's folder, its figures and its settings."""
        folder = models / each.model_id
        # MLflow takes a missing folder for an empty one and says nothing
        bundle = load(folder, sha256=each.sha256)
        about = {PARENT: parent, NOTE: description.of_model(trained, each)}
        tags = trained.tags | tags_of(each) | about
        with self._runs.opened(each.model_id, trained, tags) as run:
            self._runs.note(run, trained, params_of(bundle.manifest), each.metrics)
            self._client.log_artifacts(run, str(folder), artifact_path=each.model_id)
            self._show(run, artifacts.of_model(trained, each, bundle.manifest))
        return run

    def _show(self, run: str, files: Mapping[str, bytes]) -> None:
        """Log files beside the model, below `report/`."""
        with tempfile.TemporaryDirectory(prefix="churn-ml-report-") as folder:
            for name, data in files.items():
                (Path(folder) / name).write_bytes(data)
            self._client.log_artifacts(run, folder, artifact_path="report")
