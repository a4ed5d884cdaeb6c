"""The proposal of lookback and horizon, on gaps that are known by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from churn_ml.config import Contract
from churn_ml.errors import NotReady
from churn_ml.horizon import closes_within, horizon
from churn_ml.in_memory import canonical

AS_OF = date(2017, 10, 2)
START = date(2017, 1, 1)


def every(customer: str, days: int, times: int) -> list[dict[str, object]]:
    return [
        {"customer_id": customer, "occurred_at": START + timedelta(days=days * k)}
        for k in range(times)
    ]


def test_without_open_gaps_it_is_the_percentile_of_the_closed_ones() -> None:
    closed, nobody = np.array([5, 7, 7, 8, 30]), np.array([], dtype=np.int64)
    assert [closes_within(closed, nobody, share) for share in (0.5, 0.8, 0.95)] == [7, 8, 30]


def test_gaps_still_open_push_the_estimate_back() -> None:
    """Kaplan and Meier by hand: of 6 gaps 3 close on day 2 (S = 1/2), 2 are cut off on day 3,
    the last closes on day 9 (S = 0); without the open ones 80 % would be closed on day 9 too,
    but 75 % already on day 2."""
    closed, still_open = np.array([2, 2, 2, 9]), np.array([3, 3])
    assert closes_within(closed, np.array([], dtype=np.int64), 0.75) == 2
    assert closes_within(closed, still_open, 0.75) == 9


def test_a_shop_of_monthly_customers_is_told_to_look_a_month_ahead() -> None:
    orders = [row for name in "abcdefgh" for row in every(name, 28, 10)]
    told = horizon(canonical(orders=orders), AS_OF, Contract(settle_days=1))
    assert told["proposed"] == {"lookback_days": 60, "horizon_days": 30}
    assert told["gaps"] == {"closed": 72, "open": 8, "days_50": 28, "days_80": 28, "days_95": 28}


def test_every_choice_says_how_many_would_churn_in_all_and_by_segment() -> None:
    """Weekly customers to the end, and two who stopped at 2017-07-30: within 14 days of
    2017-09-18 only the weekly ones order; with a lookback of 60 days both kinds are eligible."""
    orders = [row for name in "abc" for row in every(name, 7, 40)]
    orders += [row for name in "xy" for row in every(name, 7, 31)]
    tiers = [
        {"customer_id": c, "tier": "gold" if c in "ax" else "basic", "occurred_at": START}
        for c in "abcxy"
    ]
    scored = pd.DataFrame({"customer_id": ["a", "x", "y"], "segment": ["KEEN", "DULL", "DULL"]})
    told = horizon(
        canonical(orders=orders, customers=tiers),
        AS_OF,
        Contract(),
        segments=lambda day: scored if day == date(2017, 8, 3) else None,
    )
    assert told["proposed"] == {"lookback_days": 30, "horizon_days": 14}
    rows = {(r["horizon_days"], r["segment"]): r for r in told["choices"]}
    assert (rows[14, "all"]["customers"], rows[14, "all"]["churners"]) == (3, 0)
    # 60 days ahead from 2017-08-03 and 60 back: all five were there, two never came again
    assert rows[60, "all"] == {
        "horizon_days": 60,
        "lookback_days": 60,
        "cut_off": "2017-08-03",
        "segment": "all",
        "customers": 5,
        "churners": 2,
        "stayers": 3,
        "label_rate": 0.4,
    }
    assert rows[60, "tier=gold"]["label_rate"] == 0.5
    assert rows[60, "tier=basic"]["customers"] == 3
    assert rows[60, "segment=DULL"]["label_rate"] == 1.0
    assert rows[60, "segment=KEEN"]["customers"] == 1
    assert [days for days, name in rows if name == "segment=KEEN"] == [60]
    assert rows[365, "all"]["customers"] is None


def test_too_few_repeat_orders_propose_nothing() -> None:
    with pytest.raises(NotReady, match=r"too few repeat orders .* got: 4 gaps"):
        horizon(canonical(orders=every("anna", 7, 5)), AS_OF, Contract())
