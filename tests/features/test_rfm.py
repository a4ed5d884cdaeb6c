"""RFM: in which fifth of the customers one stands, by hand as of 2017-10-01."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from churn_ml.config import Contract
from churn_ml.features import CATALOGUE, build, trainable
from churn_ml.features.group import RFM
from churn_ml.features.indicator import Indicator
from churn_ml.in_memory import canonical

AS_OF = date(2017, 10, 1)
EVERYBODY = Contract(lookback_days=900, min_orders=1)


def told(indicator: Indicator, **rows: Sequence[dict[str, Any]]) -> dict[str, list[float | None]]:
    """Customer -> the indicator's columns, of all customers in the rows."""
    empty: dict[str, list[Any]] = {name: [] for name in indicator.needs}
    frame = build(canonical(**(empty | rows)), AS_OF, EVERYBODY, indicators=[indicator])
    values = frame[list(indicator.names)].astype(object).where(frame.notna(), None)
    return dict(zip(frame["customer_id"], values.to_numpy().tolist(), strict=True))


def on(customer: str, *days: int, **more: Any) -> list[dict[str, Any]]:
    """A row of the customer on each day, told as days before as_of."""
    return [{"customer_id": customer, "occurred_at": AS_OF - timedelta(d)} | more for d in days]


def test_no_model_learns_from_what_compares_a_customer_with_others() -> None:
    assert RFM in CATALOGUE
    assert RFM not in trainable(CATALOGUE)


def test_of_five_customers_each_is_a_fifth_and_equals_share_the_lower() -> None:
    # last order: a 5, b 4, c 3, d and e 2 days ago; a ordered three times; all orders cost 10
    orders = [*on("a", 5, 6, 7), *on("b", 4), *on("c", 3), *on("d", 2), *on("e", 2)]
    found = told(RFM, orders=orders)
    assert {c: row[0] for c, row in found.items()} == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 4}
    assert {c: row[1] for c, row in found.items()} == {"a": 5, "b": 1, "c": 1, "d": 1, "e": 1}
    assert {c: row[2] for c, row in found.items()} == {"a": 5, "b": 1, "c": 1, "d": 1, "e": 1}


def test_who_did_not_order_in_the_window_is_in_no_fifth_and_moves_nobody() -> None:
    orders = [*on("a", 365), *on("b", 366)]
    assert told(RFM, orders=orders) == {"a": [1, 1, 1], "b": [None, None, None]}
