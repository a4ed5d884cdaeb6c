"""One customer's columns of one indicator, from a shop of a few rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from churn_ml.config import Contract
from churn_ml.features import Indicator, build
from churn_ml.in_memory import canonical
from churn_ml.tables import table

AS_OF = date(2017, 10, 1)
EVERYBODY = Contract(lookback_days=900, min_orders=1)
Columns = dict[str, float | None]


@pytest.fixture
def read() -> Callable[..., Columns]:
    """read(INDICATOR, orders=[...], ...): the columns of the customer "x" as of 2017-10-01."""

    def columns(indicator: Indicator, **rows: Sequence[dict[str, Any]]) -> Columns:
        mine = {
            name: [{"customer_id": "x"} | row for row in each]
            if "customer_id" in table(name).names
            else each
            for name, each in rows.items()
        }
        frame = build(canonical(**mine), AS_OF, EVERYBODY, indicators=[indicator])
        row = frame[frame.customer_id == "x"].iloc[0]
        return {n: None if row[n] != row[n] else float(row[n]) for n in indicator.names}

    return columns


@pytest.fixture
def on() -> Callable[..., list[dict[str, Any]]]:
    """on("2017-09-30", 5): one order on each day, told as a date or as days before as_of."""

    def orders(*days: str | int, **more: Any) -> list[dict[str, Any]]:
        told = [AS_OF - timedelta(days=d) if isinstance(d, int) else d for d in days]
        return [{"occurred_at": day, **more} for day in told]

    return orders
