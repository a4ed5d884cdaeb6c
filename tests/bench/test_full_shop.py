"""All indicators on a whole shop, measured: the lake holds it, and each says something."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_ml.bench.full_shop import lay, measure
from churn_ml.simulate.shop import Plan, Shop
from churn_ml.warehouse import Warehouse, content_hash


def test_the_lake_holds_the_shop(tmp_path: Path) -> None:
    plan = Plan(customers=20)
    lay(plan, tmp_path, "1GB")
    found = Warehouse(str(tmp_path / "lake")).read_partition("shipments", plan.ends, 1)
    with Shop(plan) as shop:
        told = shop.arrow("shipments", plan.ends)
    assert content_hash(found, ["shipment_id"]) == content_hash(told, ["shipment_id"])


@pytest.mark.slow
def test_every_indicator_says_something_on_a_whole_shop() -> None:
    told = measure(1500, memory_limit="1GB", say=lambda line: None)
    assert told["tables"] == 33
    assert told["rows"] > 1000
    assert told["silent"] == []
