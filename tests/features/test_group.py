"""The churn rate of a customer's channel in the last closed period, by hand as of 2017-10-01."""

from __future__ import annotations

from datetime import date, timedelta
from math import isnan
from typing import Any

import pytest

from churn_ml.config import Contract
from churn_ml.features import build
from churn_ml.features.group import GROUP_CHURN
from churn_ml.in_memory import canonical

AS_OF = date(2017, 10, 1)
EVERYBODY = Contract(lookback_days=900, min_orders=1)


def shop(at_risk: int, lost: int, **zoe: Any) -> dict[str, Any]:
    """`at_risk` customers of "search" who ordered 100 days ago, all but `lost` 10 days ago too."""
    people = [f"c{n}" for n in range(at_risk)]
    orders = [(each, 100) for each in people] + [(each, 10) for each in people[lost:]]
    known = [{"customer_id": each, "channel": "search"} for each in people] + [zoe]
    return canonical(
        orders=[
            {"customer_id": each, "occurred_at": AS_OF - timedelta(days=days)}
            for each, days in [*orders, ("zoe", 5)]
        ],
        customers=[{"occurred_at": "2015-01-01"} | each for each in known],
    )


def rate(tables: dict[str, Any], days: int = 90) -> tuple[float | None, float]:
    """Rate and flag of zoe, who ordered five days ago and belongs to nobody's base."""
    frame = build(tables, AS_OF, EVERYBODY, indicators=[GROUP_CHURN])
    row = frame[frame.customer_id == "zoe"].iloc[0]
    told = row[f"group_churn_rate_{days}d"]
    return None if isnan(told) else float(told), float(row[f"group_churn_rate_{days}d_has_base"])


def test_the_rate_is_that_of_the_channels_last_closed_period() -> None:
    assert rate(shop(25, 10, customer_id="zoe", channel="search")) == (0.4, 1.0)


@pytest.mark.parametrize("zoe", [{"channel": "ads"}, {"channel": None}])
def test_another_channel_or_none_has_no_rate(zoe: dict[str, Any]) -> None:
    assert rate(shop(25, 10, customer_id="zoe", **zoe)) == (None, 0.0)


def test_a_small_group_has_no_rate() -> None:
    assert rate(shop(20, 10, customer_id="zoe", channel="search")) == (0.5, 1.0)
    assert rate(shop(19, 10, customer_id="zoe", channel="search")) == (None, 0.0)


def test_an_order_at_the_edge_of_the_period_belongs_to_one_side_only() -> None:
    """90 days ago is since, 91 before: who ordered on these two days alone was not lost."""
    edge = shop(25, 25, customer_id="zoe", channel="search")
    more = [
        {"customer_id": f"e{n}", "occurred_at": AS_OF - timedelta(days=days)}
        for n in range(25)
        for days in (90, 91)
    ]
    people = [
        {"customer_id": f"e{n}", "channel": "search", "occurred_at": "2015-01-01"}
        for n in range(25)
    ]
    both = {
        "orders": edge["orders"].union(canonical(orders=more)["orders"]),
        "customers": edge["customers"].union(canonical(customers=people)["customers"]),
    }
    assert rate(both) == (0.5, 1.0)
