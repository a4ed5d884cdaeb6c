"""Runs: what of a training stands as runs in one experiment of MLflow, and how a run is written.

Enters: MLflow's client, an experiment and a `Trained`. Leaves: runs that carry the training's tags
and end with what they did. Worked example: an attempt at 2017-11-01 is killed; its run is still
RUNNING when the next attempt looks and is marked KILLED. Should the first attempt wake up, it finds
its run taken from it and steps back.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from churn_ml.errors import StaleAttempt
from churn_ml.registry.trained import (
    AS_OF,
    DIGEST_CHARACTERS,
    MODEL_ID,
    PARENT,
    RUN_NAME,
    TRAINING,
    Trained,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUNNING, FINISHED, FAILED, KILLED = "RUNNING", "FINISHED", "FAILED", "KILLED"


@dataclass
class Found:
    """What stands of one training: its finished runs by model id, and the parent above them all.

    `parent`: None where there is no finished one, or where the runs hang below several.
    """

    parent: str | None = None
    runs: dict[str, str] = field(default_factory=dict)


class Runs:
    """The runs of one experiment; whatever MLflow raises passes through."""

    def __init__(self, client: MlflowClient, experiment: str) -> None:
        """`experiment`: its id."""
        self.client = client
        self.experiment = experiment

    def found(self, trained: Trained) -> Found:
        """What former attempts have finished; what they left running is marked killed."""
        runs: dict[str, str] = {}
        parents, above = set(), set()
        query = f"tags.`{AS_OF}` = '{trained.as_of.isoformat()}'"
        for run in self.client.search_runs([self.experiment], query):
            tags, run_id = run.data.tags, str(run.info.run_id)
            if run.info.status == RUNNING:
                self.client.set_terminated(run_id, status=KILLED)
            elif run.info.status == FINISHED and tags.get(TRAINING) == trained.identity:
                if MODEL_ID in tags:
                    runs[tags[MODEL_ID]] = run_id
                    above.add(tags.get(PARENT))
                else:
                    parents.add(run_id)
        return Found(next(iter(above)) if len(above) == 1 and above <= parents else None, runs)

    def unfinished(self) -> dict[str, int]:
        """How many runs of each as_of still run, as far as MLflow knows."""
        query = f"attributes.status = '{RUNNING}'"
        found = self.client.search_runs([self.experiment], query)
        return dict(Counter(run.data.tags.get(AS_OF, "unknown") for run in found))

    def adopt(self, run_id: str, trained: Trained, parent: str) -> None:
        """Hang a finished run of an earlier training below `parent`: the same model was left."""
        for key, value in {TRAINING: trained.identity, PARENT: parent}.items():
            self.client.set_tag(run_id, key, value)

    def stands(self, run_id: str) -> bool:
        """Whether the run is still there: a person may have deleted it."""
        return bool(self.client.search_runs([self.experiment], f"attributes.run_id = '{run_id}'"))

    @contextmanager
    def opened(self, name: str, trained: Trained, tags: Mapping[str, str]) -> Iterator[str]:
        """A run that ends with the block: finished, or failed where the block raises.

        It has the times of the training, not of its logging. Yields the run's id. Raises
        StaleAttempt where a newer attempt has marked the run killed meanwhile.
        """
        run = self.client.create_run(
            self.experiment, start_time=_millis(trained.started_at), tags={**tags, RUN_NAME: name}
        )
        run_id = str(run.info.run_id)
        try:
            yield run_id
            self.still_ours(run_id)
        except StaleAttempt:
            raise
        except BaseException:
            # what went wrong matters more than that MLflow may not even take this
            with suppress(Exception):
                self.client.set_terminated(run_id, status=FAILED)
            raise
        self.client.set_terminated(run_id, status=FINISHED, end_time=_millis(trained.ended_at))

    def still_ours(self, run_id: str) -> None:
        """Raise StaleAttempt where a newer attempt has marked the run killed: it logs the same."""
        status = self.client.get_run(run_id).info.status
        if status != RUNNING:
            raise StaleAttempt(
                "a newer attempt logs this training",
                where=f"run {run_id} in MLflow",
                got=status,
                expected=RUNNING,
                next_step="nothing: the newer attempt goes on",
            )

    def note(
        self, run: str, trained: Trained, params: Mapping[str, Any], metrics: Mapping[str, float]
    ) -> None:
        """Params, metrics and the panel that was read, on one run."""
        from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

        at = _millis(trained.ended_at)
        self.client.log_batch(
            run,
            params=[Param(key, str(value)) for key, value in params.items()],
            metrics=[Metric(key, value, at, 0) for key, value in metrics.items()],
        )
        panel = Dataset(
            "panel",
            trained.panel.content_hash[:DIGEST_CHARACTERS],
            "delta_table",
            trained.panel.source,
            profile=json.dumps({"num_rows": trained.panel.rows}),
        )
        used = DatasetInput(panel, [InputTag("mlflow.data.context", "training")])
        self.client.log_inputs(run, [used])


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)
