"""A training as the ledger tells it, with models that are really stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from churn_ml.models import save
from churn_ml.models.example import ORIGIN, by_hand
from churn_ml.registry import Fitted, Panel, Trained

AS_OF = date(2017, 10, 1)
AT = datetime(2026, 1, 1, tzinfo=UTC)
FIGURES = {"profit_per_1000": 120.5, "auc": [0.75, 0.7, 0.8], "ece": [0.01, None, None]}
CALLER = "http://127.0.0.1:8080/dags/churn_train/runs/2017-10-01"

Trains = Callable[..., Trained]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The folder that `trained` stores its models in."""
    return tmp_path / "models"


@pytest.fixture
def trained(models: Path) -> Trains:
    """Store one rule a slope and return the training that left them, the last one leading."""

    def train(*slopes: float, as_of: date = AS_OF, caller: str | None = CALLER) -> Trained:
        origin = replace(ORIGIN, trained_as_of=as_of, versions={"numpy": "2.4.6"})
        bundles = [by_hand(slope, tau=2.5, origin=origin) for slope in slopes]
        ids = [save(bundle, models) for bundle in bundles]
        fitted = tuple(
            Fitted(f"rule{place}", model_id, bundle.sha256, FIGURES)
            for place, (model_id, bundle) in enumerate(zip(ids, bundles, strict=True))
        )
        counts = {"rows": 800, "churners": 80, "treated": 0, "immature": 3}
        return Trained(
            as_of=as_of,
            contract=ORIGIN.contract,
            currency="USD",
            fitted=fitted,
            challenger=ids[-1],
            layers={
                "train": counts | {"cut_offs": ["2017-07-03", "2017-08-02"]},
                "choose": counts | {"cut_offs": ["2017-09-01"]},
            },
            panel=Panel("lake/panel", 3, "5bec" * 16, 2400),
            read={"orders": {"2017-10-01": 7}, "returns": {}},
            receipt=f"train/{as_of.isoformat()}/1",
            started_at=AT,
            ended_at=AT + timedelta(seconds=90),
            caller=caller,
            leakage={"features": 84, "strongest": [{"feature": "recency_days", "auc": 0.71}]},
        )

    return train
