"""What a customer did a year ago, by hand as of 2017-10-01; 364 days back is 2016-10-02."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from churn_ml.features.season import SEASON_OF_ORDERS

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


def test_the_customer_of_the_modules_example(read: Read, on: On) -> None:
    told = read(SEASON_OF_ORDERS, orders=on("2015-06-01", "2016-09-12", "2016-10-10", "2017-09-20"))
    assert told["order_days_last_year_30d"] == 1  # 2016-09-12, of 2016-09-02 to 2016-10-01
    assert told["order_days_ahead_last_year_30d"] == 1  # 2016-10-10
    assert told["order_days_yearly_ratio_30d"] == 1  # 2017-09-20 over 2016-09-12
    assert told["order_days_yearly_ratio_30d_has_base"] == 1


def test_the_windows_meet_without_sharing_a_day(read: Read, on: On) -> None:
    """364 days ago is the first day ahead, 365 the last of the same window; 335 and 394 the far."""
    at = {d: read(SEASON_OF_ORDERS, orders=on(500, d)) for d in (334, 335, 364, 365, 394, 395)}
    ahead = {d: told["order_days_ahead_last_year_30d"] for d, told in at.items()}
    then = {d: told["order_days_last_year_30d"] for d, told in at.items()}
    assert ahead == {334: 0, 335: 1, 364: 1, 365: 0, 394: 0, 395: 0}
    assert then == {334: 0, 335: 0, 364: 0, 365: 1, 394: 1, 395: 0}


def test_who_was_no_customer_a_year_ago_has_no_season(read: Read, on: On) -> None:
    young = read(SEASON_OF_ORDERS, orders=on(363, 10))
    assert young["order_days_ahead_last_year_30d"] is None
    assert (
        young["order_days_yearly_ratio_30d"],
        young["order_days_yearly_ratio_30d_has_base"],
    ) == (
        None,
        0,
    )
    barely = read(SEASON_OF_ORDERS, orders=on(364, 10))
    assert barely["order_days_ahead_last_year_30d"] == 1
    assert barely["order_days_last_year_30d"] is None
