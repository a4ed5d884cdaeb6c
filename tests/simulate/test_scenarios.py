"""What is planted is found: by the indicators of its scenario, after the onset, and in nobody else.

One synthetic shop with every scenario in one customer in six; a plain rule per scenario on the
columns that it says show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from churn_ml.config import Contract
from churn_ml.features import CATALOGUE, build, defining
from churn_ml.simulate.scenarios import SCENARIOS, Scenario
from churn_ml.simulate.shop import Plan, Shop

SHOWN = tuple(name for one in SCENARIOS for name in one.shown_by)
PLAN = Plan(customers=900, scenarios=tuple(replace(one, share=0.15) for one in SCENARIOS))
NEEDED = ("orders", "order_lines", "products", "shipments", "web_events")
ACTIVE = Contract(lookback_days=90, min_orders=2)

RULES: dict[str, Callable[[Any], Any]] = {
    "logistics": lambda t: t.customs_days_max_180d >= 5,
    "category_shift": lambda t: t.new_category_share_90d == 1,
    "delivery": lambda t: (t.transit_days_3 >= 6) & (t.late_share_180d >= 0.2),
    "payment": lambda t: (t.abandon_step_90d == 3) & (t.checkout_abandon_share_90d >= 0.4),
}
"""What a person would say of each: held at customs, all new, late for long, left at payment."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop(PLAN) as made:
        yield made


@pytest.fixture(scope="module")
def frames(shop: Shop) -> dict[str, Any]:
    """The columns that show a scenario, with each customer's own: before the onset, and after."""

    def frame(as_of: date) -> Any:
        found = build(
            shop.canonical(NEEDED, as_of), as_of, ACTIVE, indicators=defining(SHOWN, CATALOGUE)
        )
        truth = shop.planted().to_pandas()
        return found.merge(truth, how="left", on="customer_id").fillna({"scenario": "nothing"})

    return {"before": frame(PLAN.onset), "after": frame(PLAN.ends)}


@pytest.mark.parametrize("one", SCENARIOS, ids=lambda one: one.source)
def test_the_planted_customers_show_it_and_the_others_do_not(
    frames: dict[str, Any], one: Scenario
) -> None:
    found = frames["after"]
    passes = RULES[one.name](found)
    planted, others = found.scenario == one.name, found.scenario == "nothing"
    assert planted.sum() >= 20
    assert others.sum() >= 50
    assert passes[planted].mean() >= 0.9
    assert passes[others].mean() <= 0.1


@pytest.mark.parametrize("one", SCENARIOS, ids=lambda one: one.source)
def test_before_the_onset_nothing_tells_the_planted_from_the_others(
    frames: dict[str, Any], one: Scenario
) -> None:
    found = frames["before"]
    passes = RULES[one.name](found)
    planted, others = found.scenario == one.name, found.scenario == "nothing"
    assert passes[planted].mean() <= 0.1
    assert abs(passes[planted].mean() - passes[others].mean()) <= 0.05


def test_overseas_orders_are_cancelled_more_often_once_they_are_held_at_customs(
    frames: dict[str, Any],
) -> None:
    rates = {
        when: found.groupby("scenario").cancel_rate_180d.mean() for when, found in frames.items()
    }
    assert rates["after"]["logistics"] >= 3 * rates["after"]["nothing"]
    assert rates["before"]["logistics"] <= 2 * rates["before"]["nothing"]


def test_a_customer_is_planted_while_with_the_shop_and_from_the_onset_on(shop: Shop) -> None:
    truth = shop.planted().to_pylist()
    names = {row["scenario"] for row in truth}
    days = [row["since"].date() for row in truth]
    assert names == {one.name for one in SCENARIOS}
    assert len({row["customer_id"] for row in truth}) == len(truth)
    assert PLAN.onset <= min(days)
    assert max(days) < PLAN.onset + timedelta(days=10)


def test_whom_a_scenario_is_not_for_is_the_same_with_and_without_it(shop: Shop) -> None:
    with Shop(replace(PLAN, scenarios=())) as plain:
        assert plain.planted().num_rows == 0
        same = plain.arrow("shipments", PLAN.ends).to_pandas()
    planted = set(shop.planted()["customer_id"].to_pylist())
    found = shop.arrow("shipments", PLAN.ends).to_pandas()
    columns = ["customer_id", "shipment_id", "occurred_at", "delivered_at"]
    assert (
        found.loc[~found.customer_id.isin(planted), columns].values.tolist()
        == same.loc[~same.customer_id.isin(planted), columns].values.tolist()
    )
