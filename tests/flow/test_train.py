"""Training a real shop of 300 households: what it pins, and what a small shop is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from churn_ml import flow
from churn_ml.house import House

from ..conftest import FIRST


def test_a_shop_below_the_minimum_keeps_the_rule_and_is_told_so(
    copy_of: Callable[[Path], House], ingested: Path
) -> None:
    said: list[str] = []
    house = copy_of(ingested)
    settings = house.config.training.model_copy(update={"min_rows": 100_000})
    config = house.config.model_copy(update={"training": settings})
    small = replace(house, config=config, say=said.append)
    receipt = flow.train(small, FIRST)
    trained = small.ledger.publication("train", FIRST)
    assert trained is not None
    assert list(trained.pins["candidates"]) == ["rule"]
    assert trained.pins["challenger"] == trained.pins["candidates"]["rule"]
    assert receipt.details["too_few"]["min_rows"] == 100_000
    assert receipt.details["too_few"]["churners"] > 0
    assert any("too few to train more than the inactivity rule" in line for line in said)
    assert {"kind", "rows", "passes", "total_ratio"} <= set(receipt.details["value"])
    json.dumps(dict(receipt.details), allow_nan=False)
    promoted = flow.promote(small, FIRST)
    assert promoted.details["champion"] == trained.pins["challenger"]
