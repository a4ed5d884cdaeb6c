"""A model is added once, with its bytes."""

from __future__ import annotations

import pytest

from churn_ml.errors import (
    NotReady,
    Tampered,
)
from churn_ml.ledger import Ledger, ModelRecord

from .telling import NOV, OCT


def test_a_model_is_added_once(ledger: Ledger) -> None:
    model = ModelRecord(
        "xgboost-3f", "xgboost", "3f2a", "models/x", OCT, "gone30-ab", meta={"b": 1}
    )
    assert ledger.add_model(model) == model
    logged = ModelRecord("xgboost-3f", "xgboost", "3f2a", "elsewhere", NOV, "gone30-ab", "run", "4")
    kept = ledger.add_model(logged)
    assert (kept.folder, kept.trained_as_of, kept.meta) == ("models/x", OCT, {"b": 1})
    assert (kept.mlflow_run, kept.mlflow_version) == ("run", "4")
    assert ledger.models() == [kept]


def test_a_model_with_other_bytes_is_tampered(ledger: Ledger) -> None:
    model = ModelRecord("xgboost-3f", "xgboost", "3f2a", "models/x", OCT, "gone30-ab")
    ledger.add_model(model)
    with pytest.raises(Tampered, match="known with other bytes"):
        ledger.add_model(ModelRecord("xgboost-3f", "xgboost", "ffff", "models/x", OCT, "c", "run"))
    assert ledger.model("xgboost-3f").mlflow_run is None


def test_an_unknown_model_is_not_ready(ledger: Ledger) -> None:
    with pytest.raises(NotReady, match="does not know model xgboost-3f"):
        ledger.model("xgboost-3f")
