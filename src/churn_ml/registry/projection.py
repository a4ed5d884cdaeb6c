"""The registry: every training and every model in MLflow, for people to look at.

The only importer of MLflow. The ledger is the truth about which model is champion; MLflow's runs,
versions and aliases are its projection. So a failure here never loses a model: whatever MLflow
raises becomes `Unreachable`, the hall notes it and carries on, and logging the same models later
finds what is missing (a model id is logged once, however often it is asked for).

Enters: a `Training` and the folder its models are stored in. Leaves: a run per training with a
nested run per candidate (params, metrics with their bounds, the model folder as artifacts), a
version per model of `churn_ml.<contract>`, and the aliases champion, challenger and
former_champion. Worked example: as of 2017-10-01 three candidates are logged as versions 1 to 3 of
`churn_ml.gone30`, and `set_alias("champion", "rule-0f1e2d3c4b5a")` points at version 1.

Plain client calls only: no autologging, no git or system metrics, no telemetry, nothing in the
working directory, and no flavour that needs pickle.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml.errors import NotReady
from churn_ml.models.store import Bundle, load
from churn_ml.reach import is_server, knock, reached, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from churn_ml.training import Candidate, Training

ALIASES = ("champion", "challenger", "former_champion")
MODEL_ID = "churn_ml.model_id"
AS_OF = "churn_ml.as_of"
PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"


@dataclass(frozen=True)
class Logged:
    """Where a model stands in MLflow: its run and its version of the registered model."""

    run_id: str
    version: int


class Registry:
    """MLflow at one URL, for one churn contract; nothing is opened before the first call."""

    def __init__(self, url: str, artifacts: Path, contract: str) -> None:
        """`url`: a database or a server; `artifacts`: folder for a database's model files."""
        self.url = url
        self.artifacts = artifacts
        self.name = "churn_ml." + re.sub(r"[^\w.-]", "_", contract)

    def log_training(
        self, training: Training, models: Path, *, as_of: date, at: datetime
    ) -> dict[str, Logged]:
        """Log every candidate that MLflow does not know yet; returns where each model id stands.

        `models`: the folder whose subfolders are the stored models. `at`: the wall clock (UTC) of
        runs and metrics. A run of the same as_of that a killed attempt left running is marked
        killed. Raises Unreachable where MLflow fails, NotReady or Tampered where a model folder is
        not the one that was saved; what was logged until then is found by the next call.
        """
        with reached(self.url):
            known = {each.bundle.id: self._logged(each.bundle.id) for each in training.candidates}
            if all(known.values()):
                return {model_id: found for model_id, found in known.items() if found}
            self._end_abandoned(as_of, at)
            with self._run(f"train {as_of.isoformat()}", at, {AS_OF: as_of.isoformat()}) as parent:
                self._note(parent, at, _params_of(training), {})
                for each in training.candidates:
                    model_id = each.bundle.id
                    tags = _tags_of(each.bundle) | {AS_OF: as_of.isoformat(), PARENT: parent}
                    if known[model_id] is None:
                        known[model_id] = self._log(
                            each.bundle, _metrics_of(each), models, at, tags
                        )
        return {model_id: found for model_id, found in known.items() if found}

    def set_alias(self, alias: str, model_id: str | None) -> None:
        """Point `alias` at the version of `model_id`, or at nothing where that is None.

        Raises NotReady where the model was never logged, Unreachable where MLflow fails.
        """
        with reached(self.url):
            if model_id is None:
                if alias in self._model().aliases:
                    self._client.delete_registered_model_alias(self.name, alias)
                return
            found = self._logged(model_id)
            if found is None:
                raise NotReady(
                    f"model {model_id} is not in the registry",
                    where=f"{self.name} at {without_password(self.url)}",
                    next_step="train again for the same as_of: what MLflow misses is logged then",
                )
            self._client.set_registered_model_alias(self.name, alias, str(found.version))

    def aliases(self) -> dict[str, str]:
        """The model id behind every alias that is set; raises Unreachable where MLflow fails."""
        with reached(self.url):
            found = {}
            for alias, version in sorted(self._model().aliases.items()):
                tags = self._client.get_model_version(self.name, str(version)).tags
                found[alias] = str(tags.get(MODEL_ID, f"version {version}"))
            return found

    @cached_property
    def _client(self) -> MlflowClient:
        from mlflow import MlflowClient

        knock(self.url)
        return MlflowClient(tracking_uri=self.url, registry_uri=self.url)

    @cached_property
    def _experiment(self) -> str:
        """The id of the contract's experiment, made where absent."""
        found = self._client.get_experiment_by_name(self.name)
        if found is not None:
            return str(found.experiment_id)
        # a server keeps artifacts where it was told to; a database leaves that to us
        place = None if is_server(self.url) else self.artifacts.absolute().as_uri()
        return str(self._client.create_experiment(self.name, artifact_location=place))

    def _model(self) -> Any:
        """The registered model, made where absent."""
        found = self._client.search_registered_models(f"name = '{self.name}'", max_results=1)
        return found[0] if found else self._client.create_registered_model(self.name)

    def _logged(self, model_id: str) -> Logged | None:
        query = f"name = '{self.name}' and tags.`{MODEL_ID}` = '{model_id}'"
        for version in self._client.search_model_versions(query, max_results=1):
            return Logged(str(version.run_id), int(version.version))
        return None

    def _log(
        self,
        bundle: Bundle,
        metrics: Mapping[str, float],
        models: Path,
        at: datetime,
        tags: dict[str, str],
    ) -> Logged:
        """One model: a finished run that holds its folder, then its version."""
        folder = models / bundle.id
        # MLflow takes a missing folder for an empty one and says nothing
        load(folder, sha256=bundle.sha256)
        with self._run(bundle.id, at, tags) as run:
            self._note(run, at, _params_of_model(bundle), metrics)
            self._client.log_artifacts(run, str(folder), artifact_path=bundle.id)
        self._model()
        version = self._client.create_model_version(
            self.name, source=f"runs:/{run}/{bundle.id}", run_id=run, tags=tags
        )
        return Logged(run, int(version.version))

    @contextmanager
    def _run(self, name: str, at: datetime, tags: Mapping[str, str]) -> Iterator[str]:
        """A run that ends with the block: finished, or failed where the block raises."""
        millis = _millis(at)
        run = self._client.create_run(
            self._experiment, start_time=millis, tags={**tags, RUN_NAME: name}
        )
        run_id = str(run.info.run_id)
        try:
            yield run_id
        except BaseException:
            self._client.set_terminated(run_id, status="FAILED", end_time=millis)
            raise
        self._client.set_terminated(run_id, status="FINISHED", end_time=millis)

    def _note(
        self, run: str, at: datetime, params: Mapping[str, Any], metrics: Mapping[str, float]
    ) -> None:
        from mlflow.entities import Metric, Param

        self._client.log_batch(
            run,
            params=[Param(key, str(value)) for key, value in params.items()],
            metrics=[Metric(key, value, _millis(at), 0) for key, value in metrics.items()],
        )

    def _end_abandoned(self, as_of: date, at: datetime) -> None:
        """Mark the runs that a killed attempt of the same as_of has left running as killed."""
        query = f"attributes.status = 'RUNNING' and tags.`{AS_OF}` = '{as_of.isoformat()}'"
        for run in self._client.search_runs([self._experiment], query):
            self._client.set_terminated(run.info.run_id, status="KILLED", end_time=_millis(at))


def _params_of(training: Training) -> dict[str, Any]:
    counts = {
        f"{layer}_{kind}": number
        for layer, found in (("train", training.train), ("choose", training.choose))
        for kind, number in asdict(found).items()
    }
    return counts | {"best": training.best}


def _params_of_model(bundle: Bundle) -> dict[str, Any]:
    kept = {
        key: value for key, value in bundle.manifest.items() if key not in ("files", "features")
    }
    versions = kept.pop("versions")
    kept["train_cut_offs"] = " ".join(kept["train_cut_offs"])
    return kept | {f"version_{name}": number for name, number in versions.items()}


def _tags_of(bundle: Bundle) -> dict[str, str]:
    return {
        MODEL_ID: bundle.id,
        "churn_ml.sha256": bundle.sha256,
        "churn_ml.contract": bundle.origin.contract,
        "churn_ml.trained_as_of": bundle.origin.trained_as_of.isoformat(),
    }


def _metrics_of(each: Candidate) -> dict[str, float]:
    """Every metric and its bounds, those that are undefined left out."""
    found = {"profit_per_1000": each.profit_per_1000}
    for name, interval in each.metrics.items():
        found |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)
