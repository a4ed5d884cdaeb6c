"""Trained: what the ledger knows of one training, in the form in which MLflow is told it.

Enters: plain values of a publication. Leaves: tags, params and metrics as MLflow takes them.
Nothing here reaches MLflow or needs a model to be fitted again. Worked example: trained on
2017-11-01, `auc` of the rule stands as `[0.75, 0.7, 0.8]` in the ledger and as the metrics `auc`,
`auc_low` and `auc_high` in MLflow; an undefined bound is None there and absent here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from churn_ml.config import content_hash

MODEL_ID = "churn_ml.model_id"
AS_OF = "churn_ml.as_of"
TRAINING = "churn_ml.training"
PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
DIGEST_CHARACTERS = 36
"""As long as MLflow lets the digest of a dataset be."""


@dataclass(frozen=True)
class Fitted:
    """One candidate: its family, its model, and its figures on the choosing cut-off.

    `figures`: name -> [value, low, high] or one number, None where undefined. `curves`: what its
    pictures are drawn from (curves.py), empty where none were kept. `grade`: A to D of the gate,
    None before its verdict.
    """

    name: str
    model_id: str
    sha256: str
    figures: Mapping[str, Any]
    curves: Mapping[str, Any] = field(default_factory=dict)
    grade: str | None = None

    @property
    def metrics(self) -> dict[str, float]:
        """Every defined figure and its bounds, by the name it has in MLflow.

        >>> Fitted("rule", "rule-0a", "0a", {"auc": [0.75, 0.7, None], "tau": 2.5}).metrics
        {'auc': 0.75, 'auc_low': 0.7, 'tau': 2.5}
        """
        found: dict[str, float] = {}
        for name, figure in self.figures.items():
            each = figure if isinstance(figure, list) else [figure]
            told = zip((name, f"{name}_low", f"{name}_high"), each, strict=False)
            found |= {key: float(number) for key, number in told if number is not None}
        return found


@dataclass(frozen=True)
class Panel:
    """The published panel that a training read: where it lies, and what identifies it."""

    path: str
    version: int
    content_hash: str
    rows: int

    @property
    def source(self) -> str:
        """The place of exactly these rows, as MLflow writes a Delta table.

        >>> Panel("lake/panel", 3, "5bec", 800).source
        '{"delta_table_version": 3, "path": "lake/panel"}'
        """
        told = {"path": self.path, "delta_table_version": self.version}
        return json.dumps(told, sort_keys=True)


@dataclass(frozen=True)
class Trained:
    """One published training.

    `layers`: train and choose -> rows, churners, treated, immature and the cut_offs. `read`:
    canonical table -> partition -> version. `challenger`: the model id of the candidate that leads.
    `caller`: who asked for it, a URL or None. `receipt`: its reference in the ledger. `leakage`:
    what was looked at for leaks, and the features that alone tell most, strongest first.
    `config_hash`: of the settings it was trained under. `profile`: feature -> rows, missing share,
    mean and quantiles of the training rows, empty where none was kept. `judged_on`: the cut-offs
    that the gate graded the candidates on, ISO; empty before its verdict.
    """

    as_of: date
    contract: str
    currency: str
    fitted: tuple[Fitted, ...]
    challenger: str
    layers: Mapping[str, Mapping[str, Any]]
    panel: Panel
    read: Mapping[str, Mapping[str, int]]
    receipt: str
    started_at: datetime
    ended_at: datetime
    caller: str | None = None
    leakage: Mapping[str, Any] = field(default_factory=dict)
    config_hash: str = ""
    profile: Mapping[str, Any] = field(default_factory=dict)
    judged_on: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, Any]:
        """All that makes this training again: versions of what it read, settings, contract, models.

        The manifest of each model holds the packages and the seed that made its bytes.
        """
        return {
            "as_of": self.as_of.isoformat(),
            "contract": self.contract,
            "config_hash": self.config_hash,
            "tables": self.read,
            "panel": {"version": self.panel.version, "content_hash": self.panel.content_hash},
            "layers": self.layers,
            "models": {each.model_id: each.sha256 for each in self.fitted},
        }

    @property
    def identity(self) -> str:
        """What makes a training the same when it is run again: the models it left."""
        return content_hash(sorted(each.model_id for each in self.fitted))[:12]

    @property
    def leader(self) -> Fitted:
        """The candidate that leads."""
        return next(each for each in self.fitted if each.model_id == self.challenger)

    @property
    def params(self) -> dict[str, Any]:
        """The counts of each layer, the family that leads, and what was looked at for leaks."""
        counts = {
            f"{layer}_{kind}": number
            for layer, found in self.layers.items()
            for kind, number in found.items()
            if kind != "cut_offs"
        }
        looked = {
            f"leakage_{name}": found for name, found in self.leakage.items() if name != "strongest"
        }
        return counts | looked | {"best": self.leader.name}

    @property
    def metrics(self) -> dict[str, float]:
        """The AUC of each of the features that alone tell most of who churned.

        An honest one stays far below the candidates' own.
        """
        return {
            f"alone_auc_{row['feature']}": float(row["auc"])
            for row in self.leakage.get("strongest", ())
        }

    @property
    def tags(self) -> dict[str, str]:
        """What every run of this training carries: whose it is, what it read, who asked."""
        told = {
            AS_OF: self.as_of.isoformat(),
            TRAINING: self.identity,
            "churn_ml.contract": self.contract,
            "churn_ml.receipt": self.receipt,
            "churn_ml.panel": f"version {self.panel.version}, {self.panel.content_hash}",
        }
        told |= {f"churn_ml.read.{name}": _versions(read) for name, read in self.read.items()}
        return told | ({"churn_ml.caller": self.caller} if self.caller else {})


@dataclass(frozen=True)
class Logged:
    """Where a model stands in MLflow: its run and its version of the registered model."""

    run_id: str
    version: int


@dataclass(frozen=True)
class LoggedTraining:
    """Where a training stands in MLflow: its parent run, that run's page, and every model.

    `url` is for people and holds no login; None where MLflow is a database without a page.
    """

    run_id: str
    url: str | None
    models: Mapping[str, Logged]


def tags_of(each: Fitted) -> dict[str, str]:
    """What a candidate's run and version carry beside the tags of the training.

    >>> tags_of(Fitted("rule", "rule-0a", "0a", {}))
    {'churn_ml.model_id': 'rule-0a', 'churn_ml.sha256': '0a'}
    """
    return {MODEL_ID: each.model_id, "churn_ml.sha256": each.sha256}


def params_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A model's manifest as params: without its files and features, one param a package version.

    >>> params_of({"family": "rule", "features": [], "files": {}, "seed": 17,
    ...            "train_cut_offs": ["2017-07-03", "2017-08-02"], "versions": {"numpy": "2.4.6"}})
    {'family': 'rule', 'seed': 17, 'train_cut_offs': '2017-07-03 2017-08-02',
     'version_numpy': '2.4.6'}
    """
    kept = {
        key: value
        for key, value in manifest.items()
        if key not in ("files", "features", "versions")
    }
    kept["train_cut_offs"] = " ".join(kept["train_cut_offs"])
    return kept | {f"version_{name}": number for name, number in manifest["versions"].items()}


def _versions(read: Mapping[str, int]) -> str:
    """The partitions of one table in a line: all of them stand in the ledger.

    >>> _versions({"2017-10-01": 1, "2017-11-01": 4})
    '2 partitions to 2017-11-01, newest version 4'
    """
    if not read:
        return "nothing"
    return f"{len(read)} partitions to {max(read)}, newest version {max(read.values())}"
