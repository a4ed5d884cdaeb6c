"""The assortment, by hand: what is new in the own categories, how well it is described."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from churn_ml.features.assortment import DESCRIPTION, NEWNESS

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


def test_launches_count_in_the_categories_that_were_bought(read: Read, on: On) -> None:
    def product(name: str, category: str | None, launched: datetime | None) -> dict[str, Any]:
        told = {"product_id": name, "category": category, "launched_at": launched}
        return {"occurred_at": "2016-01-01"} | told

    products = [
        product("old", "coffee", datetime(2016, 1, 1)),
        product("first", "coffee", datetime(2017, 7, 3)),  # 90 days ago
        product("last", "coffee", datetime(2017, 9, 30)),
        product("before", "coffee", datetime(2017, 7, 2)),
        product("planned", "coffee", datetime(2017, 10, 1)),
        product("soap", "care", datetime(2017, 9, 1)),
        product("thing", None, datetime(2017, 9, 1)),
    ]

    def launches(days: int, bought: str) -> float | None:
        lines = on(days, order_id="o", product_id=bought)
        shop = {"orders": on(1, order_id="o"), "order_lines": lines, "products": products}
        return read(NEWNESS, **shop)["launches_own_categories_90d"]

    assert launches(180, "old") == 2
    assert launches(181, "old") == 0
    assert launches(1, "soap") == 1
    assert launches(1, "thing") == 0


def test_completeness_is_a_mean_over_looks_at_products(read: Read, on: On) -> None:
    products = [
        {"product_id": name, "occurred_at": "2017-01-01", "description_completeness": share}
        for name, share in (("full", 1.0), ("half", 0.5), ("unknown", None))
    ]

    def mean(*looks: dict[str, Any]) -> float | None:
        shop = {"orders": on(1), "products": products, "web_events": looks}
        return read(DESCRIPTION, **shop)["viewed_completeness_90d"]

    views = on(1, 90, kind="page_view", product_id="full")
    half = on(2, kind="page_view", product_id="half")
    other = on(1, kind="click", product_id="half") + on(91, kind="page_view", product_id="half")
    nothing = on(3, kind="page_view", product_id="unknown") + on(3, kind="page_view")
    assert mean(*views, *half, *other, *nothing) == round(2.5 / 3, 9)
    assert mean(*nothing) is None
    assert mean() is None
