"""The drift of the base rate, by hand."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from churn_ml.drift import base_rate_drift


def rates(*churn: float | None, name: str = "all") -> pd.DataFrame:
    months = [date(2017, month, 1) for month in range(1, len(churn) + 1)]
    return pd.DataFrame({"month": months, "slice": name, "churn_rate": churn})


def test_the_slope_is_that_of_the_last_six_closed_months() -> None:
    # 1, 2, ... 6 % after a month of 90 %, the newest still open: one share point a month
    found = base_rate_drift(rates(0.9, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, None))
    assert found is not None
    assert (found.first_month, found.last_month) == (date(2017, 2, 1), date(2017, 7, 1))
    assert (found.points_per_month, found.rising) == (1.0, True)


@pytest.mark.parametrize(
    ("churn", "slope"),
    [
        ((0.1,) * 6, 0.0),
        # -.25 - .3 - .05 + .1 + .15 + .5 = .15, over 17.5; within its standard error
        ((0.1, 0.2, 0.1, 0.2, 0.1, 0.2), 0.8571),
        ((0.06, 0.05, 0.04, 0.03, 0.02, 0.01), -1.0),
    ],
)
def test_steady_jumping_and_falling_rates_do_not_rise(churn: tuple[float], slope: float) -> None:
    found = base_rate_drift(rates(*churn))
    assert found is not None
    assert (found.points_per_month, found.rising) == (slope, False)


def test_five_months_say_nothing_and_groups_are_left_out() -> None:
    group = rates(*(0.1 * month for month in range(1, 7)), name="channel")
    assert base_rate_drift(pd.concat([rates(0.1, 0.2, 0.3, 0.4, 0.5), group])) is None


def test_the_slope_reads_as_a_sentence() -> None:
    found = base_rate_drift(rates(0.06, 0.05, 0.04, 0.03, 0.02, 0.01))
    assert found is not None
    assert found.in_words() == (
        "Churn from 2017-01 to 2017-06: -1.00 share points a month, not rising beyond chance"
    )


def test_the_command_says_it_of_rows_as_they_are_published() -> None:
    from churn_ml.cli.asking import _drift

    churn = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]
    rows = [
        {"month": f"2017-0{n}-01", "slice": "all", "churn_rate": rate}
        for n, rate in enumerate(churn, 1)
    ]
    assert _drift(rows) == (
        "Churn from 2017-01 to 2017-06: +1.00 share points a month, rising beyond chance"
    )
    assert _drift(rows[1:]) == "Drift of churn: not known before 6 closed months"
    assert _drift([]) == _drift(rows[1:])
