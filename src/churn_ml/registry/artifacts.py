"""Artifacts: the files that MLflow holds beside a model, and beside a training.

Enters: a `Trained`. Leaves: bytes by file name. Beside a model lie its card, its pictures, and the
figures that these are drawn from, as JSON and CSV; beside a training what it takes to make it again
and the profile of its features. Worked example: the run of `xgboost-3f2a9c1d0b7e` holds
`report/model_card.md`, `report/profit.png`, `report/what_if.csv` and `report/curves.json`.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from typing import Any

from churn_ml.registry import card
from churn_ml.registry.trained import Fitted, Trained

CARD = "model_card.md"


def of_training(trained: Trained) -> dict[str, bytes]:
    """What a training was made from, and the profile of its features."""
    record = trained.record | {"python": platform.python_version()}
    found = {"record.json": _json(record)}
    return found | ({"feature_profile.json": _json(trained.profile)} if trained.profile else {})


def of_model(trained: Trained, each: Fitted, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """What is shown of one candidate; without curves only what made it.

    `manifest`: the model's own.
    """
    found = {"record.json": _json(trained.record | {"manifest": manifest})}
    if not each.curves:
        return found
    from churn_ml.registry import pictures

    title = f"{each.name}, as of {trained.as_of.isoformat()}"
    return (
        found
        | {CARD: card.of_model(trained, each).encode()}
        | {"what_if.csv": card.what_if_csv(each.curves).encode()}
        | {"curves.json": _json(each.curves)}
        | pictures.drawn(each.curves, title, trained.currency)
    )


def _json(told: Any) -> bytes:
    return json.dumps(told, indent=1, sort_keys=True).encode()
